"""Writes a submitted job: its visits, images, those that wait, and the results of unknown stores.

This is for jobs that are in memory as a whole; one that is not is written by `insert_spooled`.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import sql

from retailpulse.domain.images import Cause
from retailpulse.domain.jobs import JobOptions, Submission
from retailpulse.domain.stores import MAX_KEY_BYTES
from retailpulse.storage.jobs import store_counts
from retailpulse.storage.jobs.finish import finish_jobs
from retailpulse.storage.jobs.read import JOB_COLUMNS, JobRow, job_cursor, known_job
from retailpulse.storage.jobs.spool import BLOCK_ROWS, escape, escape_or_null
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.scheduling.slice_builder import JobPlace, OriginOf, SliceBuilder

_INSERT_ROW = sql.SQL("""
    INSERT INTO jobs (job_id, status, depth, images, visits_without_time, name, labels, priority,
        callback_url)
    VALUES (%(job_id)s, 'ongoing', %(depth)s, %(image_count)s, %(visits_without_time)s, %(name)s,
        %(labels)s::jsonb, %(priority)s, %(callback_url)s)
    RETURNING {columns}
""").format(columns=JOB_COLUMNS)
# One statement: round trips are most of what a small job costs.
_INSERT_JOB = (
    sql.SQL("""
    WITH visit AS MATERIALIZED (
        SELECT * FROM json_to_recordset(%(visits)s::json) AS row (visit_no int, store_id text,
            store_known boolean, visit_time text, visited_at timestamptz, first_image_no int, images int)),
    written_visits AS (
        INSERT INTO visits (job_id, visit_no, store_id, store_known, visit_time, visited_at, first_image_no,
            images)
        SELECT %(job_id)s, visit.* FROM visit),
    written_stores AS (
        INSERT INTO job_stores (job_id, first_visit_no, store_id, images)
        SELECT %(job_id)s, min(visit_no), store_id, sum(images) FROM visit GROUP BY store_id),
    written_images AS (
        INSERT INTO images (job_id, image_no, visit_no, image_url, same_as, extra)
        SELECT %(job_id)s, image.* FROM json_to_recordset(%(images)s::json) AS image (image_no int,
            visit_no int, image_url text, same_as int, extra json))
""")
    + _INSERT_ROW
)
_FEW_IMAGES = 250
"""So many images are written with their job; COPY, which costs three round trips, is faster for more."""
_COUNT_FAILED = """
    UPDATE jobs SET failed = failed + %(failed)s,
        causes = add_counts(causes, jsonb_build_object(%(cause)s::text, %(failed)s::int))
    WHERE job_id = %(job_id)s
