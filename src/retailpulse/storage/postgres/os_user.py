"""The user that the embedded PostgreSQL and the children of `serve` run as: an ordinary one, if we are root.

No mode of a folder is changed for that user, and no owner but of what root owns inside our own data. Weak:
all that belongs to one data directory runs as one user.
"""

import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from retailpulse.domain.errors import DatabaseError

SYSTEM_USER = "pgserver"


@dataclass(frozen=True, kw_only=True, slots=True)
class OsUser:
    """A user and a group; `switches` says whether they are others than our own."""

    uid: int
    gid: int
    switches: bool

    @property
    def name(self) -> str:
        """The name of the user, or its number if it has none."""
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)

    def process_options(self) -> dict[str, Any]:
        """The arguments of `subprocess.run` for a program that runs as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switches else {}

    def give(self, path: Path) -> None:
        """Makes the user the owner of a file or a folder, and not of what a link leads to."""
        if self.switches:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def reaches(self, folder: Path) -> bool:
        """Whether the user may pass through to a folder and into it."""
        return not self.switches or self.runs("/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder))

    def runs(self, *command: str) -> bool:
        """Whether a command ends well as this user."""
        try:
            done = subprocess.run(
                command, check=False, capture_output=True, cwd="/", env={}, **self.process_options()
            )
        except PermissionError:
            return False
        return done.returncode == 0


def current_user() -> OsUser:
    """The user that this process is."""
    return OsUser(uid=os.geteuid(), gid=os.getegid(), switches=False)


def os_user_for(*folders: Path) -> OsUser:
    """This user; if we are root, the first owner of these folders that is not, else the system user."""
    if os.geteuid() != 0:
        return current_user()
    for folder in folders:
        if folder.exists() and (owner := folder.stat()).st_uid != 0:
            return OsUser(uid=owner.st_uid, gid=owner.st_gid, switches=True)
    entry = _system_user()
    return OsUser(uid=entry.pw_uid, gid=entry.pw_gid, switches=True)


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        pass
    said = ""
    try:
        made = subprocess.run(
            ["useradd", "--system", SYSTEM_USER],
            check=False,
            capture_output=True,
            text=True,
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
        )
        said = made.stderr.strip()
        return pwd.getpwnam(SYSTEM_USER)  # another process may have made it in the same moment
    except (OSError, KeyError) as error:
        raise DatabaseError(
            f"PostgreSQL refuses to run as root, and the system user {SYSTEM_USER} cannot be made "
            f"({said or error}); run this as an ordinary user, or set RETAILPULSE_DATABASE_URL"
        ) from error


def hand_over(folder: Path, account: OsUser) -> None:
    """Makes the user the owner of a folder of root's with all that is in it, as a copy made by root is.

    No link is followed, and no file changed that has another name elsewhere.
    """
    if not account.switches or folder.lstat().st_uid != 0:
        return
    for _, folders, files, inside in os.fwalk(folder, topdown=False, follow_symlinks=False):
        for name in (*folders, *files):
            found = os.stat(name, dir_fd=inside, follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode) or found.st_nlink == 1:
                os.chown(name, account.uid, account.gid, dir_fd=inside, follow_symlinks=False)
    account.give(folder)


def open_own(path: Path, account: OsUser | None = None, *, empty: bool = False) -> BinaryIO:
    """Opens a file to append to it, made if it is missing, for its user; raises DatabaseError for a link.

    The folder may belong to that user, and root must not write where a link of theirs leads.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        os.close(descriptor)
        raise DatabaseError(f"{path} is no plain file; remove it")
    if empty:
        os.ftruncate(descriptor, 0)
    if account is not None and account.switches:
        os.fchown(descriptor, account.uid, account.gid)
    return os.fdopen(descriptor, "a+b")
