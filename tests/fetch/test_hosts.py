import asyncio

import pytest

from retailpulse.domain.images import Cause
from retailpulse.fetch.failures import TryFailed
from retailpulse.fetch.health import GIVEN_UP_AFTER, TROUBLED_AFTER
from retailpulse.fetch.hosts import Host, Hosts
from retailpulse.fetch.slots import Slots
from retailpulse.fetch.urls import Origin


def some_slots(capacity: int) -> Slots[str]:
    """Slots for which every host is known to answer but the new ones."""
    return Slots(capacity, lambda host: host != "new")


SHOP = Origin("http", "shop.example", 80)


async def test_a_quarter_of_the_slots_is_kept_for_hosts_that_are_known_to_answer() -> None:
    slots = some_slots(8)
    for _ in range(6):
        await slots.take("new")
    unproven = asyncio.create_task(slots.take("new"))
    await asyncio.sleep(0)
    await slots.take("shop")
    await slots.take("shop")
    assert not unproven.done()
    slots.give_back("shop", proven=True)
    await asyncio.sleep(0)
    assert not unproven.done()
    slots.give_back("new", proven=False)
    await unproven


async def test_hosts_take_turns() -> None:
    slots = some_slots(1)
    await slots.take("shop")
    busy = [asyncio.create_task(slots.take("busy shop")) for _ in range(3)]
    await asyncio.sleep(0)
    other = asyncio.create_task(slots.take("other shop"))
    await asyncio.sleep(0)
    for _ in range(2):
        slots.give_back("shop", proven=True)
        await asyncio.sleep(0)
    assert (busy[0].done(), busy[1].done(), other.done()) == (True, False, True)
    for _ in range(2):
        slots.give_back("busy shop", proven=True)
    await asyncio.gather(*busy)


async def test_who_waits_for_a_host_gets_on_when_the_host_has_answered() -> None:
    proven: set[str] = set()
    slots = Slots[str](4, lambda host: host in proven)
    for host in ("new", "hangs", "hangs"):
        await slots.take(host)
    waiting = asyncio.create_task(slots.take("new"))
    still = asyncio.create_task(slots.take("hangs"))
    await asyncio.sleep(0)
    assert not waiting.done()
    proven.add("new")
    slots.give_back("new", proven=False)
    assert await waiting is True
    assert await still is False


async def waiting(slots: Slots[str]) -> asyncio.Task[bool]:
    """A task that has come to its wait for a slot."""
    task = asyncio.create_task(slots.take("shop"))
    await asyncio.sleep(0)
    return task


async def test_slots_are_handed_on_in_the_order_of_waiting() -> None:
    slots = some_slots(1)
    await slots.take("shop")
    first, second = await waiting(slots), await waiting(slots)
    slots.give_back("shop", proven=True)
    await first
    assert not second.done()
    slots.give_back("shop", proven=True)
    await second
    assert slots.used == 1


async def test_a_waiter_that_is_cancelled_does_not_hold_up_the_next() -> None:
    slots = some_slots(1)
    await slots.take("shop")
    first, second = await waiting(slots), await waiting(slots)
    first.cancel()
    slots.give_back("shop", proven=True)
    await second
    assert slots.used == 1


async def test_a_slot_handed_over_in_the_moment_of_a_cancel_is_not_lost() -> None:
    slots = some_slots(1)
    await slots.take("shop")
    waiter = await waiting(slots)
    slots.give_back("shop", proven=True)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert slots.used == 0


async def test_a_host_that_nobody_uses_is_forgotten() -> None:
    hosts = Hosts(2)
    host = hosts.host(SHOP)
    await host.take(180.0)
    await host.take(180.0)
    hosts.leave(SHOP, host)
    assert len(hosts) == 1
    hosts.leave(SHOP, host)
    assert len(hosts) == 0


DEAD = TryFailed(Cause.CONNECT, "no connection in time", again=True, unreached=True)
SILENT = TryFailed(Cause.STALLED, "stalled after 0 bytes", again=True)


def now() -> float:
    return asyncio.get_running_loop().time()


