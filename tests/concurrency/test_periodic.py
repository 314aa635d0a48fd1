"""A periodic loop outlives outages of the database, and nothing else."""

import asyncio
from collections.abc import Iterator

import pytest

from retailpulse.concurrency.periodic import periodic
from retailpulse.domain.errors import DatabaseUnavailable
from tests.waiting import within

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


async def test_it_goes_on_after_outages_and_names_each() -> None:
    first, second = DatabaseUnavailable("first"), DatabaseUnavailable("second")
    work, outages = Work(None, first, second, None), list[DatabaseUnavailable]()
    with pytest.raises(RuntimeError, match="the end"):
        await within(periodic(0.001, work, on_outage=outages.append))
    assert work.times == 5
    assert outages == [first, second]


async def test_another_error_ends_it() -> None:
    work = Work(ValueError("a fault"), None)
    with pytest.raises(ValueError, match="a fault"):
        await within(periodic(0.001, work))
    assert work.times == 1


async def test_an_outage_in_place_of_the_cancellation_ends_it() -> None:
    entered, outages = asyncio.Event(), list[DatabaseUnavailable]()

    async def work() -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:  # as psycopg does if a deadlock is the answer
            raise DatabaseUnavailable("a deadlock") from None

    loop = asyncio.create_task(periodic(0.001, work, on_outage=outages.append))
    await within(entered.wait())
    loop.cancel()
    await within(asyncio.wait([loop]))
    assert loop.cancelled()
    assert outages == []


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
