"""Connections to a PostgreSQL as people have it: options of the URL, roles with few rights, refusals."""

import logging
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from retailpulse.concurrency.outage_log import OutageLog
from retailpulse.config.settings import DatabaseSettings
from retailpulse.domain.errors import DatabaseError, DatabaseUnavailable
from retailpulse.storage.integrity.check import StaleThresholds, check_invariants
from retailpulse.storage.postgres.connecting import blocking_session, connection_options, open_session
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.postgres.migrate import migrate

logger = logging.getLogger(__name__)


def with_option(url: str, option: str) -> str:
    """The URL with one parameter more."""
    return f"{url}{'&' if '?' in url else '?'}{option}"


def as_role(url: str, role: str) -> str:
    """The URL of another role."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{role}@{parts.netloc.rpartition('@')[2]}"))


@pytest.fixture
def weak_url(empty_url: str) -> Iterator[str]:
    """The URL of a database for a role that may do nothing there but connect."""
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute("CREATE ROLE weak LOGIN")
        yield as_role(empty_url, "weak")
        connection.execute("DROP OWNED BY weak CASCADE")
        connection.execute("DROP ROLE weak")


async def test_a_schema_that_the_url_names_gets_the_tables_and_is_worked_in(empty_url: str) -> None:
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA retail")
    url = with_option(empty_url, "options=-csearch_path%3Dretail")
    migrate(url)
    assert migrate(url)[0] is not None
    with psycopg.connect(empty_url) as connection:
        found = connection.execute(
            "SELECT DISTINCT schemaname FROM pg_tables WHERE tablename = 'jobs'"
        ).fetchall()
    assert found == [("retail",)]
    async with Database(url, DatabaseSettings()) as database:
        await database.check_tables()
        async with database.dedicated(planned_once=True) as session:
            assert await one(session, "SHOW search_path") == "retail"
            assert await one(session, "SHOW enable_seqscan") == "off"
    thresholds = StaleThresholds(sweep_seconds=2.0, stale_seconds=8.0)
    assert check_invariants(url, thresholds).findings == ()


async def test_sessions_are_set_up_whichever_way_they_are_opened(database_url: str) -> None:
    wanted = [("UTC", "5s")]
    asked = "SELECT current_setting('timezone'), current_setting('idle_in_transaction_session_timeout')"
    async with Database(database_url, DatabaseSettings()) as database, database.connection() as pooled:
        assert await (await pooled.execute(asked)).fetchall() == wanted
    async with await open_session(database_url) as alone:
        assert await (await alone.execute(asked)).fetchall() == wanted
        assert await one(alone, "SHOW enable_seqscan") == "on"
    with blocking_session(database_url, autocommit=False) as blocking:
        assert blocking.execute(asked).fetchall() == wanted
        blocking.rollback()
        assert blocking.execute(asked).fetchall() == wanted


def test_options_that_the_url_names_are_left_to_it(database_url: str) -> None:
    url = with_option(database_url, "application_name=audits&connect_timeout=9")
    assert {"application_name", "connect_timeout"}.isdisjoint(connection_options(url))
    with blocking_session(url, autocommit=True) as session:
        assert session.execute("SHOW application_name").fetchone() == ("audits",)


async def test_behind_a_pooler_a_session_has_nothing_for_the_next_client(
    database_url: str,
) -> None:
    settings = DatabaseSettings(url=database_url, direct_url=database_url)
    async with Database(database_url, settings) as database, database.connection() as session:
        assert session.prepare_threshold is None
        assert await one(session, "SHOW timezone") == "UTC"
        assert await one(session, "SHOW idle_in_transaction_session_timeout") == "0"


async def test_a_pool_without_a_connection_says_why_in_one_line(database_url: str) -> None:
    gone = psycopg.conninfo.make_conninfo(database_url, dbname="nowhere", password="kept-to-us")
    async with Database(gone, DatabaseSettings(wait_seconds=5.0)) as database:
        with pytest.raises(DatabaseUnavailable, match='database "nowhere" does not exist') as raised:
            async with database.connection(wait_seconds=0.5):
                pass
    assert "\n" not in str(raised.value)
    assert "kept-to-us" not in str(raised.value)


async def test_an_outage_and_its_end_are_logged_once(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    away = Database(
        psycopg.conninfo.make_conninfo(database_url, dbname="nowhere"),
        DatabaseSettings(wait_seconds=0.3),
        outage_log=OutageLog(logger.warning, "the API"),
    )
    async with away as database:
        for _ in range(3):
            with pytest.raises(DatabaseUnavailable):
                await database.check_tables()
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE nowhere")
        for _ in range(3):
            async with database.connection(wait_seconds=20.0):
                pass
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE nowhere WITH (FORCE)")
    lines = [record.getMessage() for record in caplog.records if record.name == __name__]
    waits, ends = lines
    assert waits.startswith("the API waits for the database: the database cannot take it now: ")
    assert ends.startswith("the API has the database again, after ")


def test_a_role_that_may_make_no_tables_is_told_what_it_lacks(weak_url: str) -> None:
    with pytest.raises(DatabaseError, match="GRANT USAGE, CREATE ON SCHEMA public TO weak"):
        migrate(weak_url)


def test_a_schema_that_is_not_there_is_named(empty_url: str) -> None:
    with pytest.raises(DatabaseError, match=r"search_path nowhere: .* CREATE SCHEMA"):
        migrate(with_option(empty_url, "options=-csearch_path%3Dnowhere"))


async def test_a_role_that_lost_its_rights_is_refused_in_words(empty_url: str, weak_url: str) -> None:
    migrate(empty_url)
    async with Database(weak_url, DatabaseSettings()) as database:
        with pytest.raises(DatabaseUnavailable, match="permission denied for table alembic_version"):
            await database.check_tables()
        with psycopg.connect(empty_url, autocommit=True) as owner:
            owner.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO weak"))
        await database.check_tables()


async def one(session: psycopg.AsyncConnection[tuple[object, ...]], asked: str) -> object:
    """What a question of one row and one column finds."""
    row = await (await session.execute(sql.SQL(asked))).fetchone()
    return row[0] if row else None
