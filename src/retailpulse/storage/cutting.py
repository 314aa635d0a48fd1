"""Cuts images that are stored already into chunks: those of a job that was not in memory as a whole, and
those that a retry can fetch for the first time.
"""

from uuid import UUID

from retailpulse.domain.jobs import ChunkKey
from retailpulse.storage.database import Connection
from retailpulse.storage.joining import joined_by_hash

# Copies are in no chunk. Planned each time, as the rows have just been written.
_CUT = """
    INSERT INTO chunks (job_id, chunk_no, first_image_no, last_image_no, images, since_retry)
    SELECT %(job_id)s, first_chunk_no + place / %(chunk_images)s, min(image_no), max(image_no), count(*),
        %(since_retry)s
    FROM (
        SELECT i.image_no, row_number() OVER (ORDER BY i.image_no) - 1 AS place
        FROM images i JOIN visits v ON v.job_id = i.job_id AND v.visit_no = i.visit_no AND v.store_known
        WHERE i.job_id = %(job_id)s AND coalesce(i.since_retry, 0) = %(since_retry)s AND i.same_as IS NULL
    ) image,
    (SELECT coalesce(max(chunk_no) + 1, 0) AS first_chunk_no FROM chunks WHERE job_id = %(job_id)s) next
    GROUP BY first_chunk_no + place / %(chunk_images)s
    ORDER BY 2
    RETURNING chunk_no
"""


async def cut_chunks(
    connection: Connection, job_id: UUID, *, since_retry: int, chunk_images: int
) -> list[ChunkKey]:
    """Makes chunks of so many images each, of a job's images since a retry (0: since the submit)."""
    parameters = {"job_id": job_id, "since_retry": since_retry, "chunk_images": chunk_images}
    async with joined_by_hash(connection):
        cursor = await connection.execute(_CUT, parameters, prepare=False)
    return [ChunkKey(job_id=job_id, chunk_no=chunk_no) for (chunk_no,) in await cursor.fetchall()]
