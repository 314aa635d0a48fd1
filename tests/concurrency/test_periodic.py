"""A periodic loop outlives outages of the database, and nothing else."""

import asyncio
import logging
from collections.abc import Iterator

import pytest

from retailpulse.concurrency.outage_log import OutageLog
from retailpulse.concurrency.periodic import periodic
from retailpulse.domain.errors import DatabaseUnavailable
from tests.waiting import within

logger = logging.getLogger(__name__)

HOUR_SECONDS = 3600.0
END = RuntimeError("the end")


class Work:
    """Raises what it is given in turn, None for success, and then the end."""

    def __init__(self, *outcomes: Exception | None) -> None:
        self.times = 0
        self._outcomes: Iterator[Exception | None] = iter([*outcomes, END])

    async def __call__(self) -> None:
        self.times += 1
        outcome = next(self._outcomes)
        if outcome is not None:
            raise outcome


async def test_it_goes_on_after_outages_and_logs_their_begin_and_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    work = Work(None, DatabaseUnavailable("first"), DatabaseUnavailable("second"), None)
    with pytest.raises(RuntimeError, match="the end"):
        await within(periodic(0.001, work, outage_log=OutageLog(logger.warning, "the work")))
    assert work.times == 5
    waits, ends = caplog.messages
    assert waits == "the work waits for the database: first"
    assert ends.startswith("the work has the database again, after ")


async def test_another_error_ends_it() -> None:
    work = Work(ValueError("a fault"), None)
    with pytest.raises(ValueError, match="a fault"):
        await within(periodic(0.001, work))
    assert work.times == 1


async def test_an_outage_in_place_of_the_cancellation_ends_it(caplog: pytest.LogCaptureFixture) -> None:
    entered = asyncio.Event()

    async def work() -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:  # as psycopg does if a deadlock is the answer
            raise DatabaseUnavailable("a deadlock") from None

    loop = asyncio.create_task(periodic(0.001, work, outage_log=OutageLog(logger.warning, "the work")))
    await within(entered.wait())
    loop.cancel()
    await within(asyncio.wait([loop]))
    assert loop.cancelled()
    assert caplog.messages == []


async def test_it_sleeps_before_the_first_time_unless_it_works_at_once() -> None:
    later, now = Work(None), Work(None)
    loops = [
        asyncio.create_task(periodic(HOUR_SECONDS, later)),
        asyncio.create_task(periodic(HOUR_SECONDS, now, at_once=True)),
    ]
    for _ in range(10):
        await asyncio.sleep(0)
    assert (later.times, now.times) == (0, 1)
    for loop in loops:
        loop.cancel()
    await within(asyncio.wait(loops))
    assert all(loop.cancelled() for loop in loops)
