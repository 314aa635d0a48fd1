"""How many buffers of the database a step touches, and databases in the states that mislead planners.

It counts what the server itself counts for a session: pages of tables and indexes, found in memory or read.
Weak: the buffers that planning takes are counted too, so each step is done once before it is measured.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import psycopg

from retailpulse.domain.ids import new_job_id
from retailpulse.fetch import origin_key
from retailpulse.storage.postgres.database import Connection, Database
from retailpulse.storage.scheduling import enqueue
from tests.storage.jobs import KNOWN, place

_READ = """
    SELECT coalesce(sum(hits), 0) + coalesce(sum(reads), 0)
    FROM pg_stat_get_backend_io(pg_backend_pid()) WHERE object <> 'wal'
"""


class Meter:
    """Counts the buffers of one session, which must be the one that does the steps."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._own = 0

    async def _read(self) -> int:
        await self._connection.execute("SELECT pg_stat_force_next_flush()", prepare=False)
        cursor = await self._connection.execute(_READ, prepare=False)
        ((count,),) = await cursor.fetchall()
        return int(count)

    async def begin(self) -> None:
        """Finds out what the counting itself takes."""
        for _ in range(3):
            before = await self._read()
            self._own = await self._read() - before

    async def buffers(self, step: Callable[[], Awaitable[object]]) -> int:
        """The buffers that a step touches."""
        before = await self._read()
        await step()
        return await self._read() - before - self._own


@asynccontextmanager
async def metered(database: Database) -> AsyncIterator[tuple[Connection, Meter]]:
    """A session as the scheduling of a worker uses it, and its meter."""
    async with database.dedicated(planned_once=True) as connection:
        meter = Meter(connection)
        await meter.begin()
        yield connection, meter


async def add_job(database: Database, images: int, hosts: int = 1) -> UUID:
    """A job with so many images at so many hosts, all of which wait; the tables alone write it."""
    job_id = new_job_id()
    given = {"job_id": job_id, "images": images, "hosts": hosts, "store": KNOWN[0]}
    async with database.transaction() as connection:
        await connection.execute(
            "INSERT INTO jobs (job_id, status, depth, images)"
            " VALUES (%(job_id)s, 'ongoing', 'header', %(images)s)",
            given,
        )
        await connection.execute(
            "INSERT INTO visits VALUES (%(job_id)s, 1, %(store)s, true, '', NULL, 1, %(images)s)", given
        )
        await connection.execute(
            "INSERT INTO images SELECT %(job_id)s, n, 1,"
            " 'http://' || n %% %(hosts)s || '.example/' || n || '.png'"
            " FROM generate_series(1, %(images)s) n",
            given,
        )
        await enqueue.enqueue_missing(connection, place(job_id), origin_key)
    return job_id


async def settle_last_tenth(database: Database, job_id: UUID, images: int) -> None:
    """The last tenth of a job has results already, as if it had been worked on from its end."""
    async with database.transaction() as connection:
        await connection.execute(
            "INSERT INTO results (job_id, image_no, outcome, width, height, tries)"
            " SELECT %s, n, 'measured', 1, 1, 1 FROM generate_series(%s, %s) n",
            [job_id, images * 9 // 10 + 1, images],
        )


def analyse(database: Database) -> None:
    """Lets the planner know the tables as they are now."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("ANALYZE")
