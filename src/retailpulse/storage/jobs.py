"""Jobs with their visits, images and chunks: written once at the submit, read ever after.

Counters of jobs and chunks move in `results` alone.
"""

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncCursor, sql
from psycopg.rows import RowMaker

from retailpulse.domain.images import Cause, Depth
from retailpulse.domain.jobs import ChunkKey, JobStatus, PendingImage, Submission
from retailpulse.domain.stores import MAX_KEY_BYTES
from retailpulse.storage.database import Connection

# Few statements: round trips are most of what a small job costs.
_INSERT_VISITS = """
    INSERT INTO visits (job_id, visit_no, store_id, store_known, visit_time, visited_at, first_image_no,
        images)
    SELECT %s, row.*
    FROM json_to_recordset(%s::json) AS row (visit_no int, store_id text, store_known boolean,
        visit_time text, visited_at timestamptz, first_image_no int, images int)
"""
_INSERT_JOB_AND_CHUNKS = """
    WITH job AS (
        INSERT INTO jobs (job_id, status, depth, images)
        VALUES (%(job_id)s, 'ongoing', %(depth)s, %(images)s))
    INSERT INTO chunks (job_id, chunk_no, first_image_no, last_image_no, images)
    SELECT %(job_id)s, place - 1, first_no, last_no, images
    FROM unnest(%(first_nos)s::int[], %(last_nos)s::int[], %(counts)s::int[])
        WITH ORDINALITY AS chunk (first_no, last_no, images, place)
"""
_BLOCK_ROWS = 1_000
_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = {ord("\\"): r"\\", ord("\t"): r"\t", ord("\n"): r"\n", ord("\r"): r"\r"}
"""What COPY reads as more than itself."""


class _VisitRow(msgspec.Struct, kw_only=True, gc=False):
    visit_no: int
    store_id: str
    store_known: bool
    visit_time: str
    visited_at: datetime | None
    first_image_no: int
    images: int


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRow:
    """A job and its counters."""

    job_id: UUID
    status: JobStatus
    depth: Depth
    images: int
    measured: int
    failed: int
    cancelled: int
    submitted_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    name: str | None
    labels: dict[str, str]
    priority: int
    callback_url: str | None
    retries: int
    retried_at: datetime | None
    retried_from: int
    read_at: datetime

    @property
    def settled(self) -> int:
        """How many images have a result."""
        return self.measured + self.failed + self.cancelled


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreFailure:
    """How often one cause hit the images of one store in a job, and the first image that it hit."""

    store_id: str
    store_images: int
    cause: Cause
    failed: int
    example_url: str
    example_detail: str


async def insert_job(
    connection: Connection, job_id: UUID, submission: Submission, chunk_images: int
) -> list[ChunkKey]:
    """Writes a whole job; images of unknown stores are settled at once. Returns the chunks to work on.

    An image whose URL an earlier one has is in no chunk's count: it is settled with that one.
    """
    known = await _known_stores(connection, submission)
    await _write_visits(connection, job_id, submission, known)
    to_fetch = await _write_images(connection, job_id, submission, known)
    starts = range(0, len(to_fetch), chunk_images)
    chunks = [to_fetch[start : start + chunk_images] for start in starts]
    parameters = {
        "job_id": job_id,
        "depth": submission.depth,
        "images": submission.image_count,
        "first_nos": [chunk[0] for chunk in chunks],
        "last_nos": [chunk[-1] for chunk in chunks],
        "counts": [len(chunk) for chunk in chunks],
    }
    await connection.execute(_INSERT_JOB_AND_CHUNKS, parameters)
    if any(visit.store_id not in known for visit in submission.visits):
        await _settle_unknown_stores(connection, job_id)
    return [ChunkKey(job_id=job_id, chunk_no=chunk_no) for chunk_no in range(len(chunks))]


async def _known_stores(connection: Connection, submission: Submission) -> set[str]:
    asked = {visit.store_id for visit in submission.visits}
    possible = [name for name in asked if len(name.encode()) <= MAX_KEY_BYTES]
    cursor = await connection.execute("SELECT store_id FROM stores WHERE store_id = ANY(%s)", [possible])
    return {store_id for (store_id,) in await cursor.fetchall()}


