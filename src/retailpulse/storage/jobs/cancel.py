"""Cancels a job: every image that has no result yet gets the outcome `cancelled`, all at once.

Weak: one transaction for the whole job; a million unsettled images take it some seconds.
"""

from uuid import UUID

from retailpulse.storage.jobs.finish import finish_jobs
from retailpulse.storage.jobs.lock import lock_job
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.scheduling.notifications import notify_ended

_SETTLE = """
    WITH new AS (
        INSERT INTO results (job_id, image_no, outcome, cause, detail, tries)
        SELECT i.job_id, i.image_no, 'cancelled', 'cancelled', 'the job was cancelled', 0
        FROM images i
        WHERE i.job_id = %(job_id)s
        ORDER BY i.image_no
        ON CONFLICT DO NOTHING
        RETURNING image_no)
    SELECT count(*) FROM new
"""
_COUNT = """
    UPDATE jobs SET cancelled = %(count)s,
        causes = add_counts(causes, jsonb_build_object('cancelled', %(count)s::int))
    WHERE job_id = %(job_id)s
"""


async def cancel_job(connection: Connection, job_id: UUID) -> bool:
    """Ends a job in the transaction of `connection`; False if it has ended already.

    Locks results and then the job, as `results.settle` does. A worker that settles images of the job at this
    moment is waited for; one that comes later finds nothing left to settle. All workers are notified.
    """
    await lock_job(connection, job_id)
    cursor = await connection.execute("SELECT status = 'ongoing' FROM jobs WHERE job_id = %s", [job_id])
    if await cursor.fetchone() != (True,):
        return False
    cursor = await connection.execute(_SETTLE, {"job_id": job_id})
    ((count,),) = await cursor.fetchall()
    if count == 0:  # the last results came in between
        return False
    await connection.execute(_COUNT, {"job_id": job_id, "count": count})
    await finish_jobs(connection, [job_id])
    await notify_ended(connection, job_id)
    return True
