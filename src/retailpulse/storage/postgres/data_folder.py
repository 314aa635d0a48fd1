"""How the embedded PostgreSQL comes to its data, and how the server of some data is recognized.

Below a folder that is closed to its user it gets the data as an open descriptor, so that no mode of a folder
needs to change.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retailpulse.storage.postgres.os_user import OsUser

_NOTE = "retailpulse.data="
"""A setting that PostgreSQL takes and does not know, by which a server is recognized."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FolderAccess:
    """How a program reaches a folder: the path that it gets, and the arguments of `subprocess`.

    `note` is for a server: it shows to others which data it has, if the path does not.
    """

    path: str
    options: Mapping[str, Any]
    note: tuple[str, ...] = ()


@contextmanager
def folder_access(folder: Path, account: OsUser) -> Iterator[FolderAccess]:
    """Lets a user into a folder of theirs that lies below one which is closed to them: by a descriptor."""
    options = {"cwd": "/" if account.switches else folder.parent, **account.process_options()}
    if account.reaches(folder):
        yield FolderAccess(path=str(folder), options=options)
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield FolderAccess(
            path=f"/proc/self/fd/{descriptor}",
            options={**options, "pass_fds": (descriptor,)},
            note=("-c", _NOTE + str(folder)),
        )
    finally:
        os.close(descriptor)


def is_postmaster(pid: int, pgdata: Path) -> bool:
    """Whether a process is the server of this data; a dead one that was not reaped is not."""
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    path = os.fsencode(pgdata)
    return arguments[1:3] == [b"-D", path] or (
        arguments[1:2] == [b"-D"] and arguments[3:5] == [b"-c", _NOTE.encode() + path]
    )