async def _write_visits(
    connection: Connection, job_id: UUID, submission: Submission, known: set[str]
) -> None:
    rows = _visit_rows(submission, known)
    while block := list(islice(rows, _BLOCK_ROWS)):
        await connection.execute(_INSERT_VISITS, [job_id, msgspec.json.encode(block).decode()])


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


async def _write_images(
    connection: Connection, job_id: UUID, submission: Submission, known: set[str]
) -> Sequence[int]:
    """Writes the images; returns the numbers of those to fetch: of known stores, the first of their URL."""
    to_fetch = array("i")
    rows: list[str] = []
    job = str(job_id)
    async with connection.cursor().copy(
        "COPY images (job_id, image_no, visit_no, image_url, same_as) FROM STDIN"
    ) as copy:
        # As text in blocks: the driver takes thrice as long for each row on its own.
        for image_no, visit_no, url, first_no in _images(submission, known):
            if first_no == image_no:
                to_fetch.append(image_no)
            same_as = r"\N" if first_no is None or first_no == image_no else first_no
            text = url.translate(_ESCAPES) if _SPECIAL.search(url) else url
            rows.append(f"{job}\t{image_no}\t{visit_no}\t{text}\t{same_as}\n")
            if len(rows) == _BLOCK_ROWS:
                await copy.write("".join(rows))
                rows.clear()
        await copy.write("".join(rows))
    return to_fetch


def _images(submission: Submission, known: set[str]) -> Iterator[tuple[int, int, str, int | None]]:
    """Every image as its number, its visit's number, its URL, and the first image that has this URL.

    Images of unknown stores are fetched by nobody, so they have no first and are none.
    """
    firsts: dict[str, int] = {}
    image_no = 0
    for visit_no, visit in enumerate(submission.visits, 1):
        is_known = visit.store_id in known
        for url in visit.image_urls:
            image_no += 1
            yield image_no, visit_no, url, firsts.setdefault(url, image_no) if is_known else None


async def _settle_unknown_stores(connection: Connection, job_id: UUID) -> None:
    cursor = await connection.execute(
        """
        INSERT INTO results (job_id, image_no, outcome, cause, detail, tries)
        SELECT v.job_id, i.image_no, 'failed', 'store_id_not_found', 'the store master has no such store', 0
        FROM visits v JOIN images i USING (job_id, visit_no)
        WHERE v.job_id = %s AND NOT v.store_known
        """,
        [job_id],
    )
    await connection.execute(
        """
        UPDATE jobs SET failed = %(failed)s,
            status = CASE WHEN images = %(failed)s THEN 'failed' ELSE status END,
            started_at = CASE WHEN images = %(failed)s THEN now() END,
            finished_at = CASE WHEN images = %(failed)s THEN now() END
        WHERE job_id = %(job_id)s
        """,
        {"job_id": job_id, "failed": cursor.rowcount},
    )


JOB_COLUMNS = sql.SQL(
    "job_id, status, depth, images, measured, failed, cancelled, submitted_at, started_at, finished_at, name,"
    " labels, priority, callback_url, retries, retried_at, retried_from, now() AS read_at"
)
"""What a `JobRow` is read from, in its order."""
_FIND = sql.SQL("SELECT {columns} FROM jobs WHERE job_id = %s").format(columns=JOB_COLUMNS)


def job_cursor(connection: Connection) -> AsyncCursor[JobRow]:
    """A cursor whose rows, of `JOB_COLUMNS`, are jobs."""
    return connection.cursor(row_factory=_make_job)


def _make_job(cursor: AsyncCursor[Any]) -> RowMaker[JobRow]:
    names = [column.name for column in cursor.description or ()]

    def make(values: Sequence[Any]) -> JobRow:
        row = dict(zip(names, values, strict=True))
        return JobRow(**row | {"status": JobStatus(row["status"]), "depth": Depth(row["depth"])})

    return make


async def find_job(connection: Connection, job_id: UUID) -> JobRow | None:
    """The job and its counters, or None where there is none."""
    cursor = await job_cursor(connection).execute(_FIND, [job_id])
    return await cursor.fetchone()


