"""Finding chunks without a message: a bounded number at each look, all of them in some looks."""

from collections import Counter

import pytest

from retailpulse.domain.jobs import ChunkKey
from retailpulse.storage import queue
from retailpulse.storage.database import Connection, Database
from tests.storage.jobs import submit

CHUNKS = 2_000
URLS = [f"http://photos.example/{number}.png" for number in range(CHUNKS)]
READ = """
    SELECT relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables
    WHERE relname IN ('chunks', 'procrastinate_jobs', 'jobs')
"""
LOSE = "DELETE FROM procrastinate_jobs WHERE (args->>'chunk_no')::int = ANY(%s)"


async def look_until_the_end(connection: Connection, limit: int) -> list[list[int]]:
    """The numbers of the lost chunks that each look finds, from the beginning to the end."""
    found: list[list[int]] = []
    last: ChunkKey | None = None
    while not found or last is not None:
        lost, last = await queue.find_chunks_without_message(connection, last, limit)
        found.append([chunk.key.chunk_no for chunk in lost])
    return found


async def rows_read(connection: Connection) -> Counter[str]:
    """How many rows of each table this connection has read, but for some of earlier transactions."""
    return Counter(dict(await (await connection.execute(READ)).fetchall()))


async def test_a_look_goes_on_where_the_last_one_ended_and_all_together_find_every_lost_message(
    database: Database,
) -> None:
    await submit(database, URLS[:10], chunk_images=1)
    await submit(database, URLS[:5], chunk_images=1)
    async with database.connection() as connection:
        await connection.execute(LOSE, [[3, 4, 9]])
        assert await look_until_the_end(connection, 4) == [[3], [4], [9], [3, 4]]
        assert await look_until_the_end(connection, 5) == [[3, 4], [9], [3, 4], []]
        assert await look_until_the_end(connection, 16) == [[3, 4, 9, 3, 4]]


async def test_a_small_backlog_is_looked_through_at_once(database: Database) -> None:
    await submit(database, URLS[: queue.SWEPT_CHUNKS - 1], chunk_images=1)
    async with database.connection() as connection:
        await connection.execute(LOSE, [[queue.SWEPT_CHUNKS - 2]])
        lost, last = await queue.find_chunks_without_message(connection)
    assert ([chunk.key.chunk_no for chunk in lost], last) == ([queue.SWEPT_CHUNKS - 2], None)


@pytest.mark.parametrize("statistics", ["stale", "fresh"])
async def test_a_look_reads_no_more_rows_where_the_backlog_is_big(
    database: Database, statistics: str
) -> None:
    if statistics == "stale":  # those of empty tables
        async with database.connection() as connection:
            await connection.execute("VACUUM ANALYZE")
    await submit(database, URLS, chunk_images=1)
    if statistics == "fresh":
        async with database.connection() as connection:
            await connection.execute("VACUUM ANALYZE")
    async with database.transaction() as connection:
        before = await rows_read(connection)
        await queue.find_chunks_without_message(connection, limit=100)
        await queue.drop_unreadable(connection)
        await queue.hand_back_stalled(connection, 10.0)
        await queue.messages_in_work(connection)
        read = await rows_read(connection) - before
    assert max(read.values()) <= 200, read
    assert read["procrastinate_jobs"] >= 100


async def test_an_open_chunk_of_a_job_that_has_ended_is_not_sent(database: Database) -> None:
    await submit(database, URLS[:2], chunk_images=1)
    async with database.connection() as connection:
        await connection.execute(LOSE, [[0, 1]])
        await connection.execute("UPDATE jobs SET status = 'cancelled'")
        assert await look_until_the_end(connection, 10) == [[]]
