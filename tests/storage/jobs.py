"""Jobs and results for tests of the tables, without any HTTP."""

from collections.abc import Iterable
from uuid import UUID

from retailpulse.domain.ids import new_job_id
from retailpulse.domain.images import Cause, Depth, Format, Header, Measurement, Outcome
from retailpulse.domain.jobs import ChunkKey, JobOptions, Result, Submission, Visit
from retailpulse.storage import queue
from retailpulse.storage.database import Database
from retailpulse.storage.jobs import insert as submitting

CHUNK_IMAGES = 4
KNOWN = ("RP00001", "RP00002")


async def submit(
    database: Database,
    urls: Iterable[str],
    *,
    depth: Depth = Depth.HEADER,
    chunk_images: int = CHUNK_IMAGES,
    callback_url: str | None = None,
) -> UUID:
    """Stores a job of one visit to a known store, and queues its chunks."""
    return await submit_visits(
        database, (KNOWN[0], urls), depth=depth, chunk_images=chunk_images, callback_url=callback_url
    )


async def submit_visits(
    database: Database,
    *visits: tuple[str, Iterable[str]],
    depth: Depth = Depth.HEADER,
    chunk_images: int = CHUNK_IMAGES,
    priority: int = 0,
    callback_url: str | None = None,
) -> UUID:
    """Stores a job of visits, each a store and its URLs, and queues its chunks; KNOWN stores are known."""
    job_id = new_job_id()
    submission = Submission(
        visits=tuple(
            Visit(store_id=store_id, visit_time="2026-11-20", visited_at=None, image_urls=tuple(urls))
            for store_id, urls in visits
        ),
        options=JobOptions(depth=depth, priority=priority, callback_url=callback_url),
    )
    app = queue.make_app()
    async with database.transaction() as connection, app.open_async(database.pool):
        await connection.execute(
            "INSERT INTO stores SELECT unnest(%s::text[]), '7100015', 'Corner Shop' ON CONFLICT DO NOTHING",
            [list(KNOWN)],
        )
        keys = await submitting.insert_job(connection, job_id, submission, chunk_images)
        await queue.send_chunks(app, connection, keys, priority)
    return job_id


def measured(job_id: UUID, image_no: int, *, width: int = 10) -> Result:
    """A result of an image of a job from `submit`; the width tells results of one image apart."""
    header = Header(format=Format.PNG, width=width, height=20, displayed_width=width, displayed_height=20)
    return Result(
        chunk=_chunk(job_id, image_no),
        image_no=image_no,
        outcome=Outcome.MEASURED,
        measurement=Measurement(header=header),
        tries=1,
    )


def failed(job_id: UUID, image_no: int, *, detail: str = "HTTP 404") -> Result:
    """A failure of an image of a job from `submit`."""
    return Result(
        chunk=_chunk(job_id, image_no),
        image_no=image_no,
        outcome=Outcome.FAILED,
        cause=Cause.HTTP_STATUS,
        detail=detail,
        tries=1,
    )


def _chunk(job_id: UUID, image_no: int) -> ChunkKey:
    return ChunkKey(job_id=job_id, chunk_no=(image_no - 1) // CHUNK_IMAGES)
