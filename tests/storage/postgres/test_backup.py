"""Backup and restore: one instant in one file, and a restore that changes all or nothing."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from retailpulse.config.settings import DatabaseSettings
from retailpulse.domain.errors import DatabaseError, SchemaTooNew
from retailpulse.storage.postgres import backup
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.postgres.embedded import EmbeddedServer
from tests.migrated_data import start_migrated
from tests.storage import claiming
from tests.storage.ended import URLS, ended_job
from tests.storage.jobs import submit
from tests.storage.postgres.test_migrate import upgrade_to

NOBODY = 65_534


def quiet(_text: str) -> None:
    """Nobody listens."""


@pytest.fixture(scope="module")
def dump() -> Iterator[Path]:
    """A backup of the stopped data directory `data` beside it: a job that ended and one in work."""
    folder = Path(tempfile.mkdtemp(prefix="retailpulse-test-"))
    folder.chmod(0o755)
    server = EmbeddedServer(folder / "data")
    try:
        start_migrated(server)
        asyncio.run(fill(server.url()))
        backup.back_up(server, folder / "dump", force=False, on_progress=quiet)
        server.stop()
        yield folder / "dump"
    finally:
        server.stop()
        shutil.rmtree(folder)


async def fill(url: str) -> None:
    database = Database(url, DatabaseSettings())
    await database.open()
    await ended_job(database)
    await submit(database, URLS)
    await claiming.claim(database, await claiming.add_worker(database), 4)
    await database.close()


@pytest.fixture
def data(dump: Path, folder: Path) -> Path:
    """A data directory of our own, like the one that was backed up."""
    shutil.copytree(dump.parent / "data", folder / "data", symlinks=True)
    owner = (dump.parent / "data" / "postgres").stat()
    if os.geteuid() == 0:
        own(folder / "data" / "postgres", owner.st_uid, owner.st_gid)
    return folder / "data"


def own(folder: Path, user: int, group: int) -> None:
    """Gives a folder with all that is in it to a user."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user, group)


def ask(data: Path, *queries: LiteralString) -> list[list[tuple[Any, ...]]]:
    """What queries find in a data directory, whose server runs only for this."""
    server = EmbeddedServer(data)
    with backup.running_server(server) as url, psycopg.connect(url) as connection:
        return [connection.execute(query).fetchall() for query in queries]


@contextmanager
def running(data: Path) -> Iterator[EmbeddedServer]:
    """The server of a data directory, made where there is none."""
    server = EmbeddedServer(data)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def run(server: EmbeddedServer, statement: LiteralString) -> None:
    """Runs a statement as the owner of the tables."""
    with psycopg.connect(server.url_of_owner()) as connection:
        connection.execute(statement)


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_restore_brings_every_row_and_no_worker_of_the_time_before(dump: Path, folder: Path) -> None:
    assert backup.restore(folder / "new", dump, replace=False, on_progress=quiet) >= "0003"
    jobs, results, workers, line, work = ask(
        folder / "new",
        "SELECT status, images, measured FROM jobs ORDER BY status",
        "SELECT count(*) FROM results",
        "SELECT FROM workers WHERE beat_at > '-infinity'",
        "SELECT sum(cardinality(image_nos)) FROM slices",
        "SELECT sum(cardinality(image_nos)) FROM grants JOIN workers USING (worker_id)",
    )
    assert jobs == [("completed", 10, 10), ("ongoing", 10, 0)]
    assert results == [(10,)]
    assert (line, work) == ([(6,)], [(4,)])
    assert workers == [], "one of the backup's time is swept at once"
    assert files(folder / "new") == {"postgres", "serve.lock"}


def test_a_backup_is_for_its_owner_alone_and_never_takes_another_files_place(
    dump: Path, data: Path, folder: Path
) -> None:
    assert dump.stat().st_mode & 0o777 == 0o600
    (folder / "mine").write_text("mine")
    with pytest.raises(DatabaseError, match="mine exists already; choose another name, or add --force"):
        backup.back_up(EmbeddedServer(data), folder / "mine", force=False, on_progress=quiet)
    assert (folder / "mine").read_text() == "mine"
    size_bytes = backup.back_up(EmbeddedServer(data), folder / "mine", force=True, on_progress=quiet)
    assert (folder / "mine").stat().st_size == size_bytes
    assert files(folder) == {"data", "mine"}


def test_a_file_that_comes_while_a_backup_is_written_stays(data: Path, folder: Path) -> None:
    def come_between(_text: str) -> None:
        (folder / "dump").write_text("mine")

    with pytest.raises(DatabaseError, match="exists already"):
        backup.back_up(EmbeddedServer(data), folder / "dump", force=False, on_progress=come_between)
    assert (folder / "dump").read_text() == "mine"
    assert files(folder) == {"data", "dump"}


def test_a_backup_into_a_folder_that_is_not_there_is_told(data: Path, folder: Path) -> None:
    with pytest.raises(DatabaseError, match=r"gone/dump cannot be written: No such file or directory"):
        backup.back_up(EmbeddedServer(data), folder / "gone" / "dump", force=False, on_progress=quiet)


