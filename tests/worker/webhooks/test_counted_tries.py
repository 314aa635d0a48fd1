"""Tries of callbacks are counted by what came of them."""

import asyncio

from retailpulse.storage.postgres.database import Database
from retailpulse.telemetry.catalogue import CALLBACK_TRIES
from retailpulse.telemetry.instruments import Instruments
from retailpulse.worker.job_traces import JobTraces
from retailpulse.worker.webhooks.dispatcher import deliver_forever
from tests.origin import Origin, Reply
from tests.worker.webhooks.receiving import HASTY, ended_job, hook
from tests.worker.working import LOOPBACK, until


async def test_each_try_is_counted_by_what_came_of_it(database: Database) -> None:
    instruments = Instruments()

    def counted() -> list[int]:
        return [
            instruments.counter(CALLBACK_TRIES, result).value
            for result in ("delivered", "failed", "given_up")
        ]

    with Origin() as receiver:
        await ended_job(database, hook(receiver, Reply(status=500), Reply(status=500), Reply(status=204)))
        traces = JobTraces(None)
        delivering = asyncio.create_task(deliver_forever(database, HASTY, LOOPBACK, 1.0, instruments, traces))
        await until(lambda: counted() == [1, 2, 0])
        await ended_job(database, hook(receiver, Reply(status=410)))
        await until(lambda: counted() == [1, 2, 1])
        delivering.cancel()
        await asyncio.wait([delivering], timeout=10)
