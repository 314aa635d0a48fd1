"""What metrics ask of the database beside what waits: its size, callbacks that are due, what processes do."""

from typing import Any, LiteralString

import psycopg

from retailpulse.storage.metrics.database_size import read_size
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.webhooks import deliveries
from tests.worker.working import rows

ENDED_JOBS = """
    INSERT INTO jobs (job_id, status, depth, images, measured, callback_url, finished_at)
    SELECT md5(n::text)::uuid, 'completed', 'decode', 1, 1, 'http://receiver.example/', now()
    FROM generate_series(1, %(jobs)s) n
"""


def change(database: Database, statement: LiteralString, **given: object) -> None:
    with psycopg.connect(database.url) as connection:
        connection.execute(statement, given)


async def overdue_seconds(database: Database) -> float:
    async with database.connection() as connection:
        return await deliveries.read_overdue_seconds(connection)


async def test_the_size_and_the_connections_are_those_of_the_server(database: Database) -> None:
    async with database.connection() as connection:
        before = await read_size(connection)
    change(database, ENDED_JOBS, jobs=5_000)
    with psycopg.connect(database.url):
        async with database.connection() as connection:
            after = await read_size(connection)
    assert after.size_bytes - before.size_bytes > 1_000_000
    assert 2 <= after.connections <= after.max_connections
    kept = "SELECT setting::int FROM pg_settings WHERE name = 'superuser_reserved_connections'"
    ((allowed,),), ((reserved,),) = rows(database, "SHOW max_connections"), rows(database, kept)
    assert after.max_connections == int(allowed) - reserved


async def test_the_callback_that_was_due_first_is_overdue_and_one_that_rests_is_not(
    database: Database,
) -> None:
    assert await overdue_seconds(database) == 0
    change(database, ENDED_JOBS, jobs=3)
    change(database, "UPDATE deliveries SET next_try_at = now() + interval '1 hour'")
    assert await overdue_seconds(database) == 0
    change(
        database,
        "UPDATE deliveries SET next_try_at = now() - interval '900 s'"
        " WHERE job_id = (SELECT min(job_id::text)::uuid FROM deliveries)",
    )
    assert round(await overdue_seconds(database), -2) == 900


async def test_what_is_overdue_costs_a_few_pages_however_many_callbacks_there_are(database: Database) -> None:
    change(database, ENDED_JOBS, jobs=20_000)
    change(
        database,
        "UPDATE deliveries SET state = 'delivered', next_try_at = NULL WHERE job_id > md5('7')::uuid",
    )
    change(database, "ANALYZE deliveries")
    explain: Any = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {deliveries.OVERDUE}"
    ((plan,),) = rows(database, explain)
    buffers = plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"]
    assert buffers <= 60, plan  # dead entries of what was just delivered among them
    assert await overdue_seconds(database) > 0