def test_a_backup_onto_a_full_disk_is_told_and_leaves_nothing(
    data: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = EmbeddedServer(data)
    server.start()
    # A limit on the size of files stands for the disk: writing fails beyond it, where its signal is ignored.
    limited = folder / "pg_dump"
    limited.write_text(f"#!/bin/sh\ntrap '' XFSZ\nulimit -f 16\nexec '{server.program('pg_dump')}' \"$@\"\n")
    limited.chmod(0o755)
    monkeypatch.setattr(server, "program", lambda _name: limited)
    try:
        with pytest.raises(DatabaseError, match=r"pg_dump failed: .*File too large"):
            backup.back_up(server, folder / "dump", force=False, on_progress=quiet)
    finally:
        server.stop()
    assert files(folder) == {"data", "pg_dump"}


def test_there_is_no_backup_of_nothing(folder: Path) -> None:
    with pytest.raises(DatabaseError, match="there is no database in"):
        backup.back_up(EmbeddedServer(folder / "data"), folder / "dump", force=False, on_progress=quiet)
    assert files(folder) == set()


@pytest.mark.parametrize("content", [b"", b"no dump", b"SELECT 1;\n" * 1000])
def test_a_file_that_is_no_backup_changes_nothing(folder: Path, content: bytes) -> None:
    (folder / "file").write_bytes(content)
    with pytest.raises(DatabaseError, match=r"file is no backup: pg_restore: error: "):
        backup.restore(folder / "data", folder / "file", replace=True, on_progress=quiet)
    with pytest.raises(DatabaseError, match="other cannot be read: No such file"):
        backup.restore(folder / "data", folder / "other", replace=True, on_progress=quiet)
    assert files(folder) == {"file"}


def test_a_restore_over_a_database_needs_to_be_told_so(dump: Path, data: Path) -> None:
    with pytest.raises(DatabaseError, match="has a database already; add --replace"):
        backup.restore(data, dump, replace=False, on_progress=quiet)


def test_a_restore_never_runs_beside_a_service(dump: Path, data: Path) -> None:
    with (
        EmbeddedServer(data).locked(),
        pytest.raises(DatabaseError, match="is in use by another `retailpulse serve`"),
    ):
        backup.restore(data, dump, replace=True, on_progress=quiet)


def test_a_backup_that_ends_a_byte_too_early_leaves_everything_as_it_was(
    dump: Path, data: Path, folder: Path
) -> None:
    (folder / "cut").write_bytes(dump.read_bytes()[:-1])
    with pytest.raises(DatabaseError, match=r"pg_restore failed: .*end of file"):
        backup.restore(data, folder / "cut", replace=True, on_progress=quiet)
    assert files(folder) == {"data", "cut"}
    assert files(data) == {"postgres", "serve.lock"}
    assert ask(data, "SELECT count(*) FROM workers WHERE beat_at > '-infinity'") == [[(1,)]]


def test_a_replaced_database_is_gone_and_its_owner_the_same(dump: Path, data: Path) -> None:
    if os.geteuid() == 0:
        own(data / "postgres", NOBODY, NOBODY)
    owner = (data / "postgres").stat().st_uid
    server = EmbeddedServer(data)
    with psycopg.connect(server.start()) as connection:  # one that outlived its `serve`
        connection.execute("DELETE FROM jobs")
    backup.restore(data, dump, replace=True, on_progress=quiet)
    assert not server.is_running()
    assert files(data) == {"postgres", "serve.lock"}
    assert (data / "postgres").stat().st_uid == owner
    assert ask(data, "SELECT count(*) FROM jobs") == [[(2,)]]


def test_a_backup_of_an_older_schema_is_migrated_and_of_a_newer_one_refused(data: Path, folder: Path) -> None:
    with running(data) as server:
        run(server, "UPDATE alembic_version SET version_num = '9999'")
        backup.back_up(server, folder / "newer", force=False, on_progress=quiet)
    shutil.rmtree(data)
    with running(data) as server:
        upgrade_to(server.url_of_owner(), "0002")
        run(
            server,
            "INSERT INTO jobs (job_id, status, depth, images, measured, finished_at)"
            " VALUES (gen_random_uuid(), 'completed', 'header', 1, 1, now())",
        )
        backup.back_up(server, folder / "older", force=False, on_progress=quiet)
    with pytest.raises(SchemaTooNew, match="the database has schema 9999, this program knows up to"):
        backup.restore(folder / "new", folder / "newer", replace=False, on_progress=quiet)
    assert files(folder) == {"data", "newer", "older"}
    assert ask(data, "SELECT version_num FROM alembic_version") == [[("0002",)]]
    assert backup.restore(data, folder / "older", replace=True, on_progress=quiet) == "0002"
    assert ask(data, "SELECT sum(cancelled) FROM jobs", "SELECT FROM pruned_jobs") == [[(0,)], []]


def test_a_replacement_that_was_killed_is_all_the_old_or_all_the_new(data: Path) -> None:
    (data / "postgres").rename(data / "postgres.replaced")
    assert ask(data, "SELECT count(*) FROM jobs") == [[(2,)]]
    (data / "postgres.replaced").mkdir()
    assert ask(data, "SELECT count(*) FROM jobs") == [[(2,)]]
    assert files(data) == {"postgres", "serve.lock"}
