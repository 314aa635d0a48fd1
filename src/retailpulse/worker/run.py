"""The life of a worker: claim, fetch, measure, settle; and a clean stop.

Its parts are built in `bootstrap.worker`.
"""

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import Any

from retailpulse.domain.errors import DatabaseUnavailable
from retailpulse.worker.heartbeat import Heartbeat
from retailpulse.worker.image_task import WorkerContext
from retailpulse.worker.scheduler import Scheduler
from retailpulse.worker.scheduler_events import SchedulerEvents
from retailpulse.worker.settler import Settler

logger = logging.getLogger(__name__)

LAST_WRITE_SECONDS = 5.0
"""How long a stopping worker tries to write the results that it still holds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerParts:
    """The parts of a worker."""

    context: WorkerContext
    scheduler: Scheduler
    events: SchedulerEvents
    heartbeat: Heartbeat
    settling: asyncio.Task[None]


async def work_until_stopped(
    parts: WorkerParts, background: list[asyncio.Task[None]], stop: asyncio.Event, grace_seconds: float
) -> None:
    """Works until `stop` is set, or a part or one of `background` ends; then drains within the grace time.

    Raises what ended one of them, once all work is handed back.
    """
    scheduling = asyncio.create_task(parts.scheduler.run())
    stopping = asyncio.create_task(stop.wait())
    tasks: set[asyncio.Future[Any]] = {
        *background,
        scheduling,
        stopping,
        parts.settling,
        parts.context.failed,
    }
    logger.info("ready to work")
    ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    logger.info("stopping: what is in flight is settled, the rest handed back")
    until = asyncio.get_running_loop().time() + grace_seconds
    parts.context.backpressure.drain()
    parts.events.wake.set()
    for task in (stopping, *background):
        task.cancel()
    await asyncio.wait({scheduling})
    await _drain(parts, until)
    left_seconds = max(0.0, until - asyncio.get_running_loop().time()) + LAST_WRITE_SECONDS
    _, unended = await asyncio.wait(background, timeout=left_seconds)
    for task in unended:
        logger.error("the stop does not wait longer for %s", task.get_name())
    for done in ended - {stopping}:
        done.result()


async def _drain(parts: WorkerParts, until: float) -> None:
    """Settles what is in flight until a time of the loop's clock, and hands back all else."""
    held_images, scheduler = parts.context.held_images, parts.scheduler
    await scheduler.drain(until=until)
    for held in held_images.all():
        if held.task is not None:
            held.task.cancel()
    await flush_settler(parts.context.settler, parts.settling)
    with contextlib.suppress(DatabaseUnavailable):
        await scheduler.leave()


async def flush_settler(settler: Settler, settling: asyncio.Task[None]) -> None:
    """Closes the settler and waits until it has tried to write what is left."""
    settler.close()
    await asyncio.wait([settling], timeout=LAST_WRITE_SECONDS)
    settling.cancel()
