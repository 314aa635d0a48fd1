"""Writes an analysis as a job: its images, which photos they are, and what waits of them."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from psycopg import sql

from retailpulse.domain.analysis import pack_versions
from retailpulse.domain.images import Cause, Depth
from retailpulse.storage import locks
from retailpulse.storage.analyses.find import WAITS, Photo
from retailpulse.storage.jobs import credentials
from retailpulse.storage.jobs.insert import count_failed
from retailpulse.storage.jobs.spool import BLOCK_ROWS, escape
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.scheduling.slice_builder import JobPlace, OriginOf, SliceBuilder

PRIORITY = -100
"""The lowest: every other job goes first."""
_NO_VISIT = 0

_FREE = sql.SQL("""
    SELECT place FROM unnest(%s::uuid[], %s::int[]) WITH ORDINALITY AS p (job_id, image_no, place)
    WHERE NOT {waits} ORDER BY place
""").format(waits=WAITS.format(job_id=sql.SQL("p.job_id"), image_no=sql.SQL("p.image_no")))
_INSERT_JOB = """
    INSERT INTO jobs (
        job_id, status, depth, images, visits_without_time, priority, is_analysis, analysis_versions)
    VALUES (%s, 'ongoing', %s, %s, 0, %s, true, %s)
"""
_FAIL = """
    INSERT INTO results (job_id, image_no, outcome, cause, detail, tries)
    SELECT %s, image_no, 'failed', %s, 'its job had credentials, which were deleted at its end', 0
    FROM unnest(%s::int[]) image_no ORDER BY image_no
"""


async def insert_analysis(
    connection: Connection,
    job_id: UUID,
    photos: Sequence[Photo],
    *,
    versions: Mapping[str, int],
    origin_of: OriginOf,
    sealed: bytes | None = None,
) -> list[Photo]:
    """Writes a job that looks at photos again, and returns them; those that wait to be by now are left out.

    `versions` are those of all analyzers that are on: where the job fails, it is for all of them.
    Those that credentials opened are failed at once, unless `sealed` has them again. If none is left there is
    no job. One transaction at a time can do this.
    """
    await connection.execute(locks.TAKE, [locks.ANALYSES])
    of_job_ids, of_image_nos = [photo.job_id for photo in photos], [photo.image_no for photo in photos]
    cursor = await connection.execute(_FREE, [of_job_ids, of_image_nos], prepare=False)
    free = [photos[place - 1] for (place,) in await cursor.fetchall()]
    if not free:
        return []
    await _write_images(connection, job_id, free)
    await connection.execute(
        _INSERT_JOB, [job_id, Depth.DECODE, len(free), PRIORITY, pack_versions(versions)]
    )
    if sealed is not None:
        await credentials.insert(connection, job_id, sealed)
    builder, closed = SliceBuilder(origin_of), []
    for image_no, photo in enumerate(free, 1):
        if photo.had_credentials and sealed is None:
            closed.append(image_no)
        else:
            builder.add(image_no, photo.image_url)
    if closed:
        await connection.execute(_FAIL, [job_id, Cause.NO_CREDENTIALS, closed])
        await count_failed(connection, job_id, len(closed), Cause.NO_CREDENTIALS)
    await builder.enqueue(connection, JobPlace(job_id=job_id, priority=PRIORITY))
    return free


async def _write_images(connection: Connection, job_id: UUID, photos: Sequence[Photo]) -> None:
    numbered = list(enumerate(photos, 1))
    blocks = [numbered[first : first + BLOCK_ROWS] for first in range(0, len(numbered), BLOCK_ROWS)]
    async with connection.cursor().copy(
        "COPY images (job_id, image_no, visit_no, image_url) FROM STDIN"
    ) as copy:
        for block in blocks:
            rows = [f"{job_id}\t{no}\t{_NO_VISIT}\t{escape(photo.image_url)}\n" for no, photo in block]
            await copy.write("".join(rows))
    async with connection.cursor().copy(
        "COPY analysis_images (job_id, image_no, of_job_id, of_image_no) FROM STDIN"
    ) as copy:
        for block in blocks:
            rows = [f"{job_id}\t{no}\t{photo.job_id}\t{photo.image_no}\n" for no, photo in block]
            await copy.write("".join(rows))
