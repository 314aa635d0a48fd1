"""Jobs as they are read: their state, and what failed.

They are written in `insert`; their counters move in `storage.results`, and back in `retry`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import AsyncCursor, sql
from psycopg.rows import RowMaker

from retailpulse.domain.errors import NotFound
from retailpulse.domain.images import Cause, Depth
from retailpulse.domain.jobs import JobStatus
from retailpulse.storage.postgres.database import Connection

STUCK_AFTER = timedelta(minutes=5)
"""A job that was begun and has had no new result for so long is stuck."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRow:
    """A job and its counters; `flags` and `causes` have the most frequent first.

    `causes` counts images that were not measured, those of a cancel too.
    """

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
    visits_without_time: int
    retried_at: datetime | None
    retried_from: int
    flagged: int
    flags: dict[str, int]
    causes: dict[str, int]
    progressed_at: datetime | None
    read_at: datetime

    @property
    def settled(self) -> int:
        """How many images have a result."""
        return self.measured + self.failed + self.cancelled

    @property
    def is_stuck(self) -> bool:
        """Whether it was begun, goes on, and has had no new result for `STUCK_AFTER`."""
        if self.status is not JobStatus.ONGOING or self.started_at is None:
            return False
        times = (self.started_at, self.retried_at, self.progressed_at)
        return self.read_at - max(time for time in times if time is not None) > STUCK_AFTER


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreFailure:
    """How many images of one store in a job one cause hit, a cancel too, and the first image that it hit."""

    store_id: str
    store_images: int
    cause: Cause
    images: int
    example_url: str
    example_detail: str


JOB_COLUMNS = sql.SQL(
    "job_id, status, depth, images, measured, failed, cancelled, submitted_at, started_at, finished_at, name,"
    " labels, priority, callback_url, retries, visits_without_time, retried_at,"
    " retried_from, coalesce(flagged, 0) AS flagged, coalesce(flags, '{}') AS flags,"
    " coalesce(causes, '{}') AS causes, progressed_at,"
    " now() AS read_at"
)
"""What a `JobRow` is read from, in its order; as a delivery of before has it, a job counts none of them."""
_FIND = sql.SQL("SELECT {columns} FROM jobs WHERE job_id = %s").format(columns=JOB_COLUMNS)
# In the order of an index that holds failures alone.
_FIRST_FAILURE = """
    SELECT image_no, coalesce(detail, '') FROM results
    WHERE job_id = %s AND cause IS NOT NULL AND image_no > 0 ORDER BY job_id, image_no LIMIT 1
"""
_FIND_SOME = sql.SQL("SELECT {columns} FROM jobs WHERE job_id = ANY(%s)").format(columns=JOB_COLUMNS)


def job_cursor(connection: Connection) -> AsyncCursor[JobRow]:
    """A cursor whose rows, of `JOB_COLUMNS`, are jobs."""
    return connection.cursor(row_factory=_make_job)


def _make_job(cursor: AsyncCursor[Any]) -> RowMaker[JobRow]:
    names = [column.name for column in cursor.description or ()]

    def make(values: Sequence[Any]) -> JobRow:
        row = dict(zip(names, values, strict=True))
        status, depth = JobStatus(row["status"]), Depth(row["depth"])
        counts = {name: _by_number(row[name]) for name in ("flags", "causes")}
        return JobRow(**row | {"status": status, "depth": depth} | counts)

    return make


def _by_number(counts: dict[str, int]) -> dict[str, int]:
    """The most frequent first."""
    return dict(sorted(counts.items(), key=lambda count: (-count[1], count[0])))


async def find_job(connection: Connection, job_id: UUID) -> JobRow | None:
    """The job and its counters, or None if there is none."""
    cursor = await job_cursor(connection).execute(_FIND, [job_id])
    return await cursor.fetchone()


async def known_job(connection: Connection, job_id: UUID) -> JobRow:
    """The job and its counters; raises NotFound if there is none."""
    job = await find_job(connection, job_id)
    if job is None:
        raise NotFound(f"there is no job {job_id}")
    return job


async def find_jobs(connection: Connection, job_ids: Sequence[UUID]) -> dict[UUID, JobRow]:
    """The jobs that exist among these ids, by id."""
    cursor = await job_cursor(connection).execute(_FIND_SOME, [list(job_ids)])
    return {job.job_id: job for job in await cursor.fetchall()}


async def count_unsettled(connection: Connection, *, analyses: bool = False) -> int:
    """How many images of all jobs wait for a result; those of analyses are counted apart."""
    cursor = await connection.execute(
        "SELECT coalesce(sum(images - measured - failed), 0)::bigint FROM jobs"
        " WHERE status = 'ongoing' AND is_analysis = %s",
        [analyses],
    )
    ((count,),) = await cursor.fetchall()
    return int(count)


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
            store_images=store_images,
            cause=Cause(cause),
            images=images,
            example_url=url,
            example_detail=detail,
        )
        for store_id, store_images, cause, images, url, detail in await cursor.fetchall()
    ]


async def first_failure(connection: Connection, job_id: UUID) -> tuple[int, str] | None:
    """The first image of a job that failed, and what its failure says; None if none did."""
    cursor = await connection.execute(_FIRST_FAILURE, [job_id], prepare=False)
    found = await cursor.fetchone()
    return None if found is None else (int(found[0]), str(found[1]))