async def troubled(failure: TryFailed) -> Host:
    """A host that failed often enough to be left alone."""
    host = Hosts(2).host(SHOP)
    for _ in range(TROUBLED_AFTER):
        host.health.failed(failure, now(), now())
    host.health.rest_until = now() + 0.5
    return host


async def queued(host: Host, count: int, seconds: float = 180.0) -> list[asyncio.Task[float]]:
    tasks = [asyncio.create_task(host.take(seconds)) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def test_a_troubled_host_is_probed_by_one_at_a_time() -> None:
    host = await troubled(SILENT)
    tasks = await queued(host, 5)
    assert not any(task.done() for task in tasks)
    done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    assert (len(done), len(waiting), host.used) == (1, 4, 1)
    assert host.parked(now()) == 4


async def test_an_answer_lets_everyone_begin_and_tells_what_the_wait_cost() -> None:
    host = await troubled(SILENT)
    tasks = await queued(host, 3)
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    host.health.answered(now())
    host.give_back()
    await asyncio.gather(*tasks)
    assert host.used == 2
    probe, *others = sorted((task.result() for task in tasks), reverse=True)
    assert (0.0 < probe < 10.0, others) == (True, [0.0, 0.0])


async def test_a_probe_that_fails_ends_the_wait_at_a_host_that_cannot_be_reached() -> None:
    host = await troubled(DEAD)
    for _ in range(GIVEN_UP_AFTER - 1):
        host.health.failed(DEAD, now(), now())
    host.health.rest_until = now()
    await host.take(180.0)
    tasks = await queued(host, 3)
    host.health.failed(DEAD, now(), now())
    host.give_back()
    failures = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(failure) for failure in failures} == {TryFailed}
    assert {str(failure) for failure in failures} == {
        "connect: no connection in time; the host failed every time lately"
    }


async def test_who_comes_after_that_waits_for_the_next_probe() -> None:
    host = await troubled(DEAD)
    for _ in range(GIVEN_UP_AFTER):
        host.health.failed(DEAD, now(), now())
    host.health.rest_until = now() + 0.05
    assert await host.take(180.0) > 0.0


async def test_an_image_waits_for_a_troubled_host_as_long_as_its_time_lasts() -> None:
    host = await troubled(SILENT)
    host.health.rest_until = now() + 60.0
    short, long = await queued(host, 1, seconds=0.5), await queued(host, 1)
    with pytest.raises(TryFailed, match="stalled after 0 bytes; the host failed every time lately"):
        await short[0]
    assert not long[0].done()
    long[0].cancel()


async def test_who_goes_on_with_a_try_goes_first() -> None:
    host = Hosts(1).host(SHOP)
    await host.take(180.0)
    first = await queued(host, 1)
    going_on = asyncio.create_task(host.take(180.0, goes_on=True))
    await asyncio.sleep(0)
    host.give_back()
    await going_on
    assert not first[0].done()
    first[0].cancel()


async def test_a_cancel_at_a_host_leaves_its_slot_to_the_next() -> None:
    host = Hosts(1).host(SHOP)
    await host.take(180.0)
    first, second = await queued(host, 2)
    first.cancel()
    host.give_back()
    assert await second == 0.0
    second_waits, third = await queued(host, 2)
    host.give_back()
    second_waits.cancel()  # in the very moment of its turn
    assert await third == 0.0


async def test_a_cancel_in_the_moment_of_a_dismissal_gives_nothing_back() -> None:
    host = await troubled(DEAD)
    for _ in range(GIVEN_UP_AFTER - 1):
        host.health.failed(DEAD, now(), now())
    host.health.rest_until = now()
    await host.take(180.0)
    (waiting,) = await queued(host, 1)
    host.health.failed(DEAD, now(), now())
    host.give_back()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert host.used == 0


async def test_a_host_that_misbehaved_is_remembered_while_nobody_asks() -> None:
    hosts = Hosts(2)
    host = hosts.host(SHOP)
    await host.take(180.0)
    host.health.failed(DEAD, now(), now())
    hosts.leave(SHOP, host)
    assert hosts.host(SHOP) is host
