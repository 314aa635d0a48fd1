"""What runs in quarantine: fetches and measures one image after the other, with the code of every worker.

`python -m retailpulse.worker.quarantine_process N LOG`: N is the pipe for the signs of its loop, LOG the
settings of the log. It ends with its parent, however that ends; no signal that asks to stop reaches it, as
its end would be blamed on an image.
"""

import asyncio
import ctypes
import logging
import os
import signal
import sys

import msgspec
import uvloop

from retailpulse.config.settings import LogSettings
from retailpulse.fetch import Downloader, read_credentials
from retailpulse.measure import DecoderPool
from retailpulse.process.logging import set_up_logging
from retailpulse.process.loop_heartbeat import beating
from retailpulse.schema import ImageResult
from retailpulse.storage.scheduling.claims import Granted
from retailpulse.storage.scheduling.losses import QUARANTINE
from retailpulse.telemetry.log_fields import LOG_SUBJECT
from retailpulse.worker.backpressure import Backpressure
from retailpulse.worker.child_process import CANNOT_TRY, LONGEST_LINE_BYTES, READY, Setup, TryRequest
from retailpulse.worker.held_images import HeldImages
from retailpulse.worker.image_task import UNMEASURED_BYTES, MeasuringContext, conclude
from retailpulse.worker.suspend_detector import SuspendDetector

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Works until the parent closes our input, or ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    set_up_logging(msgspec.json.decode(sys.argv[2], type=LogSettings), "quarantine")
    answers = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    try:
        uvloop.run(_work(int(sys.argv[1]), answers))
    except ImportError:
        logging.exception("a library is missing")
        code = CANNOT_TRY
    except BaseException:
        logging.exception("this process cannot go on")
        code = 1
    else:
        code = 0
    os._exit(code)  # a thread that never returns does not block the exit


async def _work(heartbeat_fd: int, answers: int) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LONGEST_LINE_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    first = await reader.readline()
    if not first.endswith(b"\n"):
        return
    context = _make_context(msgspec.json.decode(first, type=Setup))
    async with beating(heartbeat_fd):
        suspend_detector = asyncio.create_task(context.suspend_detector.beat_forever())
        os.write(answers, READY)
        while (line := await reader.readline()).endswith(b"\n"):
            result = await _try(msgspec.json.decode(line, type=TryRequest), context)
            os.write(answers, msgspec.json.encode(result) + b"\n")
        suspend_detector.cancel()


def _make_context(setup: Setup) -> MeasuringContext:
    backpressure = Backpressure(UNMEASURED_BYTES)
    return MeasuringContext(
        downloader=Downloader(setup.fetch, admit=backpressure.admit),
        backpressure=backpressure,
        decoders=DecoderPool(setup.measure),
        held_images=HeldImages(lambda _host_id: None),
        suspend_detector=SuspendDetector(),
        max_pixels=setup.measure.max_pixels,
    )


async def _try(trial: TryRequest, context: MeasuringContext) -> ImageResult:
    granted = Granted(
        grant_id=0, host_id=QUARANTINE, rank=0, job_id=trial.job_id,
        depth=trial.depth, is_started=True, images=[trial.image],
    )  # fmt: skip
    (held,) = context.held_images.add(granted, granted.images, read_credentials(trial.credentials))
    LOG_SUBJECT.set(held)
    try:
        return await conclude(held, context)
    finally:
        context.held_images.done(held)


if __name__ == "__main__":
    main()
