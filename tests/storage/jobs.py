"""Jobs and results for tests of the tables, without any HTTP."""

from collections.abc import Iterable
from uuid import UUID

from retailpulse.domain.ids import new_job_id
from retailpulse.domain.images import Cause, Depth, Format, Header, Outcome
from retailpulse.domain.jobs import JobOptions, Submission, Visit
from retailpulse.fetch import origin_key
from retailpulse.measure import make_measurement
from retailpulse.schema import ImageResult
from retailpulse.storage.jobs import insert as submitting
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.scheduling.slice_builder import JobPlace

KNOWN = ("RP00001", "RP00002")


async def submit(
    database: Database,
    urls: Iterable[str],
    *,
    depth: Depth = Depth.HEADER,
    priority: int = 0,
    callback_url: str | None = None,
) -> UUID:
    """Stores a job of one visit to a known store; its images wait at their hosts."""
    return await submit_visits(
        database, (KNOWN[0], urls), depth=depth, priority=priority, callback_url=callback_url
    )


async def submit_visits(
    database: Database,
    *visits: tuple[str, Iterable[str]],
    depth: Depth = Depth.HEADER,
    priority: int = 0,
    callback_url: str | None = None,
) -> UUID:
    """Stores a job of visits, each a store and its URLs; KNOWN stores are known."""
    job_id = new_job_id()
    submission = Submission(
        visits=tuple(
            Visit(store_id=store_id, visit_time="2026-11-20", visited_at=None, image_urls=tuple(urls))
            for store_id, urls in visits
        ),
        options=JobOptions(depth=depth, priority=priority, callback_url=callback_url),
    )
    async with database.transaction() as connection:
        await connection.execute(
            "INSERT INTO stores SELECT unnest(%s::text[]), '7100015', 'Corner Shop' ON CONFLICT DO NOTHING",
            [list(KNOWN)],
        )
        await submitting.insert_job(connection, place(job_id, priority), submission, origin_key)
    return job_id


def place(job_id: UUID, priority: int = 0) -> JobPlace:
    """A job as those name it who put its images in line."""
    return JobPlace(job_id=job_id, priority=priority)


def measured(job_id: UUID, image_no: int, *, width: int = 10) -> ImageResult:
    """A result of an image of a job from `submit`; the width tells results of one image apart."""
    header = Header(format=Format.PNG, width=width, height=20, displayed_width=width, displayed_height=20)
    return ImageResult(
        job_id=job_id,
        image_no=image_no,
        outcome=Outcome.MEASURED,
        measurement=make_measurement(header),
        tries=1,
    )


def failed(job_id: UUID, image_no: int, *, detail: str = "HTTP 404") -> ImageResult:
    """A failure of an image of a job from `submit`."""
    return ImageResult(
        job_id=job_id,
        image_no=image_no,
        outcome=Outcome.FAILED,
        cause=Cause.HTTP_STATUS,
        detail=detail,
        tries=1,
    )
