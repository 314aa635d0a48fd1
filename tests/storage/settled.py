"""Settles results in tests of the tables, and looks at what comes of it."""

from collections.abc import Sequence
from uuid import UUID

import psycopg

from retailpulse.domain.jobs import JobStatus
from retailpulse.schema import ImageResult
from retailpulse.storage.jobs import read as jobs
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.results import settle as settling
from retailpulse.storage.results import thumbnails


async def settle(database: Database, rows: Sequence[ImageResult], grant_ids: Sequence[int] = ()) -> int:
    """Settles results as a worker does, and closes the grants; how many of the results were new."""
    async with database.transaction() as connection:
        await thumbnails.insert(connection, rows)
    async with database.transaction() as connection:
        return await settling.settle(connection, rows, grant_ids)


async def status(database: Database, job_id: UUID) -> tuple[JobStatus, int, int]:
    """A job's status, and how many of its images were measured and failed."""
    async with database.connection() as connection:
        job = await jobs.find_job(connection, job_id)
    assert job is not None
    return job.status, job.measured, job.failed


def waiters(url: str) -> bool:
    """Whether some session waits for a lock of another."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.datname = current_database()"
            " JOIN pg_stat_activity a ON a.pid = l.pid AND a.datid = d.oid WHERE NOT granted"
        ).fetchone()
    return row is not None and row[0] > 0
