"""Runs a worker inside a test, on a real database and a real origin."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from retailpulse.bootstrap.worker import run_worker
from retailpulse.config.settings import CallbackSettings, FetchSettings, MeasureSettings, WorkerSettings
from retailpulse.storage.postgres.database import Database
from tests.measure.pictures import picture, saved
from tests.origin import Origin, Reply
from tests.running import wait_for
from tests.waiting import within

# Photos that wait for a test are not tried again.
LOOPBACK = FetchSettings(
    allowed_networks="127.0.0.0/8", ports="any", stall_seconds=600, timeout_seconds=600, deadline_seconds=600
)
QUICK = WorkerSettings(heartbeat_seconds=0.2, stale_seconds=1.0, sweep_seconds=0.1, settle_seconds=0.05)
PICTURE = saved("PNG", picture(16, 16))


@asynccontextmanager
async def working(
    database: Database,
    *,
    worker: WorkerSettings = QUICK,
    fetch: FetchSettings = LOOPBACK,
    measure: MeasureSettings | None = None,
    callbacks: CallbackSettings | None = None,
) -> AsyncIterator[None]:
    """A worker that runs while the block does, and then drains."""
    stop = asyncio.Event()
    running = asyncio.create_task(
        run_worker(
            database,
            worker=worker,
            fetch=fetch,
            measure=measure or MeasureSettings(),
            callbacks=callbacks,
            stop=stop,
        )
    )
    try:
        yield
    finally:
        stop.set()
        await within(running)


def urls(origin: Origin, count: int, *, before: threading.Event | None = None) -> list[str]:
    """The URLs of so many pictures, none of which is sent before `before` is set."""
    return [origin.serve(f"/{number}.png", Reply(body=PICTURE, before=before)) for number in range(count)]


def requests(origin: Origin) -> Counter[str]:
    """How often each path was asked for."""
    return Counter(seen.path for seen in origin.requests)


def rows(database: Database, query: LiteralString, *values: object) -> list[tuple[Any, ...]]:
    """What a query finds, by a connection of its own."""
    with psycopg.connect(database.url) as connection:
        return connection.execute(query, values).fetchall()


async def until(condition: Callable[[], object]) -> None:
    """Waits for a condition, in a thread, so that the worker goes on."""
    await asyncio.to_thread(wait_for, condition)


async def until_over(database: Database, *job_ids: UUID) -> None:
    """Waits until jobs have ended."""
    await until(
        lambda: (
            not rows(
                database, "SELECT FROM jobs WHERE job_id = ANY(%s) AND status = 'ongoing'", list(job_ids)
            )
        )
    )
