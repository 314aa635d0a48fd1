"""Works on one image that was claimed: fetches it, measures it, and queues its result to be written."""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from retailpulse.domain.analysis import MAX_TEXT
from retailpulse.domain.errors import UNEXPECTED, ImageError
from retailpulse.domain.images import Cause, Depth, Header, Outcome
from retailpulse.fetch import CredentialVault, Downloader
from retailpulse.measure import DecoderPool, Digest, Work, make_measurement, measure_pieces, read_header
from retailpulse.schema import ImageResult, Measurement
from retailpulse.telemetry.instruments import Instruments
from retailpulse.telemetry.log_fields import LOG_SUBJECT
from retailpulse.telemetry.tracing import SpanName, in_span
from retailpulse.worker.backpressure import Backpressure, Draining
from retailpulse.worker.held_images import HeldImage, HeldImages
from retailpulse.worker.job_traces import JobTraces
from retailpulse.worker.quarantine import Quarantine
from retailpulse.worker.settler import Settler
from retailpulse.worker.suspend_detector import SuspendDetector

logger = logging.getLogger(__name__)

UNMEASURED_BYTES = 32_000_000
"""Bodies that may wait to be measured; more only delays what is fetched next."""
LARGE_BYTES = 4_000_000
"""Larger bodies are read in a thread."""
_BROKE_OFF = "the answer broke off, but the picture is whole"
_Feed = Callable[[bytes], None]
_Pieces = Sequence[bytes]
SLEEPS_PER_IMAGE = 3
"""How often an image is tried again because its worker was suspended; then its failure counts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuringContext:
    """The objects that fetch and measure an image."""

    downloader: Downloader
    backpressure: Backpressure
    decoders: DecoderPool
    held_images: HeldImages
    suspend_detector: SuspendDetector
    max_pixels: int


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerContext(MeasuringContext):
    """The objects that all image tasks of a worker share."""

    settler: Settler
    quarantine: Quarantine
    instruments: Instruments
    job_traces: JobTraces
    pause_seconds: tuple[float, float] | None
    vault: CredentialVault
    failed: asyncio.Future[None]
    """Fails with what keeps this worker from its work."""


async def work_on(held: HeldImage, context: WorkerContext) -> None:
    """Settles one image, or leaves it if the worker stops; it is not in hand any more after that."""
    LOG_SUBJECT.set(held)  # of this task alone
    with context.job_traces.image(held):
        await _settle(held, context)


async def _settle(held: HeldImage, context: WorkerContext) -> None:
    try:
        if held.grant.is_quarantined:
            result = await context.quarantine.conclude(held, context.backpressure)
        else:
            result = await conclude(held, context)
        context.held_images.measured(held)
        if context.pause_seconds is not None:
            await context.backpressure.pause(random.uniform(*context.pause_seconds))  # noqa: S311 - stands for a model's time, not a secret
        context.settler.settle(result, held.grant)
    except Draining:
        context.held_images.put_down(held)
    except ImportError as error:  # a decoder that is not there says nothing about the image
        if not context.failed.done():
            context.failed.set_exception(error)
    finally:
        if context.held_images.done(held):
            context.settler.hurry()  # its job may have ended


async def conclude(held: HeldImage, context: MeasuringContext) -> ImageResult:
    """The result of an image; one that fails while this process is suspended is tried again."""
    image, job_id = held.image, held.grant.job_id
    measure = _measure_head if held.grant.depth is Depth.HEADER else _measure_whole
    failed: ImageError
    for _ in range(SLEEPS_PER_IMAGE + 1):
        sleeps = context.suspend_detector.suspensions()
        try:
            measurement, tries = await measure(held, context)
        except (Draining, ImportError):
            raise
        except ImageError as error:
            failed = error
            if context.suspend_detector.suspensions() == sleeps:
                break
            logger.info("an image failed while this worker was suspended: %s", error)
        except Exception:  # a fault of ours in one image must not keep its job from ending
            logger.exception("an image met an unexpected error")
            failed = ImageError(Cause.DECODER_CRASHED, UNEXPECTED)
            break
        else:
            return ImageResult(
                job_id=job_id,
                image_no=image.image_no,
                outcome=Outcome.MEASURED,
                earlier=image.earlier,
                measurement=measurement,
                tries=tries,
            )
    return ImageResult(
        job_id=job_id,
        image_no=image.image_no,
        outcome=Outcome.FAILED,
        earlier=image.earlier,
        cause=failed.cause,
        detail=failed.detail,
        tries=failed.tries,
    )


async def _measure_head(held: HeldImage, context: MeasuringContext) -> tuple[Measurement, int]:
    header: Header | None = None
    work = Work()  # one for all looks at the file, however it arrives

    def enough(data: bytes) -> bool:
        nonlocal header
        header = read_header(data, context.max_pixels, work)
        return header is not None

    with in_span(SpanName.FETCH):
        fetched = await context.downloader.fetch_head_pieces(
            held.image.image_url, enough, place=held.place, credentials=held.grant.credentials
        )
    context.held_images.fetched(held)
    if header is not None:
        return make_measurement(header), fetched.tries
    # A file that ended before its header is measured as a whole, which tells what is wrong with it.
    return await _measure_pieces(fetched.pieces, None, fetched.tries, held.grant.depth, context)


async def _measure_whole(held: HeldImage, context: MeasuringContext) -> tuple[Measurement, int]:
    digest: Digest | None = None
    measured: Measurement | None = None
    depth = held.grant.depth

    def tap() -> _Feed:  # an alias: an annotation that is written out is made anew for each image
        nonlocal digest
        digest = Digest()
        return digest.update

    async def judge(pieces: _Pieces) -> None:
        nonlocal measured
        measured = _suspected((await _measure_pieces(pieces, digest, 0, depth, context))[0])

    with in_span(SpanName.FETCH):
        fetched = await context.downloader.fetch_pieces(
            held.image.image_url,
            tap if depth is Depth.DOWNLOAD else None,
            check=partial(read_header, max_pixels=context.max_pixels),  # a film is not read to its end
            judge=judge,
            place=held.place,
            credentials=held.grant.credentials,
        )
    context.held_images.fetched(held)
    if measured is not None:
        return measured, fetched.tries
    return await _measure_pieces(fetched.pieces, digest, fetched.tries, depth, context)


def _suspected(measurement: Measurement) -> Measurement:
    """A measurement that says that the answer broke off, beside what looks damaged."""
    suspect = "; ".join(filter(None, (_BROKE_OFF, measurement.suspect)))[:MAX_TEXT]
    return msgspec.structs.replace(measurement, suspect=suspect)


async def _measure_pieces(
    pieces: _Pieces, digest: Digest | None, tries: int, depth: Depth, context: MeasuringContext
) -> tuple[Measurement, int]:
    """Measures a body here if its digest is known already, else in a decoder process."""
    size_bytes = sum(map(len, pieces))
    context.backpressure.arrived(size_bytes)
    try:
        if digest is not None:
            measured = partial(measure_pieces, pieces, digest.hexdigest(), context.max_pixels)
            # Joining a large body alone would keep the event loop for some milliseconds.
            return await asyncio.to_thread(measured) if size_bytes > LARGE_BYTES else measured(), tries
        with in_span(SpanName.DECODE):
            return await context.decoders.measure(pieces, depth), tries
    except ImageError as error:
        error.tries = tries
        raise
    finally:
        context.backpressure.left(size_bytes)
