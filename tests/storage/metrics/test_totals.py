"""Settled images are counted exactly, whoever settles them and whatever becomes of their rows."""

import asyncio
from datetime import timedelta

import psycopg

from retailpulse.domain.ids import new_job_id
from retailpulse.domain.images import Depth
from retailpulse.storage.jobs import cancel as cancelling
from retailpulse.storage.metrics import throughput, totals
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.postgres.migrate import migrate
from retailpulse.storage.results import settle
from retailpulse.worker.pruner import Pruner
from tests.storage.ended import URLS, ended_job, rows
from tests.storage.jobs import KNOWN, failed, measured, submit, submit_visits
from tests.storage.postgres.test_migrate import upgrade_to

ROWS = """
    SELECT r.outcome, coalesce(r.cause, ''), j.depth, count(*)
    FROM results r JOIN jobs j USING (job_id) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
Counted = list[tuple[str, str, str, int]]


async def counted(database: Database) -> Counted:
    """What is told of the images ever settled."""
    async with database.connection() as connection:
        found = await totals.read_settled(connection)
    return [(one.outcome, one.cause or "", one.depth, one.images) for one in found]


async def roll_up(database: Database) -> None:
    """Adds up what was counted, as if it were days ago."""
    async with database.transaction() as connection:
        await connection.execute("UPDATE settled_minutes SET minute = minute - interval '2 days'")
        await throughput.roll_up_minutes(connection, 1_000)


async def test_every_way_to_settle_an_image_counts_its_rows(database: Database) -> None:
    copies = await submit(database, [*URLS[:4], URLS[0], URLS[0]], depth=Depth.DECODE)
    other = await submit(database, URLS)
    await submit_visits(database, (KNOWN[0], URLS[:1]), ("unknown", URLS[:2]), depth=Depth.DOWNLOAD)
    async with database.transaction() as connection:
        first = [measured(copies, 1), failed(copies, 2), failed(other, 1)]
        assert await settle.settle(connection, first) == 5
        assert await settle.settle(connection, first) == 0  # they have one already
    async with database.transaction() as connection:
        assert await cancelling.cancel_job(connection, copies)
    expected: Counted = [
        ("cancelled", "cancelled", "decode", 2),
        ("failed", "http_status", "decode", 1),
        ("failed", "http_status", "header", 1),
        ("failed", "store_id_not_found", "download", 2),
        ("measured", "", "decode", 3),
    ]
    assert await counted(database) == expected == rows(database, ROWS)
    await roll_up(database)
    assert rows(database, "SELECT count(*) FROM settled_minutes") == [(0,)]
    assert await counted(database) == expected


async def test_what_is_rolled_back_was_never_counted(database: Database) -> None:
    job_id = await submit(database, URLS)
    try:
        async with database.transaction() as connection:
            await settle.settle(connection, [measured(job_id, 1)])
            raise InterruptedError
    except InterruptedError:
        pass
    assert await counted(database) == []


async def test_a_job_that_is_pruned_stays_counted(database: Database) -> None:
    await ended_job(database)
    pruner = Pruner(database, jobs_age=timedelta(days=1), keys_age=timedelta(days=1), wait=True)
    assert sum([step.images async for step in pruner.steps()]) == 10
    assert rows(database, ROWS) == []
    assert await counted(database) == [("measured", "", "header", 10)]


async def test_whoever_reads_while_others_settle_and_add_up_sees_it_only_grow(database: Database) -> None:
    job_ids = [await submit(database, URLS) for _ in range(8)]
    seen = []

    async def settle_all() -> None:
        for number in range(1, 11):
            for job_id in job_ids:
                async with database.transaction() as connection:
                    await settle.settle(connection, [measured(job_id, number)])

    async def keep(work: asyncio.Task[None]) -> None:
        while not work.done():
            await asyncio.gather(roll_up(database), roll_up(database))

    settling = asyncio.create_task(settle_all())
    folding = asyncio.create_task(keep(settling))
    while not settling.done():
        seen.append(sum(images for *_, images in await counted(database)))
    await settling
    await folding
    assert seen == sorted(seen)
    assert await counted(database) == [("measured", "", "header", 80)]


async def test_whoever_settles_waits_for_nobody_who_settles_other_jobs(database: Database) -> None:
    one, other = await submit(database, URLS), await submit(database, URLS)
    async with database.transaction() as connection:
        await settle.settle(connection, [measured(one, 1)])
        async with asyncio.timeout(10), database.transaction() as beside:
            await settle.settle(beside, [measured(other, 1)])
    assert await counted(database) == [("measured", "", "header", 2)]


async def test_what_was_settled_before_there_were_counts_is_counted_by_the_migration(
    empty_url: str,
) -> None:
    upgrade_to(empty_url, "0004")
    job_id = new_job_id()
    with psycopg.connect(empty_url) as connection:
        connection.execute(
            "INSERT INTO jobs (job_id, status, depth, images) VALUES (%s, 'ongoing', 'header', 9)", [job_id]
        )
        connection.execute(
            "INSERT INTO results (job_id, image_no, outcome, cause, tries)"
            " SELECT %s, n, 'failed', 'dns', 1 FROM generate_series(1, 5) n",
            [job_id],
        )
    migrate(empty_url)
    with psycopg.connect(empty_url) as connection:
        told = connection.execute("SELECT outcome, cause, depth, images FROM settled_totals").fetchall()
    assert told == [("failed", "dns", "header", 5)]
