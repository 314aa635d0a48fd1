"""Builds a worker process: its parts over one database, and what goes on beside its work."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from retailpulse.bootstrap.credentials_key import with_key
from retailpulse.bootstrap.database import check_tables, find_database
from retailpulse.config.settings import (
    CallbackSettings,
    FetchSettings,
    LogSettings,
    MatchSettings,
    MeasureSettings,
    RetentionSettings,
    Settings,
    WorkerSettings,
)
from retailpulse.fetch import CredentialVault, Downloader
from retailpulse.measure import DecoderPool, MachineLock
from retailpulse.metrics.reporting import Reporter
from retailpulse.process.loop_heartbeat import watched_loop
from retailpulse.process.loop_watchdog import watch_loop
from retailpulse.process.profiled import profiled
from retailpulse.process.service_manager import ServiceManager
from retailpulse.process.signals import LEAVE_SECONDS, exit_after, exit_within, stop_on_signals
from retailpulse.process.tracing import tracing
from retailpulse.storage.postgres.database import Database
from retailpulse.telemetry.catalogue import EVENT_LOOP_LATE_TURNS
from retailpulse.telemetry.instruments import Instruments
from retailpulse.telemetry.tracing import Tracer
from retailpulse.worker.backpressure import Backpressure
from retailpulse.worker.heartbeat import Heartbeat
from retailpulse.worker.held_images import HeldImages
from retailpulse.worker.image_task import UNMEASURED_BYTES, WorkerContext
from retailpulse.worker.job_traces import JobTraces
from retailpulse.worker.matcher import Matcher
from retailpulse.worker.memory import return_memory_forever, tune_memory
from retailpulse.worker.occupation import Occupation
from retailpulse.worker.pruner import prune_forever
from retailpulse.worker.quarantine import Quarantine
from retailpulse.worker.run import WorkerParts, flush_settler, work_until_stopped
from retailpulse.worker.scheduler import Scheduler
from retailpulse.worker.scheduler_events import SchedulerEvents, listen_forever
from retailpulse.worker.settler import Settler
from retailpulse.worker.suspend_detector import SuspendDetector
from retailpulse.worker.sweeper import sweep_forever
from retailpulse.worker.webhooks.dispatcher import deliver_forever

WORKER_NICENESS = 5
"""Workers and their decoders fill every core they get: requests to the API should not wait for one."""
SWITCH_SECONDS = 0.001
"""So long a thread that reads a header made to be long keeps the interpreter from the event loop."""

STOP_SECONDS = 20.0
"""How long a stop may take beyond its grace; the bounds of its last writes sum up to less."""


def run_worker_process(
    settings: Settings,
    parent_fd: int | None,
    *,
    process: UUID | None = None,
    heartbeat_fd: int | None = None,
    profiled_fd: int | None = None,
    turn_fd: int | None = None,
) -> None:
    """Works until a stop; its parent watches the pipe `heartbeat_fd`, without one it watches itself.

    By the link `profiled_fd` its parent looks into it.
    """
    import uvloop

    url, settings = find_database(settings.database), with_key(settings)
    os.nice(WORKER_NICENESS)

    async def run(tracer: Tracer | None) -> None:
        stop, manager = stop_on_signals(parent_fd), ServiceManager()
        opened = Database(url, settings.database, pool_size=settings.worker.connections)
        loop_watch = watched_loop(settings.worker.stall_seconds, heartbeat_fd)
        bounding = asyncio.create_task(exit_after(stop, settings.worker.grace_seconds + STOP_SECONDS, 1))
        try:
            async with loop_watch, profiled(profiled_fd), manager.informed(stop), opened as database:
                await check_tables(database)
                manager.ready()
                await _run_with(settings, database, stop, process, turn_fd, tracer)
        finally:
            exit_within(LEAVE_SECONDS, 0)
            bounding.cancel()

    with tracing("worker") as tracer:
        uvloop.run(run(tracer))


def _tune_process() -> None:
    tune_memory()
    sys.setswitchinterval(SWITCH_SECONDS)


async def _run_with(
    settings: Settings,
    database: Database,
    stop: asyncio.Event,
    process: UUID | None,
    turn_fd: int | None,
    tracer: Tracer | None,
) -> None:
    await run_worker(
        database,
        worker=settings.worker,
        fetch=settings.fetch,
        measure=settings.measure,
        retention=settings.retention,
        callbacks=settings.callbacks,
        matches=settings.matches,
        log=settings.log,
        stop=stop,
        process=process,
        turn_fd=turn_fd,
        tracer=tracer,
    )


async def run_worker(
    database: Database,
    *,
    worker: WorkerSettings,
    fetch: FetchSettings,
    measure: MeasureSettings,
    retention: RetentionSettings | None = None,
    callbacks: CallbackSettings | None = None,
    matches: MatchSettings | None = None,
    log: LogSettings | None = None,
    stop: asyncio.Event,
    process: UUID | None = None,
    turn_fd: int | None = None,
    tracer: Tracer | None = None,
) -> None:
    """Works until `stop` is set; then settles what is in flight and hands back the rest.

    `process` is the id under which the parent reports this process if it is lost. `turn_fd` is the file that
    the workers of this machine lock while they decode a vast picture.
    Raises what ended one of its parts before that, once it has handed back its work.
    """
    _tune_process()
    instruments = _instruments_of_loop()
    tools = _Tools(
        occupation=Occupation(instruments),
        matcher=Matcher(database, matches or MatchSettings(), instruments),
        quarantine=Quarantine(fetch, measure, worker.stall_seconds, instruments, log),
        job_traces=JobTraces(tracer),
        machine_lock=MachineLock(turn_fd),
    )
    reporting = Reporter(database, "worker", tools.occupation.read).reporting(worker.heartbeat_seconds)
    async with reporting, _build(database, worker, fetch, measure, process, tools) as parts:
        callbacks = callbacks or CallbackSettings()
        background = (
            *_upkeep(database, parts, worker, retention or RetentionSettings(), matches),
            tools.matcher.run(),
            deliver_forever(database, callbacks, fetch, worker.grace_seconds, instruments, tools.job_traces),
        )
        tasks = [asyncio.create_task(work) for work in background]
        await work_until_stopped(parts, tasks, stop, worker.grace_seconds)


def _upkeep(
    database: Database,
    parts: WorkerParts,
    worker: WorkerSettings,
    retention: RetentionSettings,
    matches: MatchSettings | None,
) -> tuple[Coroutine[Any, Any, None], ...]:
    return (
        listen_forever(database, parts.events),
        sweep_forever(database, worker, parts.heartbeat.is_steady),
        return_memory_forever(parts.context.downloader.unfinished_bytes),
        prune_forever(database, retention, matches),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Tools:
    """What is made once for a worker, beside its settings and its database."""

    occupation: Occupation
    matcher: Matcher
    quarantine: Quarantine
    job_traces: JobTraces
    machine_lock: MachineLock


def _instruments_of_loop() -> Instruments:
    """The instruments of a worker, by which its event loop is watched already."""
    instruments = Instruments()
    watch_loop(instruments.histogram(EVENT_LOOP_LATE_TURNS, "worker").observe)
    return instruments


@contextlib.asynccontextmanager
async def _background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Lets something go on until the end of the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.asynccontextmanager
async def _build(
    database: Database,
    worker: WorkerSettings,
    fetch: FetchSettings,
    measure: MeasureSettings,
    process: UUID | None,
    tools: _Tools,
) -> AsyncIterator[WorkerParts]:
    """The parts of a worker; what is left of them at the end is closed."""
    events, heartbeat = SchedulerEvents(), Heartbeat(worker.stale_seconds)
    context = _make_context(database, worker, fetch, measure, tools, events)
    tools.occupation.context = context
    scheduler = Scheduler(
        database, context, events, heartbeat, worker=worker, cap=fetch.per_host, process=process
    )
    settling = asyncio.create_task(context.settler.run())
    try:
        async with _background(context.suspend_detector.beat_forever()):
            yield WorkerParts(
                context=context, scheduler=scheduler, events=events, heartbeat=heartbeat, settling=settling
            )
    finally:
        await flush_settler(context.settler, settling)
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
    tools: _Tools,
    events: SchedulerEvents,
) -> WorkerContext:
    instruments = tools.occupation.instruments
    backpressure = Backpressure(UNMEASURED_BYTES)
    downloader = Downloader(fetch, admit=backpressure.admit, instruments=instruments, listener=events)
    decoders = DecoderPool(measure, instruments=instruments, machine_lock=tools.machine_lock)
    return WorkerContext(
        downloader=downloader,
        backpressure=backpressure,
        settler=Settler(database, worker, instruments, thresholds=measure, on_settled=tools.matcher.wake),
        decoders=decoders,
        quarantine=tools.quarantine,
        job_traces=tools.job_traces,
        held_images=HeldImages(events.has_room),
        instruments=instruments,
        suspend_detector=SuspendDetector(),
        max_pixels=measure.max_pixels,
        pause_seconds=measure.pause(),
        vault=CredentialVault(fetch.credentials_keys(), proxy=fetch.proxy),
        failed=asyncio.get_running_loop().create_future(),
    )
