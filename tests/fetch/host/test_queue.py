"""The queue of a host: order, leases, waits that are in vain, and what is remembered."""

import asyncio

import pytest

from retailpulse.domain.images import Cause
from retailpulse.fetch.failures import TryFailed
from retailpulse.fetch.host.circuit_breaker import GIVEN_UP_AFTER, OPENS_AFTER
from retailpulse.fetch.host.pool import HostPool
from retailpulse.fetch.host.queue import HostQueue

SHOP = "http://shop.example:80"


async def test_a_host_that_nobody_uses_is_forgotten() -> None:
    hosts = HostPool(2, 2)
    host = hosts.queue(SHOP)
    await host.acquire(180.0)
    await host.acquire(180.0)
    hosts.leave(host)
    assert len(hosts) == 1
    hosts.leave(host)
    assert len(hosts) == 0


DEAD = TryFailed(Cause.CONNECT, "no connection in time", again=True, unreached=True)
SILENT = TryFailed(Cause.STALLED, "stalled after 0 bytes", again=True)


def now() -> float:
    return asyncio.get_running_loop().time()


async def troubled(failure: TryFailed) -> HostQueue:
    """A host that failed often enough to be left alone."""
    host = HostPool(2, 2).queue(SHOP)
    for _ in range(OPENS_AFTER):
        host.limiter.failed(failure, now(), now())
    host.limiter.rest_until = now() + 0.5
    return host


async def queued(host: HostQueue, count: int, seconds: float = 180.0) -> list[asyncio.Task[float]]:
    tasks = [asyncio.create_task(host.acquire(seconds)) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def test_a_troubled_host_is_probed_by_one_at_a_time() -> None:
    host = await troubled(SILENT)
    tasks = await queued(host, 5)
    assert not any(task.done() for task in tasks)
    done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    assert (len(done), len(waiting), host.used) == (1, 4, 1)
    assert host.waiting == 4


async def test_an_answer_lets_everyone_begin_and_tells_what_the_wait_cost() -> None:
    host = await troubled(SILENT)
    tasks = await queued(host, 3)
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    host.limiter.answered(now(), now())
    host.release()
    await asyncio.gather(*tasks)
    assert host.used == 2
    probe, *others = sorted((task.result() for task in tasks), reverse=True)
    assert (0.0 < probe < 10.0, others) == (True, [0.0, 0.0])


async def test_a_probe_that_fails_ends_the_wait_at_a_host_that_cannot_be_reached() -> None:
    host = await troubled(DEAD)
    for _ in range(GIVEN_UP_AFTER - 1):
        host.limiter.failed(DEAD, now(), now())
    host.limiter.rest_until = now()
    await host.acquire(180.0)
    tasks = await queued(host, 3)
    host.limiter.failed(DEAD, now(), now())
    host.release()
    failures = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(failure) for failure in failures} == {TryFailed}
    assert {str(failure) for failure in failures} == {
        "connect: no connection in time; the host failed every time lately"
    }


async def test_who_comes_after_that_waits_for_the_next_probe() -> None:
    host = await troubled(DEAD)
    for _ in range(GIVEN_UP_AFTER):
        host.limiter.failed(DEAD, now(), now())
    host.limiter.rest_until = now() + 0.05
    assert await host.acquire(180.0) > 0.0


async def test_an_image_waits_for_a_troubled_host_as_long_as_its_time_lasts() -> None:
    host = await troubled(SILENT)
    host.limiter.rest_until = now() + 60.0
    short, long = await queued(host, 1, seconds=0.5), await queued(host, 1)
    with pytest.raises(TryFailed, match="stalled after 0 bytes; the host failed every time lately"):
        await short[0]
    assert not long[0].done()
    long[0].cancel()


async def test_who_goes_on_with_a_try_goes_first() -> None:
    host = HostPool(1, 1).queue(SHOP)
    await host.acquire(180.0)
    first = await queued(host, 1)
    going_on = asyncio.create_task(host.acquire(180.0, goes_on=True))
    await asyncio.sleep(0)
    host.release()
    await going_on
    assert not first[0].done()
    first[0].cancel()


async def test_a_cancel_at_a_host_leaves_its_slot_to_the_next() -> None:
    host = HostPool(1, 1).queue(SHOP)
    await host.acquire(180.0)
    first, second = await queued(host, 2)
    first.cancel()
    host.release()
    assert await second == 0.0
    second_waits, third = await queued(host, 2)
    host.release()
    second_waits.cancel()  # in the very moment of its turn
    assert await third == 0.0


