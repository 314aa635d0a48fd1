"""Puts images of stored jobs in line again, by what their rows say, and takes whole jobs out of line.

A new job is put in line by the code that writes it, from what it gathers meanwhile: see `slice_builder`.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from psycopg import sql

from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.postgres.planner_hints import joined_by_hash
from retailpulse.storage.scheduling.slice_builder import JobPlace, OriginOf, SliceBuilder

_BLOCK_ROWS = 2_000
_WAITING = sql.SQL("SELECT i.image_no, i.image_url FROM {images} ORDER BY i.image_no")
_RETRIED = sql.SQL("""
    (SELECT image_no FROM earlier_results WHERE job_id = %(job_id)s AND retry_no = %(retry_no)s) e
    CROSS JOIN LATERAL (
        SELECT * FROM images WHERE job_id = %(job_id)s AND image_no = e.image_no OFFSET 0) i
    WHERE i.same_as IS NULL AND NOT EXISTS (
        SELECT FROM results r WHERE r.job_id = %(job_id)s AND r.image_no = i.image_no OFFSET 0)
""")
_MISSING = sql.SQL("""
    images i LEFT JOIN visits v ON v.job_id = i.job_id AND v.visit_no = i.visit_no
    LEFT JOIN results r ON r.job_id = i.job_id AND r.image_no = i.image_no
    LEFT JOIN (
        SELECT unnest(image_nos) AS image_no FROM slices WHERE job_id = %(job_id)s
        UNION ALL
        SELECT unnest(image_nos) FROM grants WHERE job_id = %(job_id)s) w ON w.image_no = i.image_no
    WHERE i.job_id = %(job_id)s AND i.same_as IS NULL AND r.image_no IS NULL AND w.image_no IS NULL
      AND v.store_known IS NOT false  -- images of an analysis have no visit
""")
# A worker may hold the rest of a grant still: these images of it wait in line now.
_WITHDRAW = """
    WITH held AS MATERIALIZED (
        SELECT grant_id, image_nos FROM grants WHERE job_id = %(job_id)s ORDER BY grant_id FOR UPDATE),
    kept AS MATERIALIZED (
        SELECT grant_id, cardinality(image_nos) AS size, ARRAY(
            SELECT no FROM unnest(image_nos) no
            WHERE NOT EXISTS (
                SELECT FROM earlier_results e
                WHERE e.job_id = %(job_id)s AND e.image_no = no AND e.retry_no = %(retry_no)s OFFSET 0)
            ) AS image_nos
        FROM held),
    fewer AS (
        UPDATE grants g SET image_nos = kept.image_nos FROM kept
        WHERE g.grant_id = kept.grant_id AND cardinality(kept.image_nos) BETWEEN 1 AND kept.size - 1)
    DELETE FROM grants WHERE grant_id = ANY(ARRAY(SELECT grant_id FROM kept WHERE image_nos = '{}'))
"""


async def enqueue_retried(connection: Connection, job: JobPlace, origin_of: OriginOf, retry_no: int) -> None:
    """Puts the images of a job in line whose results a retry of this number has taken back."""
    await _enqueue(connection, job, origin_of, _RETRIED, {"retry_no": retry_no})
    withdrawn = {"job_id": job.job_id, "retry_no": retry_no}
    await connection.execute(_WITHDRAW, withdrawn, prepare=False)


async def enqueue_missing(connection: Connection, job: JobPlace, origin_of: OriginOf) -> int:
    """Puts the images of a job in line that should wait and do not; returns how many."""
    return await _enqueue(connection, job, origin_of, _MISSING, {})


async def drop_waiting(connection: Connection, job_ids: Sequence[UUID]) -> None:
    """Takes jobs out of line and out of the hands of their workers.

    Code that moves images between the two locks the rows of their jobs, so these are locked first. A claim
    shares nothing: it is waited for if it holds a slice, and what it took is found among the grants.
    """
    given = [list(job_ids)]
    await connection.execute("SELECT FROM jobs WHERE job_id = ANY(%s) ORDER BY job_id FOR UPDATE", given)
    await connection.execute("DELETE FROM slices WHERE job_id = ANY(%s)", given, prepare=False)
    await connection.execute("DELETE FROM grants WHERE job_id = ANY(%s)", given, prepare=False)


async def _enqueue(
    connection: Connection,
    job: JobPlace,
    origin_of: OriginOf,
    images: sql.Composable,
    more: Mapping[str, int],
) -> int:
    builder = SliceBuilder(origin_of)
    async with joined_by_hash(connection), connection.cursor(name="waiting") as cursor:
        cursor.itersize = _BLOCK_ROWS  # a million rows at once would be hundreds of megabytes
        await cursor.execute(_WAITING.format(images=images), {"job_id": job.job_id, **more})
        async for image_no, url in cursor:
            builder.add(image_no, url)
    return await builder.enqueue(connection, job)
