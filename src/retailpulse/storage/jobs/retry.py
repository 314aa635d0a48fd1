"""Retries a job: takes back the results that failed, keeps them in `earlier_results`, and opens its chunks.

Rows are locked in the order of `results.settle`: results, chunks, then the job. Who settles a result of
before is refused by the number of the image's earlier results; who has begun to is refused when it counts.
Weak: one transaction for the whole job, as a cancel is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from retailpulse.domain.errors import Conflict, NotFound
from retailpulse.domain.images import Cause
from retailpulse.domain.jobs import ChunkKey, JobStatus, chunk_size
from retailpulse.storage.cutting import cut_chunks
from retailpulse.storage.database import Connection
from retailpulse.storage.jobs.finish import finish_jobs
from retailpulse.storage.jobs.insert import settle_unknown_stores
from retailpulse.storage.jobs.lock import lock_job
from retailpulse.storage.jobs.read import JobRow, known_job

# The index of failures finds them, however many others there are.
_TAKE_BACK = """
    WITH taken AS (
        DELETE FROM results
        WHERE job_id = %(job_id)s AND cause IS NOT NULL AND outcome = 'failed'
          AND (%(causes)s::text[] IS NULL OR cause = ANY(%(causes)s::text[]))
        RETURNING image_no, outcome, cause, detail, tries, settled_at)
    INSERT INTO earlier_results (job_id, image_no, retry_no, outcome, cause, detail, tries, settled_at)
    SELECT %(job_id)s, image_no, %(retry_no)s, outcome, cause, detail, tries, settled_at FROM taken
"""

_KNOW_STORES = """
    WITH known AS (
        UPDATE visits v SET store_known = true
        WHERE v.job_id = %(job_id)s AND NOT v.store_known
          AND EXISTS (SELECT FROM stores s WHERE s.store_id = v.store_id)
        RETURNING v.first_image_no, v.images)
    UPDATE images SET since_retry = %(retry_no)s
    FROM known CROSS JOIN LATERAL (
        SELECT ctid AS place FROM images
        WHERE job_id = %(job_id)s AND image_no BETWEEN first_image_no AND first_image_no + known.images - 1
        OFFSET 0) found
    WHERE images.ctid = found.place
"""

_LOCK_CHUNKS = "SELECT FROM chunks WHERE job_id = %s ORDER BY chunk_no FOR UPDATE"

# An image without a store is in no chunk, nor is a copy.
_OPEN_CHUNKS = """
    UPDATE chunks c SET settled = c.settled - n.taken
    FROM (
        SELECT c.chunk_no, (
            SELECT count(*)
            FROM earlier_results e CROSS JOIN LATERAL (
                SELECT same_as, since_retry FROM images
                WHERE job_id = e.job_id AND image_no = e.image_no OFFSET 0) i
            WHERE e.job_id = c.job_id AND e.retry_no = %(retry_no)s
              AND e.image_no BETWEEN c.first_image_no AND c.last_image_no
              AND e.cause <> 'store_id_not_found'
              AND i.same_as IS NULL AND coalesce(i.since_retry, 0) = c.since_retry) AS taken
        FROM chunks c WHERE c.job_id = %(job_id)s) n
    WHERE c.job_id = %(job_id)s AND c.chunk_no = n.chunk_no AND n.taken > 0
    RETURNING c.chunk_no
"""

_REOPEN_JOB = """
    UPDATE jobs SET failed = failed - %(taken)s + %(again)s, retries = %(retry_no)s, retried_at = now(),
        retried_from = measured + failed - %(taken)s + %(again)s, status = 'ongoing', finished_at = NULL
    WHERE job_id = %(job_id)s
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Retried:
    """What a retry opened: the images that have no result now, and the chunks that hold them."""

    images: int
    chunks: Sequence[ChunkKey]
    priority: int


async def retry_job(
    connection: Connection, job_id: UUID, *, causes: Sequence[Cause] | None, chunk_images: int
) -> Retried:
    """Takes back the failures of a job, of these causes or of all, in the transaction of `connection`.

    An image whose store is still unknown fails again at once. New chunks hold `chunk_images` images; 0: as
    many as a job of that size has. Raises NotFound, or Conflict where nothing can be retried.
    """
    await lock_job(connection, job_id)
    job = await known_job(connection, job_id)
    if job.status is JobStatus.CANCELLED:
        raise Conflict(f"the job {job_id} was cancelled; submit what is still wanted as a new job")
    keys = {"job_id": job_id, "retry_no": job.retries + 1}
    given = None if causes is None else list(causes)
    cursor = await connection.execute(_TAKE_BACK, {**keys, "causes": given}, prepare=False)
    taken = cursor.rowcount
    if taken == 0:
        what = "no image" if causes is None else f"no image with {' or '.join(causes)}"
        raise Conflict(f"{what} of the job {job_id} has failed; there is nothing to retry")
    opened, again = await _retry_unknown_stores(connection, job, causes, chunk_images)
    await connection.execute(_LOCK_CHUNKS, [job_id])
    cursor = await connection.execute(_OPEN_CHUNKS, keys, prepare=False)
    opened += [ChunkKey(job_id=job_id, chunk_no=number) for (number,) in await cursor.fetchall()]
    cursor = await connection.execute(_REOPEN_JOB, {**keys, "taken": taken, "again": again})
    if cursor.rowcount == 0:
        raise NotFound(f"the job {job_id} was pruned in this moment")
    await finish_jobs(connection, [job_id])
    return Retried(images=taken - again, chunks=opened, priority=job.priority)


async def _retry_unknown_stores(
    connection: Connection, job: JobRow, causes: Sequence[Cause] | None, chunk_images: int
) -> tuple[list[ChunkKey], int]:
    """Makes chunks of images whose store is known now; returns them, and how many images failed again."""
    if causes is not None and Cause.STORE_ID_NOT_FOUND not in causes:
        return [], 0
    keys = {"job_id": job.job_id, "retry_no": job.retries + 1}
    cursor = await connection.execute(_KNOW_STORES, keys, prepare=False)
    chunks = []
    if cursor.rowcount:
        size = chunk_images or chunk_size(cursor.rowcount)
        chunks = await cut_chunks(connection, job.job_id, since_retry=job.retries + 1, chunk_images=size)
    return chunks, await settle_unknown_stores(connection, job.job_id)
