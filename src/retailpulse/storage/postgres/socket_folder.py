"""The folder of the embedded PostgreSQL's socket: in its data, or else a temporary one.

It cannot be in the data if the path is too long for a socket, or if the server's user cannot reach the data.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from retailpulse.domain.errors import DatabaseError
from retailpulse.storage.postgres.os_user import OsUser

MAX_SOCKET_PATH_BYTES = 107  # sockaddr_un.sun_path on Linux, less its final zero
EVERYBODYS = Path("/tmp")  # noqa: S108  # only a folder of our own in it is used


def socket_folder(pgdata: Path, account: OsUser) -> Path:
    """The folder for the socket of a server, not made yet."""
    if is_short_enough(pgdata) and account.reaches(pgdata):
        return pgdata
    return next((folder for folder in _outside(pgdata) if account.reaches(folder.parent)), pgdata)


def is_short_enough(pgdata: Path) -> bool:
    """Whether a path can be a socket's address, and stand in a URL."""
    path = os.fsencode(pgdata / ".s.PGSQL.5432")
    return len(path) <= MAX_SOCKET_PATH_BYTES and b"," not in path  # a comma parts hosts in a URL


def first_guess(pgdata: Path) -> Path:
    """The folder in which the socket of a server that does not run will most likely be."""
    return pgdata if is_short_enough(pgdata) else next(_outside(pgdata))


def make_socket_folder(pgdata: Path, account: OsUser) -> Path:
    """Makes the folder for the socket, for the server's user alone; raises DatabaseError."""
    folder = socket_folder(pgdata, account)
    if folder != pgdata:
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid not in {os.geteuid(), account.uid}:
            raise DatabaseError(f"{folder} belongs to another user; set TMPDIR, or use a shorter --data-dir")
        account.give(folder)
    return folder


def remove_socket_folder(pgdata: Path, account: OsUser) -> None:
    """Removes the socket folder, if it is outside of the data."""
    for folder in _outside(pgdata):
        if folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid == account.uid:
            shutil.rmtree(folder, ignore_errors=True)


def _outside(pgdata: Path) -> Iterator[Path]:
    name = f"retailpulse-{hashlib.sha256(os.fsencode(pgdata)).hexdigest()[:16]}"
    yield Path(tempfile.gettempdir()) / name
    yield EVERYBODYS / name
