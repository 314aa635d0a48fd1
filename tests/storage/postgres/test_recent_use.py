"""A busy pool asks a connection whether it lives only if it did not answer a moment ago."""

import psycopg

from retailpulse.config.settings import DatabaseSettings
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.postgres.recent_use import RecentUse
from tests.running import wait_for


async def test_a_connection_that_was_ended_since_is_replaced(database_url: str) -> None:
    async with Database(database_url, DatabaseSettings(), pool_size=1) as database:
        ended = await _pid(database)
        with psycopg.connect(database_url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 10000)", [ended])
        assert await _pid(database) != ended


async def test_a_connection_that_answered_a_moment_ago_is_not_asked(database_url: str) -> None:
    async with Database(database_url, DatabaseSettings(), pool_size=1) as database:
        pid = await _pid(database)
        async with database.connection() as connection:
            with psycopg.connect(database_url, autocommit=True) as other:
                cursor = other.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", [pid])
                assert cursor.fetchone() == ("SELECT pg_backend_pid()",)
            assert not connection.closed


async def test_a_connection_that_was_idle_is_asked(database_url: str) -> None:
    recent_use = RecentUse()
    async with (
        Database(database_url, DatabaseSettings(), pool_size=1) as database,
        database.connection() as connection,
    ):
        assert not recent_use.is_alive(connection)
        recent_use.note(connection)
        wait_for(lambda: not recent_use.is_alive(connection))


async def _pid(database: Database) -> int:
    async with database.connection() as connection:
        cursor = await connection.execute("SELECT pg_backend_pid()")
        ((pid,),) = await cursor.fetchall()
    return int(pid)
