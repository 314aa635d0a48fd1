"""Works on one chunk: claims it, fetches and measures its images all at once, settles every one."""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause, Depth, Header, Measurement, Outcome
from retailpulse.domain.jobs import ChunkKey, PendingImage, Result
from retailpulse.fetch import Downloader
from retailpulse.measure import Decoders, Digest, measure_pieces, read_header
from retailpulse.storage.database import Database
from retailpulse.storage.jobs import read as jobs
from retailpulse.worker.admission import Admission, Draining
from retailpulse.worker.claims import Claims, Held
from retailpulse.worker.measures import Measures
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
    measures: Measures
    pulse: Pulse
    max_pixels: int
    pause_seconds: tuple[float, float] | None


async def work_on(key: ChunkKey, tools: Tools, message_id: int | None) -> None:
    """Settles every image of a chunk that is not settled yet; raises HandBack where some are left."""
    with tools.claims.chunk() as held:
        async with tools.database.connection() as connection:
            claimed = await jobs.claim_chunk(connection, key, message_id)
        if claimed is None:
            return
        if claimed.waited_seconds is not None:
            tools.measures.waited(claimed.waited_seconds)
        held.become(len(claimed.images))
        batches = await _work_on_images(key, claimed.images, claimed.depth, tools, held)
        if tools.claims.is_idle:
            tools.settler.hurry()
    await all_written({batch for batch in batches if batch is not None})
    if None in batches:
        raise HandBack


async def _work_on_images(
    key: ChunkKey, images: Sequence[PendingImage], depth: Depth, tools: Tools, held: Held
) -> set[asyncio.Future[None] | None]:
    """Works on all at once: the batches that their results are in, with None among them where some are left.

    A TaskGroup would do the same with a callback of the loop for every image.
    """
    working = [asyncio.create_task(_work_on_image(key, image, depth, tools, held)) for image in images]
    try:
        await held.let_go()
    except asyncio.CancelledError:
        for task in working:
            task.cancel()
        await asyncio.wait(working)
        raise
    return {task.result() for task in working}


async def _work_on_image(
    key: ChunkKey, image: PendingImage, depth: Depth, tools: Tools, held: Held
) -> asyncio.Future[None] | None:
    """Fetches, measures and settles one image; None where a stopping worker leaves it."""
    try:
        result = await _conclude(key, image, depth, tools)
        if tools.pause_seconds is not None:
            await tools.admission.pause(random.uniform(*tools.pause_seconds))  # noqa: S311 - stands for a model's time, not a secret
        return tools.settler.settle(result)
    except Draining:
        return None
    finally:
        held.done()


async def _conclude(key: ChunkKey, image: PendingImage, depth: Depth, tools: Tools) -> Result:
    """The result of an image; one that fails while this process sleeps is tried anew: it is not its fault."""
    measure = _measure_head if depth is Depth.HEADER else _measure_whole
    failed: ImageError
    for _ in range(SLEEPS_PER_IMAGE + 1):
        sleeps = tools.pulse.sleeps()
        try:
            measurement, tries = await measure(image.image_url, depth, tools)
        except (Draining, ImportError):  # a decoder that is not there says nothing about the image
            raise
        except ImageError as error:
            failed = error
            if tools.pulse.sleeps() == sleeps:
                break
            logger.info("image %d of job %s failed in a sleep: %s", image.image_no, key.job_id, error)
        except Exception as error:  # a fault of ours in one image must not keep its job from ending
            logger.exception("image %d of job %s met an unexpected error", image.image_no, key.job_id)
            failed = ImageError(Cause.DECODER_CRASHED, f"unexpected {type(error).__name__}")
            break
        else:
            return Result(
                chunk=key,
                image_no=image.image_no,
                outcome=Outcome.MEASURED,
                earlier=image.earlier,
                measurement=measurement,
                tries=tries,
            )
    return Result(
        chunk=key,
        image_no=image.image_no,
        outcome=Outcome.FAILED,
        earlier=image.earlier,
        cause=failed.cause,
        detail=failed.detail,
        tries=failed.tries,
    )


async def _measure_head(url: str, depth: Depth, tools: Tools) -> tuple[Measurement, int]:
    header: Header | None = None

    def enough(data: bytes) -> bool:
        nonlocal header
        header = read_header(data, tools.max_pixels)
        return header is not None

    fetched = await tools.downloader.fetch_head_pieces(url, enough)
    if header is not None:
        return Measurement(header=header), fetched.tries
    # A file that ended before its header is measured as a whole, which tells what is wrong with it.
    return await _measure_pieces(fetched.pieces, None, fetched.tries, depth, tools)


async def _measure_whole(url: str, depth: Depth, tools: Tools) -> tuple[Measurement, int]:
    digest: Digest | None = None

    def tap() -> Callable[[bytes], None]:
        nonlocal digest
        digest = Digest()
        return digest.update

    fetched = await tools.downloader.fetch_pieces(url, tap if depth is Depth.DOWNLOAD else None)
    return await _measure_pieces(fetched.pieces, digest, fetched.tries, depth, tools)


async def _measure_pieces(
    pieces: Sequence[bytes], digest: Digest | None, tries: int, depth: Depth, tools: Tools
) -> tuple[Measurement, int]:
    """Measures a body here where its digest is there already, else in a process that may be lost."""
    size_bytes = sum(map(len, pieces))
    tools.admission.arrived(size_bytes)
    try:
        if digest is not None:
            return measure_pieces(pieces, digest.digest(), tools.max_pixels), tries
        return await tools.decoders.measure(pieces, depth), tries
    except ImageError as error:
        error.tries = tries
        raise
    finally:
        tools.admission.left(size_bytes)