"""


class _VisitRow(msgspec.Struct, kw_only=True, gc=False):
    visit_no: int
    store_id: str
    store_known: bool
    visit_time: str
    visited_at: datetime | None
    first_image_no: int
    images: int


class _ImageRow(msgspec.Struct, kw_only=True, gc=False):
    image_no: int
    visit_no: int
    image_url: str
    same_as: int | None
    extra: msgspec.Raw | None


async def insert_job(
    connection: Connection, job: JobPlace, submission: Submission, origin_of: OriginOf
) -> JobRow:
    """Writes a whole job; images of unknown stores are settled at once, the others wait at their hosts.

    An image whose URL an earlier one has does not wait: it is settled with that one. Returns the job as it
    then is.
    """
    job_id, image_count = job.job_id, submission.image_count
    known = await known_stores(connection, {visit.store_id for visit in submission.visits})
    builder = SliceBuilder(origin_of)
    images = list(_image_rows(submission, known, builder))
    are_few = image_count <= _FEW_IMAGES
    values: dict[str, str | int] = {
        "image_count": image_count,
        "visits_without_time": submission.visits_without_time,
        "visits": msgspec.json.encode(list(_visit_rows(submission, known))).decode(),
        "images": msgspec.json.encode(images if are_few else ()).decode(),
    }
    written = await _insert(connection, _INSERT_JOB, job_id, submission.options, values)
    if not are_few:
        await _copy_images(connection, job_id, images)
    if any(visit.store_id not in known for visit in submission.visits):
        failed = await settle_unknown_stores(connection, job_id)
        written = await count_failed(connection, job_id, failed, Cause.STORE_ID_NOT_FOUND)
    await builder.enqueue(connection, job)
    return written


async def insert_row(
    connection: Connection, job_id: UUID, counts: Mapping[str, int], options: JobOptions
) -> JobRow:
    """Writes the row of a job, with its `image_count` and `visits_without_time`, and returns it."""
    return await _insert(connection, _INSERT_ROW, job_id, options, counts)


async def _insert(
    connection: Connection,
    statement: sql.Composed,
    job_id: UUID,
    options: JobOptions,
    values: Mapping[str, str | int],
) -> JobRow:
    parameters = {"job_id": job_id, **values, **_job_fields(options)}
    cursor = await job_cursor(connection).execute(statement, parameters)
    (written,) = await cursor.fetchall()
    return written


def _job_fields(options: JobOptions) -> dict[str, Any]:
    """The parameters of a statement that writes what a client says of a job."""
    return {
        "depth": options.depth,
        "name": options.name,
        "labels": msgspec.json.encode(options.labels).decode(),
        "priority": options.priority,
        "callback_url": options.callback_url,
    }


async def known_stores(connection: Connection, asked: Set[str]) -> set[str]:
    """The stores among these ids that the store master has."""
    possible = [name for name in asked if len(name.encode()) <= MAX_KEY_BYTES]
    cursor = await connection.execute("SELECT store_id FROM stores WHERE store_id = ANY(%s)", [possible])
    return {store_id for (store_id,) in await cursor.fetchall()}


def _visit_rows(submission: Submission, known: set[str]) -> Iterator[_VisitRow]:
    first_image_no = 1
    for visit_no, visit in enumerate(submission.visits, 1):
        images = len(visit.image_urls)
        yield _VisitRow(
            visit_no=visit_no,
            store_id=visit.store_id,
            store_known=visit.store_id in known,
            visit_time=visit.visit_time,
            visited_at=visit.visited_at,
            first_image_no=first_image_no,
            images=images,
        )
        first_image_no += images


def _image_rows(submission: Submission, known: Set[str], builder: SliceBuilder) -> Iterator[_ImageRow]:
    """Every image; those to fetch, of known stores and each URL once, come to stand in line."""
    firsts: dict[str, int] = {}
    image_no = 0
    for visit_no, visit in enumerate(submission.visits, 1):
        is_known = visit.store_id in known
        extra = None if visit.extra is None else msgspec.Raw(visit.extra.encode())
        for url in visit.image_urls:
            image_no += 1
            first_no = firsts.setdefault(url, image_no) if is_known else None
            if first_no == image_no:
                builder.add(image_no, url)
            yield _ImageRow(
                image_no=image_no,
                visit_no=visit_no,
                image_url=url,
                same_as=None if first_no == image_no else first_no,
                extra=extra,
            )


async def _copy_images(connection: Connection, job_id: UUID, images: Sequence[_ImageRow]) -> None:
    job = str(job_id)
    async with connection.cursor().copy(
        "COPY images (job_id, image_no, visit_no, image_url, same_as, extra) FROM STDIN"
    ) as copy:
        # As text in blocks: the driver takes thrice as long for each row on its own.
        for start in range(0, len(images), BLOCK_ROWS):
            await copy.write("".join(f"{job}\t{_line(row)}\n" for row in images[start : start + BLOCK_ROWS]))


def _line(row: _ImageRow) -> str:
    """A row as COPY reads it, without its job."""
    same_as = r"\N" if row.same_as is None else row.same_as
    extra = escape_or_null(None if row.extra is None else bytes(row.extra).decode())
    return f"{row.image_no}\t{row.visit_no}\t{escape(row.image_url)}\t{same_as}\t{extra}"


async def settle_unknown_stores(connection: Connection, job_id: UUID) -> int:
    """Gives every image of a store that the job does not know its failure; returns how many had none yet."""
    cursor = await connection.execute(
        """
        INSERT INTO results (job_id, image_no, outcome, cause, detail, tries)
        SELECT v.job_id, image_no, 'failed', 'store_id_not_found', 'the store master has no such store', 0
        FROM visits v CROSS JOIN generate_series(v.first_image_no, v.first_image_no + v.images - 1) image_no
        WHERE v.job_id = %s AND NOT v.store_known
        ORDER BY image_no
        ON CONFLICT DO NOTHING
        """,
        [job_id],
    )
    return cursor.rowcount


async def count_failed(connection: Connection, job_id: UUID, failed: int, cause: Cause) -> JobRow:
    """Counts failures of a new job, all of one cause, and ends it if these are all its images; returns it."""
    values = {"job_id": job_id, "failed": failed, "cause": cause}
    await connection.execute(_COUNT_FAILED, values)
    await store_counts.recount(connection, job_id)
    await finish_jobs(connection, [job_id])
    return await known_job(connection, job_id)