async def test_a_cancel_in_the_moment_of_a_dismissal_gives_nothing_back() -> None:
    host = await troubled(DEAD)
    for _ in range(GIVEN_UP_AFTER - 1):
        host.limiter.failed(DEAD, now(), now())
    host.limiter.rest_until = now()
    await host.acquire(180.0)
    (waiting,) = await queued(host, 1)
    host.limiter.failed(DEAD, now(), now())
    host.release()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert host.used == 0


async def test_a_host_that_misbehaved_is_remembered_while_nobody_asks() -> None:
    hosts = HostPool(2, 2)
    host = hosts.queue(SHOP)
    await host.acquire(180.0)
    host.limiter.failed(DEAD, now(), now())
    hosts.leave(host)
    assert hosts.queue(SHOP) is host


async def test_who_waits_is_served_by_rank_and_then_by_virtual_time() -> None:
    host = HostPool(1, 1).queue(SHOP)
    await host.acquire(180.0)
    ends: list[str] = []

    async def acquire(name: str, rank: int, time: float, *, goes_on: bool = False) -> None:
        await host.acquire(180.0, (rank, time), goes_on=goes_on)
        ends.append(name)
        host.release()

    waiting = [
        asyncio.create_task(acquire("late", 0, 9.0)),
        asyncio.create_task(acquire("soon", 0, 1.0)),
        asyncio.create_task(acquire("urgent", -100, 50.0)),
        asyncio.create_task(acquire("begun", 0, 70.0, goes_on=True)),
    ]
    await asyncio.sleep(0)
    host.release()
    await asyncio.gather(*waiting)
    assert ends == ["begun", "urgent", "soon", "late"]


class Leases:
    """Keeps what the listener was told."""

    def __init__(self) -> None:
        self.demands = self.rooms = 0
        self.decided: list[HostQueue] = []

    def on_demand(self, queue: HostQueue) -> None:
        assert queue.waiting > 0
        self.demands += 1

    def on_room(self, queue: HostQueue) -> None:
        assert queue.origin_key == SHOP
        self.rooms += 1

    def on_decision(self, queue: HostQueue) -> None:
        self.decided.append(queue)
        queue.limiter.changed = False


async def test_where_slots_are_leased_nobody_begins_without_one() -> None:
    leases = Leases()
    pool = HostPool(16, 16, listener=leases)
    host = pool.queue(SHOP)
    first, second = await queued(host, 2)
    assert (host.used, host.waiting, host.slots, leases.demands) == (0, 2, 0, 2)
    pool.lease(SHOP, 1)
    await first
    assert (second.done(), host.used) == (False, 1)
    host.release()
    await second
    assert leases.rooms == 1


async def test_a_lease_that_shrinks_takes_nothing_from_who_has_begun() -> None:
    pool = HostPool(16, 16, listener=Leases())
    host = pool.lease(SHOP, 2)
    await host.acquire(180.0)
    await host.acquire(180.0)
    pool.lease(SHOP, 1)
    (waiting,) = await queued(host, 1)
    host.release()
    await asyncio.sleep(0)
    assert not waiting.done()
    host.release()
    await waiting


async def test_who_needs_no_lease_is_held_by_the_limiter_alone_and_asks_for_none() -> None:
    leases = Leases()
    host = HostPool(2, 2, listener=leases).queue(SHOP)
    tasks = [asyncio.create_task(host.acquire(180.0, unleased=True)) for _ in range(3)]
    await asyncio.sleep(0)
    assert (host.used, host.waiting, leases.demands) == (2, 1, 0)
    host.release()
    await asyncio.gather(*tasks)


async def test_a_host_with_a_lease_is_not_forgotten() -> None:
    pool = HostPool(2, 2, listener=Leases())
    host = pool.lease(SHOP, 1)
    await host.acquire(180.0)
    pool.leave(host)
    assert pool.get(SHOP) is host
    pool.lease(SHOP, 0)
    assert pool.get(SHOP) is None


async def test_a_decision_is_told_and_another_worker_that_adopts_it_decides_nothing() -> None:
    leases, others = Leases(), Leases()
    host = HostPool(16, 16, listener=leases).lease(SHOP, 16)
    await host.acquire(180.0)
    for _ in range(OPENS_AFTER):
        host.limiter.failed(DEAD, now(), now())
    host.release()
    assert leases.decided == [host]
    other = HostPool(16, 16, listener=others).lease(SHOP, 1)
    other.adopt(host.limiter.limits(now()))
    assert (other.limiter.is_closed, others.decided) == (False, [])
    assert other.limiter.limits(now()).cause == Cause.CONNECT
    (waiting,) = await queued(other, 1)
    assert not waiting.done()
    waiting.cancel()
