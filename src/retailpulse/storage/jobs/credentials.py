"""The sealed credentials of ongoing jobs: written with the job, read at each claim, deleted at its end.

What is in them, and how they are sealed, is not known here.
"""

from collections.abc import Collection
from uuid import UUID

from retailpulse.storage.postgres.database import Connection

# A job of which no store is known has ended already.
_INSERT = """
    WITH noted AS (
        UPDATE jobs SET has_credentials = true WHERE job_id = %(job_id)s RETURNING job_id, status)
    INSERT INTO job_credentials (job_id, sealed)
    SELECT job_id, %(sealed)s FROM noted WHERE status = 'ongoing'
    ON CONFLICT (job_id) DO UPDATE SET sealed = excluded.sealed
"""


async def insert(connection: Connection, job_id: UUID, sealed: bytes) -> None:
    """Writes those of a job, in the place of those that it has; of a job that has ended nothing is kept."""
    await connection.execute(_INSERT, {"job_id": job_id, "sealed": sealed})


async def are_missing(connection: Connection, job_id: UUID) -> bool:
    """Whether a job came with credentials that are deleted."""
    cursor = await connection.execute(
        """
        SELECT FROM jobs j WHERE job_id = %s AND has_credentials
          AND NOT EXISTS (SELECT FROM job_credentials c WHERE c.job_id = j.job_id)
        """,
        [job_id],
    )
    return await cursor.fetchone() is not None


async def read(connection: Connection, job_ids: Collection[UUID]) -> dict[UUID, bytes]:
    """Those of some jobs; a job that has ended has none."""
    cursor = await connection.execute(
        "SELECT job_id, sealed FROM job_credentials WHERE job_id = ANY(%s)", [list(job_ids)]
    )
    return dict(await cursor.fetchall())