async def count_unsettled(connection: Connection) -> int:
    """How many images of all jobs wait for a result."""
    cursor = await connection.execute(
        "SELECT coalesce(sum(images - measured - failed), 0)::bigint FROM jobs WHERE status = 'ongoing'"
    )
    ((count,),) = await cursor.fetchall()
    return int(count)


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimed:
    """What is left to do of a chunk; `waited_seconds` since its message was sent, None where that is gone."""

    depth: Depth
    images: list[PendingImage]
    waited_seconds: float | None


async def claim_chunk(connection: Connection, key: ChunkKey, message_id: int | None = None) -> Claimed | None:
    """What is left to do of a chunk, whose message is named; None where nothing is.

    Copies are left out: who settles the first image of a URL settles them too.
    """
    cursor = await connection.execute(
        """
        WITH job AS (
            UPDATE jobs SET started_at = now()
            WHERE job_id = %(job_id)s AND started_at IS NULL AND status = 'ongoing')
        SELECT i.image_no, i.image_url, j.depth, (
            SELECT extract(epoch FROM now() - e.at)::float8 FROM procrastinate_events e
            WHERE e.job_id = %(message_id)s AND e.type = 'deferred')
        FROM chunks c
        JOIN jobs j ON j.job_id = c.job_id AND j.status = 'ongoing'
        JOIN images i ON i.job_id = c.job_id AND i.image_no BETWEEN c.first_image_no AND c.last_image_no
            AND i.same_as IS NULL
        LEFT JOIN results r ON r.job_id = i.job_id AND r.image_no = i.image_no
        WHERE c.job_id = %(job_id)s AND c.chunk_no = %(chunk_no)s
          AND c.settled < c.images AND r.image_no IS NULL
        ORDER BY i.image_no
        """,
        {"job_id": key.job_id, "chunk_no": key.chunk_no, "message_id": message_id},
    )
    rows = await cursor.fetchall()
    if not rows:
        return None
    *_, depth, waited_seconds = rows[0]
    return Claimed(
        depth=Depth(depth),
        images=[PendingImage(image_no=number, image_url=url) for number, url, *_ in rows],
        waited_seconds=waited_seconds,
    )


async def store_failures(connection: Connection, job_id: UUID) -> Sequence[StoreFailure]:
    """Failures by store and cause: stores as they first appear in the job, causes by their first image."""
    cursor = await connection.execute(
        """
        WITH hit AS (
            SELECT v.store_id, r.cause, count(*) AS failed, min(r.image_no) AS image_no
            FROM results r
            JOIN images i USING (job_id, image_no)
            JOIN visits v USING (job_id, visit_no)
            WHERE r.job_id = %(job_id)s AND r.cause IS NOT NULL
            GROUP BY v.store_id, r.cause),
        store AS (
            SELECT store_id, sum(images)::int AS images, min(visit_no) AS visit_no
            FROM visits WHERE job_id = %(job_id)s
            GROUP BY store_id)
        SELECT hit.store_id, store.images, hit.cause, hit.failed, i.image_url, coalesce(r.detail, '')
        FROM hit JOIN store USING (store_id)
        JOIN images i ON i.job_id = %(job_id)s AND i.image_no = hit.image_no
        JOIN results r ON r.job_id = %(job_id)s AND r.image_no = hit.image_no
        ORDER BY store.visit_no, hit.image_no
        """,
        {"job_id": job_id},
    )
    return [
        StoreFailure(
            store_id=store_id,
            store_images=images,
            cause=Cause(cause),
            failed=failed,
            example_url=url,
            example_detail=detail,
        )
        for store_id, images, cause, failed, url, detail in await cursor.fetchall()
    ]


async def cause_counts(connection: Connection, job_id: UUID) -> dict[str, int]:
    """How many images of a job failed, by cause, the most frequent first."""
    cursor = await connection.execute(
        "SELECT cause, count(*) FROM results WHERE job_id = %s AND cause IS NOT NULL"
        " GROUP BY cause ORDER BY count(*) DESC, cause",
        [job_id],
    )
    return {str(cause): int(count) for cause, count in await cursor.fetchall()}
