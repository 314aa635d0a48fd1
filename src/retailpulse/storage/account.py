"""Whom the embedded PostgreSQL runs as: ourselves, or a system user where we are root, whom it refuses.

Weak: what it opens to that user (the way to the data, the programs) it never closes again.
"""

import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retailpulse.domain.errors import DatabaseError

SYSTEM_USER = "pgserver"


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """A user and a group; `switches` says whether they are others than our own."""

    uid: int
    gid: int
    switches: bool

    def process_options(self) -> dict[str, Any]:
        """What makes `subprocess` run a program as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switches else {}

    def give(self, path: Path) -> None:
        """Makes the user the owner of a file or a folder."""
        if self.switches:
            os.chown(path, self.uid, self.gid)


def account_for(data: Path) -> Account:
    """Who runs the server: ourselves; where we are root, the owner of the data or the system user."""
    if os.geteuid() != 0:
        return Account(uid=os.geteuid(), gid=os.getegid(), switches=False)
    owner = data.stat() if data.exists() else None
    if owner is not None and owner.st_uid != 0:
        return Account(uid=owner.st_uid, gid=owner.st_gid, switches=True)
    entry = _system_user()
    return Account(uid=entry.pw_uid, gid=entry.pw_gid, switches=True)


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        pass
    said = ""
    try:
        made = subprocess.run(
            ["useradd", "--system", SYSTEM_USER], check=False, capture_output=True, text=True
        )
        said = made.stderr.strip()
        return pwd.getpwnam(SYSTEM_USER)  # another process may have made it in the same moment
    except (OSError, KeyError) as error:
        raise DatabaseError(
            f"PostgreSQL refuses to run as root, and the system user {SYSTEM_USER} cannot be made "
            f"({said or error}); run this as an ordinary user, or set RETAILPULSE_DATABASE_URL"
        ) from error


def open_way(data_dir: Path, programs: Path, account: Account) -> None:
    """Lets the user of `account` pass through to the data and run the programs."""
    if not account.switches:
        return
    for folder in {*data_dir.parents, data_dir, *programs.parents}:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)
    if not _runs(programs, account):
        _open_to_all(programs.parent)


def _runs(programs: Path, account: Account) -> bool:
    try:
        command = [str(programs / "postgres"), "--version"]
        found = subprocess.run(
            command, check=False, capture_output=True, cwd="/", **account.process_options()
        )
    except PermissionError:
        return False
    return found.returncode == 0


def _open_to_all(folder: Path) -> None:
    """Lets every user read what its owner reads, and run what its owner runs."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            owners = mode & (stat.S_IRUSR | stat.S_IXUSR)
            path.chmod(mode | owners >> 3 | owners >> 6)
