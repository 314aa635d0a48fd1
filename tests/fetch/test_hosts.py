import asyncio

import pytest

from retailpulse.fetch.hosts import Hosts, Slots
from retailpulse.fetch.urls import Origin

SHOP = Origin("http", "shop.example", 80)


async def waiting(slots: Slots) -> asyncio.Task[None]:
    """A task that has come to its wait for a slot."""
    task = asyncio.create_task(slots.take())
    await asyncio.sleep(0)
    return task


async def test_slots_are_handed_on_in_the_order_of_waiting() -> None:
    slots = Slots(1)
    await slots.take()
    first, second = await waiting(slots), await waiting(slots)
    slots.give_back()
    await first
    assert not second.done()
    slots.give_back()
    await second
    assert slots.used == 1


async def test_a_waiter_that_is_cancelled_does_not_hold_up_the_next() -> None:
    slots = Slots(1)
    await slots.take()
    first, second = await waiting(slots), await waiting(slots)
    first.cancel()
    slots.give_back()
    await second
    assert slots.used == 1


async def test_a_slot_handed_over_in_the_moment_of_a_cancel_is_not_lost() -> None:
    slots = Slots(1)
    await slots.take()
    waiter = await waiting(slots)
    slots.give_back()
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert slots.used == 0


async def test_a_host_that_nobody_uses_is_forgotten() -> None:
    hosts = Hosts(2)
    await hosts.take(SHOP)
    await hosts.take(SHOP)
    hosts.give_back(SHOP)
    assert len(hosts) == 1
    hosts.give_back(SHOP)
    assert len(hosts) == 0
