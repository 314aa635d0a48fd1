"""A sleep ends by its time, or by its event, and by nothing else."""

import asyncio

import pytest

from retailpulse.concurrency.stoppable_sleep import stoppable_sleep
from tests.waiting import within

HOUR_SECONDS = 3600.0


async def test_a_stop_ends_a_sleep() -> None:
    stop = asyncio.Event()
    sleeping = asyncio.create_task(stoppable_sleep(HOUR_SECONDS, stop))
    await asyncio.sleep(0)
    assert not sleeping.done()
    stop.set()
    await within(sleeping)


async def test_a_stop_before_a_sleep_leaves_none() -> None:
    stop = asyncio.Event()
    stop.set()
    await within(stoppable_sleep(HOUR_SECONDS, stop))


async def test_a_sleep_without_a_stop_ends_by_its_time() -> None:
    await within(stoppable_sleep(0.01, asyncio.Event()))
    await within(stoppable_sleep(0.0, asyncio.Event()))


async def test_a_sleep_can_be_cancelled() -> None:
    sleeping = asyncio.create_task(stoppable_sleep(HOUR_SECONDS, asyncio.Event()))
    await asyncio.sleep(0)
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await within(sleeping)
