"""Tries images alone that were in hand when workers were lost: in a process that has nothing else to do.

So its parent sees by its end what an image did; only one that was the first of its process is blamed. Weak:
its requests take no slots of hosts, so a host may see one more from each worker.
"""

import asyncio
import logging
from uuid import UUID

import msgspec

from retailpulse.config.settings import FetchSettings, LogSettings, MeasureSettings
from retailpulse.domain.images import Cause, Outcome
from retailpulse.schema import ImageResult
from retailpulse.storage.scheduling.losses import LOSSES_BEFORE_QUARANTINE
from retailpulse.telemetry.catalogue import CRASHES
from retailpulse.telemetry.instruments import Instruments
from retailpulse.worker.backpressure import Backpressure, Draining
from retailpulse.worker.child_process import CannotTry, ChildProcess, Lost, Setup, TryRequest
from retailpulse.worker.held_images import HeldImage

logger = logging.getLogger(__name__)

IDLE_SECONDS = 10.0
"""How long a process is kept that has nothing to try."""
START_AGAIN_SECONDS = 2.0
_NO_JOB = UUID(int=0)


class Quarantine:
    """The process of a worker that tries images alone: made for the first one, and again after it is lost."""

    def __init__(
        self,
        fetch: FetchSettings,
        measure: MeasureSettings,
        stall_seconds: float,
        instruments: Instruments | None = None,
        log: LogSettings | None = None,
    ) -> None:
        self._setup = Setup(
            fetch=msgspec.structs.replace(fetch, credentials_key=""),  # it is given what was opened
            measure=msgspec.structs.replace(measure, decoders=1),
        )
        self._log = log or LogSettings()
        self._stall_seconds = stall_seconds
        self._process: ChildProcess | None = None
        self._one_at_a_time = asyncio.Lock()
        self._ending: set[asyncio.Task[None]] = set()
        self._idle: asyncio.TimerHandle | None = None
        self._crashes = (instruments or Instruments()).counter(CRASHES, "quarantine")

    @property
    def crashes(self) -> int:
        """How many processes were lost with an image."""
        return self._crashes.value

    async def conclude(self, held: HeldImage, backpressure: Backpressure) -> ImageResult:
        """The result of an image; raises Draining if the worker stops before there is one."""
        trial = TryRequest(
            job_id=held.grant.job_id,
            image=held.image,
            depth=held.grant.depth,
            credentials=held.grant.credentials.table,
        )
        async with self._one_at_a_time:
            if self._idle is not None:
                self._idle.cancel()
            try:
                result = await self._try(trial, backpressure)
            finally:
                self._idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._end)
        # A process that was taken over speaks for no other image.
        return msgspec.structs.replace(
            result, job_id=held.grant.job_id, image_no=held.image.image_no, earlier=held.image.earlier
        )

    async def _try(self, trial: TryRequest, backpressure: Backpressure) -> ImageResult:
        while True:
            if backpressure.is_draining():
                raise Draining
            is_first = self._process is None
            try:
                if self._process is None:
                    self._process = await ChildProcess.start(self._setup, self._log)
                return await self._process.ask(trial, self._stall_seconds)
            except Lost as lost:
                self._end()
                if backpressure.is_draining():  # the process that stops us may have stopped it too
                    raise Draining from None
                self._crashes.value += 1
                logger.error("an image was tried alone, in a process that %s", lost)
                if is_first:
                    return _blamed(lost)
            except (CannotTry, OSError) as error:  # this says nothing of the image
                self._end()
                logger.error("an image cannot be tried alone now: %s", error)
                await backpressure.pause(START_AGAIN_SECONDS)
            except BaseException:
                self._end()
                raise

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            ending = asyncio.create_task(process.end())
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    async def aclose(self) -> None:
        """Ends the process if there is one."""
        if self._idle is not None:
            self._idle.cancel()
        self._end()
        await asyncio.gather(*self._ending)


def _blamed(lost: Lost) -> ImageResult:
    before = f"{LOSSES_BEFORE_QUARANTINE} workers were lost before while they had it"
    return ImageResult(
        job_id=_NO_JOB,
        image_no=0,
        outcome=Outcome.FAILED,
        cause=Cause.WORKER_CRASHED,
        detail=f"tried alone in a process, which {lost}; {before}",
    )
