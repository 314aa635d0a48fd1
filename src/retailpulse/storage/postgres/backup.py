"""Backup and restore of the embedded database, with PostgreSQL's own pg_dump and pg_restore.

A backup is one file of one instant, taken while the service works on. A restore fills a new database
beside the old one and lets it take the old one's place when it is whole. Weak: a dump may hold any
statement, so restore only files of your own.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from retailpulse.domain.errors import DatabaseError
from retailpulse.storage.postgres.database import translated
from retailpulse.storage.postgres.embedded import EmbeddedServer, sync_folder
from retailpulse.storage.postgres.migrate import migrate
from retailpulse.storage.postgres.programs import program_environment

OnProgress = Callable[[str], None]
"""Called several times a second with what goes on."""

_LOOK_SECONDS = 0.1
_MAX_JOBS = 4
_SAID_BYTES = 2_000


@contextmanager
def running_server(server: EmbeddedServer) -> Iterator[str]:
    """The URL for rows of a server, which runs only for this if none runs.

    Raises DatabaseError if there is no data.
    """
    if not server.has_data():
        raise DatabaseError(f"there is no database in {server.data_dir}; choose another --data-dir")
    if server.is_running():
        yield server.url()
        return
    with server.locked():
        try:
            yield server.start()
        finally:
            server.stop()


def back_up(server: EmbeddedServer, file: Path, *, force: bool, on_progress: OnProgress) -> int:
    """Writes the whole database to a file, which appears when it is whole; returns its size in bytes.

    Raises DatabaseError, also if the file exists and `force` is not set.
    """
    if file.is_dir() or (file.exists() and not force):
        raise DatabaseError(f"{file} exists already; choose another name, or add --force")
    with (
        running_server(server),
        _file_system_errors(file),
        _appearing(file, force=force) as (descriptor, part),
    ):
        command = [
            str(server.program("pg_dump")), "--format=custom", "--no-owner", "--no-privileges",
            "--no-unlogged-table-data",  # files that pages hold are of this hour
            # By its name: of a file from standard output, an end that is cut off may go unnoticed.
            f"--file={part}", f"--dbname={server.url_of_owner()}",
        ]  # fmt: skip
        _run(command, "pg_dump", lambda: on_progress(f"{part.stat().st_size:,} bytes written"))
        os.fsync(descriptor)
        return os.fstat(descriptor).st_size


def restore(data_dir: Path, file: Path, *, replace: bool, on_progress: OnProgress) -> str:
    """Makes the database of a data directory from a backup; returns the version its schema had.

    If it fails or is killed, the data is as it was. Raises DatabaseError: also if something runs
    there, if there is a database already and `replace` is not set, and if the file is no backup;
    SchemaTooNew if a newer program wrote it.
    """
    server = EmbeddedServer(data_dir)
    _check_backup(server, file)
    had_folder = server.data_dir.exists()
    if server.has_data() and not replace:
        raise DatabaseError(f"{server.data_dir} has a database already; add --replace to delete it for this")
    try:
        with server.locked(), _new_server(server) as new:
            version = _fill(new, file, on_progress)
            server.stop()  # one that outlived its `serve`
            on_progress("taking the old one's place")
            server.replace_with(new)
    except BaseException:
        if not had_folder:
            shutil.rmtree(server.data_dir, ignore_errors=True)
        raise
    return version


def _check_backup(server: EmbeddedServer, file: Path) -> None:
    try:
        file.open("rb").close()
    except OSError as error:
        raise DatabaseError(f"{file} cannot be read: {error.strerror}") from error
    listed = subprocess.run(
        [str(server.program("pg_restore")), "--list", str(file)],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env=program_environment(),
    )
    if listed.returncode != 0:
        raise DatabaseError(f"{file} is no backup: {listed.stderr.strip()}")
    if " TABLE DATA public alembic_version " not in listed.stdout:
        raise DatabaseError(f"{file} is no backup of this service: it has no schema version")


@contextmanager
def _new_server(server: EmbeddedServer) -> Iterator[EmbeddedServer]:
    """A database of its own beside that of a server, gone at the end; a start deletes what a kill left."""
    for left in server.data_dir.glob("postgres.new-restore-*"):
        EmbeddedServer(left).stop()
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix="postgres.new-restore-", dir=server.data_dir))
    server.os_user().give(folder)  # whose the new data is to be
    new = EmbeddedServer(folder)
    try:
        yield new
    finally:
        new.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _fill(new: EmbeddedServer, file: Path, on_progress: OnProgress) -> str:
    """Restores into a new server, brings its tables up to date, and stops it."""
    on_progress("making a database")
    new.start()
    url = new.url_of_owner()
    command = [
        str(new.program("pg_restore")), "--exit-on-error", "--no-owner", "--no-privileges",
        f"--jobs={min(os.cpu_count() or 1, _MAX_JOBS)}", f"--dbname={url}", str(file),
    ]  # fmt: skip
    _run(command, "pg_restore", lambda: on_progress("restoring"))
    on_progress("bringing it up to date")
    before, _ = migrate(url)
    _repair(url)
    new.stop()
    return before or "none"


def _repair(url: str) -> None:
    """Makes the tables agree with a new start: the workers of the backup's time are no more."""
    with translated(), psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE workers SET beat_at = '-infinity'")  # the first sweep hands back
        connection.execute("ANALYZE")  # a dump has no statistics, and plans without them are slow


def _run(command: list[str], name: str, look: Callable[[], None]) -> None:
    """Runs a program to its end, which is ours too; raises DatabaseError with what it said."""
    with tempfile.TemporaryFile() as said:
        running = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=program_environment()
        )
        try:
            while running.poll() is None:
                look()
                time.sleep(_LOOK_SECONDS)
        finally:
            running.kill()
            running.wait()
        if running.returncode != 0:
            said.seek(0)
            text = said.read()[-_SAID_BYTES:].decode(errors="replace").strip()
            raise DatabaseError(f"{name} failed: {text or f'code {running.returncode}'}")


@contextmanager
def _appearing(file: Path, *, force: bool) -> Iterator[tuple[int, Path]]:
    """A new file for us alone beside `file` that takes its name when all went well, or vanishes."""
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".part", dir=file.parent)
    part = Path(name)
    try:
        yield descriptor, part
        if force:
            part.replace(file)
        else:
            _link_free_name(part, file)
        sync_folder(file.parent)
    finally:
        os.close(descriptor)
        part.unlink(missing_ok=True)


def _link_free_name(part: Path, file: Path) -> None:
    """Unlike a rename, a link never takes the place of a file that came in between."""
    try:
        file.hardlink_to(part)
    except FileExistsError:
        raise DatabaseError(f"{file} exists already; choose another name, or add --force") from None
    except OSError:  # a file system without links
        part.replace(file)


@contextmanager
def _file_system_errors(file: Path) -> Iterator[None]:
    """Turns what the file system refuses into a DatabaseError that names the file."""
    try:
        yield
    except OSError as error:
        raise DatabaseError(f"the backup {file} cannot be written: {error.strerror or error}") from error
