"""Retries a job: takes back the results that failed, and keeps them in `earlier_results`.

Rows are locked in the order of `results.settle`: results, then the job. A settle of a result of
before is refused by a fencing number, that of the image's earlier results; one that has begun is refused
when it counts.
Weak: one transaction for the whole job, as a cancel is.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from retailpulse.domain.errors import Conflict, NotFound
from retailpulse.domain.images import Cause
from retailpulse.domain.jobs import JobStatus
from retailpulse.storage.jobs import credentials, store_counts
from retailpulse.storage.jobs.finish import finish_jobs
from retailpulse.storage.jobs.insert import settle_unknown_stores
from retailpulse.storage.jobs.lock import lock_job
from retailpulse.storage.jobs.read import JobRow, known_job
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.scheduling.enqueue import enqueue_retried
from retailpulse.storage.scheduling.slice_builder import JobPlace, OriginOf

# The index of failures finds them, however many others there are.
_TAKE_BACK = """
    WITH taken AS (
        DELETE FROM results
        WHERE job_id = %(job_id)s AND cause IS NOT NULL AND outcome = 'failed'
          AND (%(causes)s::text[] IS NULL OR cause = ANY(%(causes)s::text[]))
        RETURNING image_no, outcome, cause, detail, tries, settled_at),
    kept AS (
        INSERT INTO earlier_results (job_id, image_no, retry_no, outcome, cause, detail, tries, settled_at)
        SELECT %(job_id)s, image_no, %(retry_no)s, outcome, cause, detail, tries, settled_at FROM taken)
    SELECT cause, count(*) FROM taken GROUP BY cause
"""

_KNOW_STORES = """
    UPDATE visits v SET store_known = true
    WHERE v.job_id = %(job_id)s AND NOT v.store_known
      AND EXISTS (SELECT FROM stores s WHERE s.store_id = v.store_id)
"""

_REOPEN_JOB = """
    UPDATE jobs SET failed = failed - %(taken)s + %(again)s, retries = %(retry_no)s, retried_at = now(),
        retried_from = measured + failed - %(taken)s + %(again)s, status = 'ongoing', finished_at = NULL,
        causes = add_counts(causes, %(causes)s::jsonb)
    WHERE job_id = %(job_id)s
"""


async def retry_job(
    connection: Connection,
    job_id: UUID,
    *,
    causes: Sequence[Cause] | None,
    origin_of: OriginOf,
    sealed: bytes | None = None,
) -> int:
    """Takes back the failures of a job, of these causes or of all, in the transaction of `connection`.

    An image whose store is still unknown fails again at once; the others wait at their hosts. Returns how
    many images have no result now. `sealed` are credentials, which a job that had some needs again once it
    has ended. Raises NotFound, or Conflict if nothing can be retried.
    """
    job = await _lock_retriable(connection, job_id, has_credentials=sealed is not None)
    retry_no = job.retries + 1
    keys = {"job_id": job_id, "retry_no": retry_no}
    given = None if causes is None else list(causes)
    cursor = await connection.execute(_TAKE_BACK, {**keys, "causes": given}, prepare=False)
    changes: dict[str, int] = {cause: -images for cause, images in await cursor.fetchall()}
    taken = -sum(changes.values())
    if taken == 0:
        what = "no image" if causes is None else f"no image with {' or '.join(causes)}"
        raise Conflict(f"{what} of the job {job_id} has failed; there is nothing to retry")
    again = await _retry_unknown_stores(connection, job_id, causes)
    changes[Cause.STORE_ID_NOT_FOUND] = changes.get(Cause.STORE_ID_NOT_FOUND, 0) + again
    counts = {"taken": taken, "again": again, "causes": msgspec.json.encode(changes).decode()}
    cursor = await connection.execute(_REOPEN_JOB, {**keys, **counts})
    if cursor.rowcount == 0:
        raise NotFound(f"the job {job_id} was pruned in this moment")
    await store_counts.recount(connection, job_id)
    if sealed is not None:
        await credentials.insert(connection, job_id, sealed)
    place = JobPlace(job_id=job_id, priority=job.priority)
    await enqueue_retried(connection, place, origin_of, retry_no)
    await finish_jobs(connection, [job_id])
    return taken - again


async def _lock_retriable(connection: Connection, job_id: UUID, *, has_credentials: bool) -> JobRow:
    await lock_job(connection, job_id)
    job = await known_job(connection, job_id)
    if job.status is JobStatus.CANCELLED:
        raise Conflict(f"the job {job_id} was cancelled; submit what is still wanted as a new job")
    if not has_credentials and await credentials.are_missing(connection, job_id):
        raise Conflict(f"the job {job_id} had credentials, which were deleted at its end; give them again")
    return job


async def _retry_unknown_stores(connection: Connection, job_id: UUID, causes: Sequence[Cause] | None) -> int:
    """Lets images whose store is known now be fetched; returns how many others failed again."""
    if causes is not None and Cause.STORE_ID_NOT_FOUND not in causes:
        return 0
    await connection.execute(_KNOW_STORES, {"job_id": job_id}, prepare=False)
    return await settle_unknown_stores(connection, job_id)
