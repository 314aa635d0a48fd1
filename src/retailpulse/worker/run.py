"""The life of a worker process: claim, fetch, measure, settle, sweep, prune, deliver, and a clean stop."""

import asyncio
import contextlib
import gc
import logging
import sys
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from retailpulse.config.settings import (
    CallbackSettings,
    FetchSettings,
    MeasureSettings,
    RetentionSettings,
    WorkerSettings,
)
from retailpulse.domain.errors import DatabaseUnavailable
from retailpulse.fetch import Downloader
from retailpulse.loop_watchdog import watch_loop
from retailpulse.measure import DecoderPool, Turn
from retailpulse.observability.reporting import Reporter
from retailpulse.storage.postgres.database import Database
from retailpulse.worker.backpressure import Backpressure
from retailpulse.worker.heartbeat import Heartbeat
from retailpulse.worker.held_images import HeldImages
from retailpulse.worker.image_task import UNMEASURED_BYTES, WorkerContext
from retailpulse.worker.memory import keep_freed_memory
from retailpulse.worker.pruner import prune_forever
from retailpulse.worker.quarantine import Quarantine
from retailpulse.worker.scheduler import Scheduler
from retailpulse.worker.scheduler_events import SchedulerEvents, listen_forever
from retailpulse.worker.settler import Settler
from retailpulse.worker.suspend_detector import SuspendDetector
from retailpulse.worker.sweeper import sweep_forever
from retailpulse.worker.webhooks.dispatcher import deliver_forever
from retailpulse.worker.worker_metrics import WorkerMetrics

logger = logging.getLogger(__name__)

COLLECTOR_THRESHOLDS = (50_000, 50, 1_000)
"""The garbage collector looks through every object and finds nothing; at Python's thresholds that took a
fifth of the time at depth `header`."""
SWITCH_SECONDS = 0.001
"""So long a thread that reads a header made to be long keeps the interpreter from the event loop."""
LAST_WRITE_SECONDS = 5.0
"""How long a stopping worker tries to write the results that it still holds."""


def _tune_memory() -> None:
    keep_freed_memory()
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)


async def run_worker(
    database: Database,
    *,
    worker: WorkerSettings,
    fetch: FetchSettings,
    measure: MeasureSettings,
    retention: RetentionSettings | None = None,
    callbacks: CallbackSettings | None = None,
    stop: asyncio.Event,
    process: UUID | None = None,
    turn_fd: int | None = None,
) -> None:
    """Works until `stop` is set; then settles what is in flight and hands back the rest.

    `process` is what whoever has started this one tells of it when it is lost. `turn_fd` is the file that
    the workers of this machine lock while they decode a vast picture.
    Raises what ended one of its parts before that, once it has handed back its work.
    """
    _tune_memory()
    sys.setswitchinterval(SWITCH_SECONDS)
    watch_loop()
    metrics = WorkerMetrics()
    reporting = Reporter(database, "worker", metrics.read).reporting(worker.heartbeat_seconds)
    turn = Turn(turn_fd)
    async with reporting, _tools(database, worker, fetch, measure, metrics, process, turn) as tools:
        beside = [
            asyncio.create_task(listen_forever(database, tools.events)),
            asyncio.create_task(sweep_forever(database, worker, tools.heartbeat.is_steady)),
            asyncio.create_task(prune_forever(database, retention or RetentionSettings())),
            asyncio.create_task(
                deliver_forever(database, callbacks or CallbackSettings(), fetch, worker.grace_seconds)
            ),
        ]
        await _work_until_stopped(tools, beside, stop, worker.grace_seconds)


