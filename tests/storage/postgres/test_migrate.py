"""Migrations: run again, run at once, and refused where the schema or the server is not ours."""

import asyncio
import subprocess
import sys
from importlib.resources import files

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from retailpulse.config.settings import DatabaseSettings
from retailpulse.domain.errors import DatabaseError, DatabaseUnavailable, SchemaTooNew
from retailpulse.domain.ids import new_job_id
from retailpulse.storage import locks
from retailpulse.storage.postgres import migrate as migrating
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.postgres.migrate import migrate
from tests.running import clean_environment, wait_for
from tests.storage import claiming
from tests.storage.jobs import failed
from tests.storage.settled import settle
from tests.storage.truth import check_truth

WAITING = (
    "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
    " WHERE d.datname = current_database() AND locktype = 'advisory' AND NOT granted"
)
MIGRATIONS = str(files("retailpulse.storage") / "migrations")
NEWEST = str(ScriptDirectory(MIGRATIONS).get_current_head())
OLD_JOB = """
    INSERT INTO stores VALUES ('S', '1', 'Shop');
    INSERT INTO jobs (job_id, status, depth, images, measured) VALUES ('JOB', 'ongoing', 'header', 3, 1);
    INSERT INTO visits VALUES ('JOB', 1, 'S', true, 'noon', NULL, 1, 3);
    INSERT INTO images VALUES ('JOB', 1, 1, 'http://a/1'), ('JOB', 2, 1, 'http://a/2'), ('JOB', 3, 1, 'http://a/2');
    INSERT INTO chunks VALUES ('JOB', 0, 1, 3, 3, 1);
    INSERT INTO results (job_id, image_no, outcome, width, height, tries)
    VALUES ('JOB', 1, 'measured', 9, 9, 1)
"""


def test_a_migration_runs_once_and_then_changes_nothing(empty_url: str) -> None:
    before, after = migrate(empty_url)
    assert before is None
    assert migrate(empty_url) == (after, after)


async def test_eight_processes_that_migrate_at_once_all_succeed(empty_url: str) -> None:
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [locks.MIGRATION])  # so that they do meet
        running = [
            await asyncio.create_subprocess_exec(
                sys.executable, "-c", "import sys; from retailpulse.storage.postgres.migrate import migrate;"
                " before, after = migrate(sys.argv[1]); print(before)", empty_url,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )
            for _ in range(8)
        ]  # fmt: skip
        wait_for(lambda: connection.execute(WAITING).fetchone() == (8,))
    said = [await process.communicate() for process in running]
    assert [process.returncode for process in running] == [0] * 8, said
    assert sorted(out.decode() for out, _ in said) == [f"{NEWEST}\n"] * 7 + ["None\n"]


def test_a_schema_of_a_newer_program_is_refused(database_url: str) -> None:
    set_version(database_url, "9999")
    with pytest.raises(SchemaTooNew, match=r"schema 9999.*newer retailpulse.*Install that version"):
        migrate(database_url)


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_a_command_that_meets_a_newer_schema_says_so_and_exits_with_1(
    database_url: str, command: str
) -> None:
    set_version(database_url, "9999")
    done = subprocess.run(
        [sys.executable, "-m", "retailpulse", command],
        env={**clean_environment(), "RETAILPULSE_DATABASE_URL": database_url, "RETAILPULSE_API_PORT": "0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("retailpulse: the database has schema 9999, this program knows up to")
    assert len(done.stderr.splitlines()) == 1


def test_a_server_that_is_too_old_is_refused(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrating, "OLDEST_SERVER", 990_000)  # no old one is at hand
    with pytest.raises(DatabaseError, match=r"PostgreSQL 18 is too old"):
        migrate(empty_url)


def test_a_migration_that_breaks_leaves_nothing_behind(empty_url: str) -> None:
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE chunks ()")  # the last of our tables is in the way
        with pytest.raises(Exception, match="chunks"):
            migrate(empty_url)
        assert tables(connection) == ["chunks"]
        connection.execute("DROP TABLE chunks")
    assert migrate(empty_url)[0] is None


def test_a_database_that_does_not_answer_is_told() -> None:
    with pytest.raises(DatabaseUnavailable, match="cannot take it now"):
        migrate("postgresql://127.0.0.1:1/none")


async def test_a_job_in_work_from_the_first_schema_is_finished_in_the_newest(empty_url: str) -> None:
    upgrade_to(empty_url, "0001")
    job_id = new_job_id()
    with psycopg.connect(empty_url) as connection:
        connection.execute(OLD_JOB.replace("JOB", str(job_id)).encode())
    assert migrate(empty_url) == ("0001", NEWEST)
    async with Database(empty_url, DatabaseSettings()) as database:
        granted = await claiming.claim(database, await claiming.add_worker(database))
        assert claiming.numbers(granted) == [2, 3]  # one URL, and counted twice back then
        both = [failed(job_id, 2), failed(job_id, 3)]
        assert await settle(database, both, claiming.grant_ids(granted)) == 2
    check_truth(empty_url, job_id)


def upgrade_to(url: str, version: str) -> None:
    """Migrates as a program did whose newest schema was `version`."""
    configuration = Config()
    configuration.set_main_option("script_location", MIGRATIONS.replace("%", "%%"))
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url))
    with engine.connect() as connection:
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, version)
        connection.commit()
    engine.dispose()


def set_version(url: str, version: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", [version])


def tables(connection: psycopg.Connection) -> list[str]:
    rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return [name for (name,) in rows]
