"""Writes a submitted job from its spool; PostgreSQL finds unknown stores and copies, which do not wait.

If the spool has seen no URL twice there are no copies, and nothing is looked for.
"""

import asyncio
from uuid import UUID

from retailpulse.domain.images import Cause
from retailpulse.domain.jobs import JobOptions
from retailpulse.storage.jobs import store_counts
from retailpulse.storage.jobs.insert import count_failed, insert_row, settle_unknown_stores
from retailpulse.storage.jobs.read import JobRow
from retailpulse.storage.jobs.spool import Spool
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.postgres.planner_hints import joined_by_hash
from retailpulse.storage.scheduling.slice_builder import JobPlace

_INSERT_VISITS = """
    INSERT INTO visits (job_id, visit_no, store_id, store_known, visit_time, visited_at, first_image_no,
        images)
    SELECT %s, visit_no, store_id, EXISTS (SELECT FROM stores s WHERE s.store_id = row.store_id), visit_time,
        visited_at, first_image_no, images
    FROM json_to_recordset(%s::json) AS row (visit_no int, store_id text, visit_time text,
        visited_at timestamptz, first_image_no int, images int)
"""
# Images of unknown stores are not fetched: they are neither copies nor have any. Sorted byte by byte:
# the rules of a language take many times as long.
_MARK_COPIES = """
    UPDATE images c SET same_as = d.first_no
    FROM (
        SELECT i.image_no, min(i.image_no) OVER (PARTITION BY i.image_url COLLATE "C") AS first_no
        FROM images i JOIN visits v ON v.job_id = i.job_id AND v.visit_no = i.visit_no AND v.store_known
        WHERE i.job_id = %(job_id)s) d
    WHERE c.job_id = %(job_id)s AND c.image_no = d.image_no AND d.first_no < d.image_no
"""


_NOT_WAITING = """
    SELECT first_image_no, images FROM visits WHERE job_id = %(job_id)s AND NOT store_known
    UNION ALL
    SELECT image_no, 1 FROM images WHERE job_id = %(job_id)s AND same_as IS NOT NULL
"""
_BLOCK_ROWS = 2_000


async def insert_job(connection: Connection, job: JobPlace, spool: Spool, options: JobOptions) -> JobRow:
    """Writes a whole job in the transaction of `connection`, as `insert.insert_job` does."""
    job_id = spool.job_id
    counts = {"image_count": spool.images, "visits_without_time": spool.visits_without_time}
    written = await insert_row(connection, job_id, counts, options)
    for block in spool.visit_blocks():
        # Planned each time: a plan from when there were few stores would read them all.
        await connection.execute(_INSERT_VISITS, [job_id, block], prepare=False)
    await store_counts.insert(connection, job_id)
    async with connection.cursor().copy(
        "COPY images (job_id, image_no, visit_no, image_url, extra) FROM STDIN"
    ) as copy:
        while images := await asyncio.to_thread(spool.read_images):
            await copy.write(images)
    copies = await _mark_copies(connection, job_id) if spool.may_have_copies else 0
    failed = await settle_unknown_stores(connection, job_id)
    if failed:
        written = await count_failed(connection, job_id, failed, Cause.STORE_ID_NOT_FOUND)
    if failed or copies:
        await asyncio.to_thread(spool.slices.leave_out, await _not_waiting(connection, spool))
    await spool.slices.enqueue(connection, job)
    return written


async def _mark_copies(connection: Connection, job_id: UUID) -> int:
    await connection.execute("SET LOCAL work_mem = '32MB'")
    async with joined_by_hash(connection):
        cursor = await connection.execute(_MARK_COPIES, {"job_id": job_id}, prepare=False)
    return cursor.rowcount


async def _not_waiting(connection: Connection, spool: Spool) -> bytearray:
    """A byte for each number from 0 on, which is 1 for an image that does not wait."""
    found = bytearray(spool.images + 1)
    async with connection.cursor(name="not_waiting") as cursor:
        cursor.itersize = _BLOCK_ROWS
        await cursor.execute(_NOT_WAITING, {"job_id": spool.job_id})
        async for first, count in cursor:
            found[first : first + count] = b"\1" * count
    return found
