"""Estimates the size of the image by its parts, where no engine builds it: files by their bytes.

The system is Debian as debootstrap makes it, with the packages of Python's image and of ours, less what slim
images leave out; Python is the one that runs this, less what its image leaves out. Weak: another version of
Python is a few megabytes more or less. Usage, as root: python -m tests.image.size
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tools.trim import loaded_bytes

from tests.image.recipe import ROOT, do, stages

MOST_BYTES = 400_000_000
OF_PYTHON = "ca-certificates,netbase,tzdata,libbz2-1.0,libffi8,libgdbm6,liblzma5,libncursesw6,libreadline8"
OF_PYTHON += ",libsqlite3-0,libssl3,libuuid1,zlib1g"
NOT_IN_SLIM = ("doc", "groff", "info", "lintian", "linda", "locale", "man")
NOT_IN_PYTHON = {"__pycache__", "idlelib", "idle_test", "site-packages", "test", "tests", "turtledemo"}


def files(folder: Path) -> Iterator[Path]:
    """Every file below a folder once, however many names it has."""
    known: set[tuple[int, int]] = set()
    for above, _, names in os.walk(folder):
        for name in names:
            path = Path(above, name)
            found = path.lstat()
            if path.is_symlink() or not path.is_file() or (found.st_dev, found.st_ino) in known:
                continue
            known.add((found.st_dev, found.st_ino))
            yield path


def size_of(folder: Path) -> int:
    """The bytes of all files below a folder."""
    return sum(path.stat().st_size for path in files(folder))


def packages() -> str:
    """What the last stage installs, beside what the image of Python has."""
    (install,) = re.findall(r"apt-get install [^&]*?((?: [a-z][\w.+-]*)+) *&&", stages()[-1].all("RUN")[0])
    return ",".join([OF_PYTHON, *install.split()])


def system_bytes(folder: Path) -> int:
    """Makes the system in a folder and measures it; raises ConnectionError if that cannot be done here."""
    if os.getuid() != 0 or shutil.which("debootstrap") is None:
        raise ConnectionError("needs root and debootstrap: apt-get install debootstrap")
    (suite,) = re.findall(
        r"^ARG PYTHON_IMAGE=python:[\d.]+-slim-(\w+)@", (ROOT / "Dockerfile").read_text(), re.M
    )
    asked = ["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages", "Origin: Debian"]
    mirrors = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()
    if not mirrors:
        raise ConnectionError("apt knows no mirror of Debian: apt-get update")
    proxy = subprocess.run(
        ["sh", "-c", 'eval "$(apt-config shell proxy Acquire::http::Proxy)"; echo "$proxy"'],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    environment = os.environ | ({"http_proxy": proxy} if proxy else {})
    make = ["debootstrap", "--variant=minbase", f"--include={packages()}", suite, str(folder), mirrors[0]]
    done = subprocess.run(make, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout[-2_000:]
    for name in NOT_IN_SLIM:
        shutil.rmtree(folder / "usr/share" / name, ignore_errors=True)
    for name in ("var/cache", "var/lib/apt", "var/log", "debootstrap", "proc", "sys", "dev"):
        shutil.rmtree(folder / name, ignore_errors=True)
    return size_of(folder)


def python_bytes() -> int:
    """The standard library, the interpreter and pip, as the image of Python has them."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    library = Path(sys.base_prefix) / "lib" / version
    found = [
        path
        for path in files(library)
        if not NOT_IN_PYTHON & set(path.relative_to(library).parts) and path.suffix not in (".a", ".o")
    ]
    programs = [Path(sys.base_prefix, "bin", version), *library.parent.glob("libpython3.*.so.*")]
    pip = library / "site-packages" / "pip"
    bare = [path for path in files(pip) if path.suffix != ".pyc"] if pip.exists() else []
    return sum(loaded_bytes(path) for path in (*found, *programs, *bare))


def parts(built: Path, folder: Path) -> dict[str, int]:
    """The bytes of each part, with an environment that was built; raises ConnectionError."""
    return {
        "Debian, with what Python and the service need of it": system_bytes(folder),
        "Python": python_bytes(),
        "the environment, with the service": size_of(built / "opt/retailpulse"),
    }


def main() -> int:
    """Prints the parts and their sum in MB; 1 if that is over the limit."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        for stage in stages()[:-1]:
            do(stage, folder)
        found = parts(folder, folder / "system")
    for what, size_bytes in found.items():
        print(f"{size_bytes / 1e6:6.1f} MB  {what}")
    print(f"{sum(found.values()) / 1e6:6.1f} MB  all, of {MOST_BYTES / 1e6:.0f}")
    return int(sum(found.values()) > MOST_BYTES)


if __name__ == "__main__":
    sys.exit(main())
