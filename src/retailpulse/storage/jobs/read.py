"""Jobs as they are read: where one stands, what is left of a chunk, what failed.

They are written in `submitting`; counters of jobs and chunks move in `results`, and back in `retrying`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncCursor, sql
from psycopg.rows import RowMaker

from retailpulse.domain.errors import NotFound
from retailpulse.domain.images import Cause, Depth
from retailpulse.domain.jobs import ChunkKey, JobStatus, PendingImage
from retailpulse.storage.database import Connection


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


JOB_COLUMNS = sql.SQL(
    "job_id, status, depth, images, measured, failed, cancelled, submitted_at, started_at, finished_at, name,"
    " labels, priority, callback_url, retries, retried_at, retried_from, now() AS read_at"
)
"""What a `JobRow` is read from, in its order."""
_FIND = sql.SQL("SELECT {columns} FROM jobs WHERE job_id = %s").format(columns=JOB_COLUMNS)
_FIND_SOME = sql.SQL("SELECT {columns} FROM jobs WHERE job_id = ANY(%s)").format(columns=JOB_COLUMNS)


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


async def known_job(connection: Connection, job_id: UUID) -> JobRow:
    """The job and its counters; raises NotFound where there is none."""
    job = await find_job(connection, job_id)
    if job is None:
        raise NotFound(f"there is no job {job_id}")
    return job


async def find_jobs(connection: Connection, job_ids: Sequence[UUID]) -> dict[UUID, JobRow]:
    """Those of the jobs that there are."""
    cursor = await job_cursor(connection).execute(_FIND_SOME, [list(job_ids)])
    return {job.job_id: job for job in await cursor.fetchall()}


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

    Copies are left out: who settles the first image of a URL settles them too. OFFSET keeps the planner from
    reading all results of the job to join them.
    """
    cursor = await connection.execute(
        """
        WITH job AS (
            UPDATE jobs SET started_at = now()
            WHERE job_id = %(job_id)s AND started_at IS NULL AND status = 'ongoing')
        SELECT i.image_no, i.image_url, CASE WHEN j.retries > 0 THEN (
            SELECT count(*) FROM earlier_results e WHERE e.job_id = i.job_id AND e.image_no = i.image_no)
            ELSE 0 END, j.depth, (
            SELECT extract(epoch FROM now() - e.at)::float8 FROM procrastinate_events e
            WHERE e.job_id = %(message_id)s AND e.type = 'deferred')
        FROM chunks c
        JOIN jobs j ON j.job_id = c.job_id AND j.status = 'ongoing'
        JOIN images i ON i.job_id = c.job_id AND i.image_no BETWEEN c.first_image_no AND c.last_image_no
            AND i.same_as IS NULL AND coalesce(i.since_retry, 0) = c.since_retry
        WHERE c.job_id = %(job_id)s AND c.chunk_no = %(chunk_no)s
          AND c.settled < c.images AND NOT EXISTS (
            SELECT FROM results r WHERE r.job_id = i.job_id AND r.image_no = i.image_no OFFSET 0)
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
        images=[
            PendingImage(image_no=number, image_url=url, earlier=earlier) for number, url, earlier, *_ in rows
        ],
        waited_seconds=waited_seconds,
    )


# OFFSET has the rows of each failure looked up by index, and stores find their failures by a sort, however
# few of them the planner expects: joins would compare each with each.
_STORE_FAILURES = """
    WITH part AS (
        SELECT store_id, NULL AS cause, sum(images)::int AS images, min(visit_no) AS first_no
        FROM visits WHERE job_id = %(job_id)s
        GROUP BY store_id
        UNION ALL
        SELECT v.store_id, r.cause, count(*), min(r.image_no)
        FROM results r
        CROSS JOIN LATERAL (
            SELECT visit_no FROM images WHERE job_id = r.job_id AND image_no = r.image_no OFFSET 0) i
        CROSS JOIN LATERAL (
            SELECT store_id FROM visits WHERE job_id = r.job_id AND visit_no = i.visit_no OFFSET 0) v
        WHERE r.job_id = %(job_id)s AND r.cause IS NOT NULL
        GROUP BY v.store_id, r.cause),
    hit AS (
        SELECT *, max(images) FILTER (WHERE cause IS NULL) OVER of_store AS store_images,
            min(first_no) FILTER (WHERE cause IS NULL) OVER of_store AS visit_no
        FROM part WINDOW of_store AS (PARTITION BY store_id))
    SELECT store_id, store_images, cause, images, i.image_url, coalesce(r.detail, '')
    FROM hit
    CROSS JOIN LATERAL (
        SELECT image_url FROM images
        WHERE job_id = %(job_id)s AND image_no = hit.first_no OFFSET 0) i
    CROSS JOIN LATERAL (
        SELECT detail FROM results
        WHERE job_id = %(job_id)s AND image_no = hit.first_no OFFSET 0) r
    WHERE cause IS NOT NULL
    ORDER BY visit_no, first_no
"""


async def store_failures(connection: Connection, job_id: UUID) -> Sequence[StoreFailure]:
    """Failures by store and cause: stores as they first appear in the job, causes by their first image."""
    cursor = await connection.execute(_STORE_FAILURES, {"job_id": job_id})
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
