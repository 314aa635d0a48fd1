"""Works on one chunk: claims it, fetches and measures its images all at once, settles every one."""

import asyncio
import logging
import random
from dataclasses import dataclass

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause, Depth, Header, Measurement, Outcome
from retailpulse.domain.jobs import ChunkKey, PendingImage, Result
from retailpulse.fetch import Downloader, Fetched
from retailpulse.measure import Decoders, read_header
from retailpulse.storage import jobs
from retailpulse.storage.database import Database
from retailpulse.worker.admission import Admission, Draining
from retailpulse.worker.claims import Claims
from retailpulse.worker.pulse import Pulse
from retailpulse.worker.settler import Settler, all_written

logger = logging.getLogger(__name__)

SLEEPS_PER_IMAGE = 3
"""How often an image is tried anew because its worker slept; then its failure counts."""


class HandBack(Exception):
    """The worker stops before the chunk is done: its message goes back to the queue."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """What every chunk of a worker shares."""

    database: Database
    downloader: Downloader
    admission: Admission
    settler: Settler
    decoders: Decoders
    claims: Claims
    pulse: Pulse
    max_pixels: int
    pause_seconds: tuple[float, float] | None


async def work_on(key: ChunkKey, tools: Tools) -> None:
    """Settles every image of a chunk that is not settled yet; raises HandBack where some are left."""
    with tools.claims.chunk() as held:
        async with tools.database.connection() as connection:
            claimed = await jobs.claim_chunk(connection, key)
        if claimed is None:
            return
        depth, images = claimed
        held.become(len(images))
        async with asyncio.TaskGroup() as group:
            working = [group.create_task(_work_on_image(key, image, depth, tools)) for image in images]
            for task in working:
                task.add_done_callback(lambda _: held.done())
    written = {done for done in (task.result() for task in working) if done is not None}
    await all_written(written)
    if any(task.result() is None for task in working):
        raise HandBack


async def _work_on_image(
    key: ChunkKey, image: PendingImage, depth: Depth, tools: Tools
) -> asyncio.Future[None] | None:
    """Fetches, measures and settles one image; None where a stopping worker leaves it."""
    try:
        result = await _measure_awake(key, image, depth, tools)
    except Draining:
        return None
    except ImportError:  # a decoder that is not there says nothing about the image
        raise
    except ImageError as error:
        result = _failed(key, image, error)
    except Exception as error:  # a fault of ours in one image must not keep its job from ending
        logger.exception("image %d of job %s met an unexpected error", image.image_no, key.job_id)
        detail = f"unexpected {type(error).__name__}"
        result = _failed(key, image, ImageError(Cause.DECODER_CRASHED, detail))
    if tools.pause_seconds is not None:
        await tools.admission.pause(random.uniform(*tools.pause_seconds))  # noqa: S311 - stands for a model's time, not a secret
    return tools.settler.settle(result)


def _failed(key: ChunkKey, image: PendingImage, error: ImageError) -> Result:
    return Result(
        chunk=key,
        image_no=image.image_no,
        outcome=Outcome.FAILED,
        cause=error.cause,
        detail=error.detail,
        tries=error.tries,
    )


async def _measure_awake(key: ChunkKey, image: PendingImage, depth: Depth, tools: Tools) -> Result:
    """Measures an image, anew where it failed while this process slept: that is no fault of the image."""
    for _ in range(SLEEPS_PER_IMAGE):
        sleeps = tools.pulse.sleeps()
        try:
            return await _measure(key, image, depth, tools)
        except ImageError as error:
            if tools.pulse.sleeps() == sleeps:
                raise
            logger.info(
                "image %d of job %s is tried anew after a sleep: %s", image.image_no, key.job_id, error
            )
    return await _measure(key, image, depth, tools)


async def _measure(key: ChunkKey, image: PendingImage, depth: Depth, tools: Tools) -> Result:
    header: Header | None = None

    def enough(data: bytes) -> bool:
        nonlocal header
        header = read_header(data, tools.max_pixels)
        return header is not None

    if depth is Depth.HEADER:
        fetched = await tools.downloader.fetch_head(image.image_url, enough)
    else:
        fetched = await tools.downloader.fetch(image.image_url)
    # A file that ended before its header is measured as a whole, which tells what is wrong with it.
    measurement = Measurement(header=header) if header else await _measure_body(fetched, depth, tools)
    return Result(
        chunk=key,
        image_no=image.image_no,
        outcome=Outcome.MEASURED,
        measurement=measurement,
        tries=fetched.tries,
    )


async def _measure_body(fetched: Fetched, depth: Depth, tools: Tools) -> Measurement:
    """Measures in a process that may be lost; raises ImageError."""
    tools.admission.arrived(len(fetched.body))
    try:
        return await tools.decoders.measure(fetched.body, depth)
    except ImageError as error:
        error.tries = fetched.tries
        raise
    finally:
        tools.admission.left(len(fetched.body))