async def _work_until_stopped(
    tools: "_Tools", beside: list[asyncio.Task[None]], stop: asyncio.Event, grace_seconds: float
) -> None:
    scheduling = asyncio.create_task(tools.scheduler.run())
    stopping = asyncio.create_task(stop.wait())
    parts: set[asyncio.Future[Any]] = {*beside, scheduling, stopping, tools.settling, tools.context.failed}
    logger.info("ready to work")
    ended, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
    logger.info("stopping: what is in flight is settled, the rest handed back")
    until = asyncio.get_running_loop().time() + grace_seconds
    tools.context.backpressure.drain()
    tools.events.wake.set()
    for task in (stopping, *beside):
        task.cancel()
    await asyncio.wait({scheduling})
    await _drain(tools, until)
    await asyncio.wait(beside)
    for part in ended - {stopping}:
        part.result()


async def _drain(tools: "_Tools", until: float) -> None:
    """Settles what is in flight until a time of the loop's clock, and hands back all else."""
    held_images, scheduler = tools.context.held_images, tools.scheduler
    await scheduler.drain(until=until)
    for held in held_images.all():
        if held.task is not None:
            held.task.cancel()
    await _write_the_last(tools.context.settler, tools.settling)
    with contextlib.suppress(DatabaseUnavailable):
        await scheduler.leave()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Tools:
    """The parts of a worker."""

    context: WorkerContext
    scheduler: Scheduler
    events: SchedulerEvents
    heartbeat: Heartbeat
    settling: asyncio.Task[None]


@contextlib.asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Lets something go on until the end of the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.asynccontextmanager
async def _tools(
    database: Database,
    worker: WorkerSettings,
    fetch: FetchSettings,
    measure: MeasureSettings,
    metrics: WorkerMetrics,
    process: UUID | None,
    turn: Turn,
) -> AsyncIterator[_Tools]:
    """The parts of a worker; what is left of them at the end is closed."""
    events, heartbeat = SchedulerEvents(), Heartbeat(worker.stale_seconds)
    context = _make_context(database, worker, fetch, measure, metrics, events, turn)
    scheduler = Scheduler(
        database, context, events, heartbeat, worker=worker, cap=fetch.per_host, process=process
    )
    settling = asyncio.create_task(context.settler.run())
    try:
        async with _beside(context.suspend_detector.beat_forever()):
            yield _Tools(
                context=context, scheduler=scheduler, events=events, heartbeat=heartbeat, settling=settling
            )
    finally:
        await _write_the_last(context.settler, settling)
        await context.downloader.aclose()
        await context.decoders.aclose()
        await context.quarantine.aclose()
        if settling.done() and not settling.cancelled():
            settling.result()


def _make_context(
    database: Database,
    worker: WorkerSettings,
    fetch: FetchSettings,
    measure: MeasureSettings,
    metrics: WorkerMetrics,
    events: SchedulerEvents,
    turn: Turn,
) -> WorkerContext:
    backpressure = Backpressure(UNMEASURED_BYTES)
    downloader = Downloader(fetch, admit=backpressure.admit, observe=metrics.transferred, listener=events)
    decoders = DecoderPool(measure, observe=metrics.decoded, turn=turn)
    quarantine = Quarantine(fetch, measure, worker.stall_seconds)
    metrics.in_flight, metrics.decoder_crashes = downloader.in_flight, lambda: decoders.crashes
    metrics.quarantine_crashes = lambda: quarantine.crashes
    return WorkerContext(
        downloader=downloader,
        backpressure=backpressure,
        settler=Settler(database, worker, metrics.settled),
        decoders=decoders,
        quarantine=quarantine,
        held_images=HeldImages(events.has_room),
        metrics=metrics,
        suspend_detector=SuspendDetector(),
        max_pixels=measure.max_pixels,
        pause_seconds=measure.pause(),
        failed=asyncio.get_running_loop().create_future(),
    )


async def _write_the_last(settler: Settler, settling: asyncio.Task[None]) -> None:
    """Lets the writing end once it has tried to write what is left."""
    settler.close()
    await asyncio.wait([settling], timeout=LAST_WRITE_SECONDS)
    settling.cancel()
