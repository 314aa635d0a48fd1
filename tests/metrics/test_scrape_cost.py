"""What a scrape costs does not grow with the images that are settled or wait."""

import asyncio
from typing import LiteralString

import psycopg

from retailpulse.metrics.exposition import Metrics
from retailpulse.storage.metrics.database_size import read_size
from retailpulse.storage.metrics.processes import read, read_doing
from retailpulse.storage.metrics.totals import read_backlog, read_settled
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.webhooks.deliveries import read_overdue_seconds
from tests.metrics.scraping import parse, value
from tests.storage.scaling import SCALING
from tests.storage.waiting import Waiting

ENDED_JOBS, ONGOING_JOBS, IMAGES = 2_000, 200, 100
BACKLOG: tuple[LiteralString, ...] = (
    """
    INSERT INTO jobs (job_id, status, depth, images, measured)
    SELECT md5(n::text)::uuid, CASE WHEN n <= %(ongoing)s THEN 'ongoing' ELSE 'completed' END, 'decode',
        %(images)s, CASE WHEN n <= %(ongoing)s THEN 0 ELSE %(images)s END
    FROM generate_series(1, %(ongoing)s + %(ended)s) n
    """,
    """
    INSERT INTO results (job_id, image_no, outcome, width, height, tries)
    SELECT md5(n::text)::uuid, i, 'measured', 1, 1, 1
    FROM generate_series(%(ongoing)s + 1, %(ongoing)s + %(ended)s) n, generate_series(1, %(images)s) i
    """,
    """
    INSERT INTO slices (host_id, rank, tag, job_id, image_nos)
    SELECT n, 0, i, md5(n::text)::uuid, ARRAY[i]
    FROM generate_series(1, %(ongoing)s) n, generate_series(1, %(images)s) i
    """,
    """
    INSERT INTO hosts (origin, refused_at)
    SELECT n::text, now() - interval '1 day' FROM generate_series(1, %(ended)s * 10) n
    """,
)
READ = """
    SELECT relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)
    FROM pg_stat_xact_user_tables ORDER BY relname
"""


def make_backlog(database: Database) -> None:
    given = {"ended": ENDED_JOBS, "ongoing": ONGOING_JOBS, "images": IMAGES}
    with psycopg.connect(database.url) as connection:
        for statement in BACKLOG:
            connection.execute(statement, given)


async def test_a_scrape_reads_few_rows_however_many_there_are(database: Database) -> None:
    make_backlog(database)
    async with database.transaction() as connection:
        cursor = await connection.execute(READ)
        before = dict(await cursor.fetchall())
        await read(connection, 8.0)
        await read_doing(connection, 8.0)
        await read_overdue_seconds(connection)
        await read_size(connection)
        settled = await read_settled(connection)
        backlog = await read_backlog(connection)
        cursor = await connection.execute(READ)
        touched = {table: count - before.get(table, 0) for table, count in await cursor.fetchall()}
    assert [one.images for one in settled] == [ENDED_JOBS * IMAGES]
    assert (backlog.jobs, backlog.images) == (ONGOING_JOBS, ONGOING_JOBS * IMAGES)
    assert backlog.waiting_images == ONGOING_JOBS * IMAGES
    assert touched["results"] == touched["images"] == touched["slices"] == touched["deliveries"] == 0
    assert touched["hosts"] < 100
    assert touched["jobs"] == ONGOING_JOBS


async def test_many_who_ask_at_once_cost_the_database_one_answer(database: Database) -> None:
    metrics = Metrics(database, 8.0, SCALING)
    await metrics.render("")
    database.pool.pop_stats()
    told = await asyncio.gather(*(metrics.render("") for _ in range(50)))
    assert database.pool.pop_stats()["requests_num"] <= 2  # the first one's, and one for all others
    assert len({one.content for one in told}) == 1


async def test_who_asks_later_is_told_what_came_since(database: Database) -> None:
    metrics = Metrics(database, 8.0, SCALING)
    for jobs in (1, 2, 3):
        Waiting(database.url).job(1)
        told = parse((await metrics.render("")).content.decode())
        assert value(told, "retailpulse_unsettled_images") == jobs
