"""The slots of the process: how many run at once, in which order, behind which gate."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable

import pytest

from retailpulse.fetch.priority_semaphore import PrioritySemaphore


def some_slots(capacity: int) -> PrioritySemaphore[str]:
    """Slots for which every host is known to answer but the new ones."""
    return PrioritySemaphore(capacity, lambda host: host != "new")


async def test_a_quarter_of_the_slots_is_kept_for_hosts_that_are_known_to_answer() -> None:
    slots = some_slots(8)
    for _ in range(6):
        await slots.acquire("new")
    unproven = asyncio.create_task(slots.acquire("new"))
    await asyncio.sleep(0)
    await slots.acquire("shop")
    await slots.acquire("shop")
    assert not unproven.done()
    slots.release("shop", proven=True)
    await asyncio.sleep(0)
    assert not unproven.done()
    slots.release("new", proven=False)
    await unproven


async def test_slots_are_handed_on_by_rank_and_then_by_virtual_time() -> None:
    slots = some_slots(1)
    await slots.acquire("shop")
    ends: list[str] = []

    async def acquire(name: str, host: str, rank: int, time: float) -> None:
        await slots.acquire(host, (rank, time))
        ends.append(name)
        slots.release(host, proven=host != "new")

    waiting = [
        asyncio.create_task(acquire("late", "shop", 0, 9.0)),
        asyncio.create_task(acquire("soon", "other", 0, 1.0)),
        asyncio.create_task(acquire("urgent", "new", -100, 50.0)),
        asyncio.create_task(acquire("same", "new", 0, 1.0)),
    ]
    await asyncio.sleep(0)
    slots.release("shop", proven=True)
    await asyncio.gather(*waiting)
    assert ends == ["urgent", "soon", "same", "late"]


async def test_who_waits_for_the_gate_is_let_in_by_priority() -> None:
    opens = asyncio.Event()

    async def until_open() -> None:
        await opens.wait()

    slots = PrioritySemaphore[str](8, lambda _: True, lambda: None if opens.is_set() else until_open())
    ends: list[int] = []

    async def acquire(rank: int) -> None:
        await slots.acquire("shop", (rank, 0.0))
        ends.append(rank)

    waiting = [asyncio.create_task(acquire(rank)) for rank in (0, -5, -100, 3)]
    await asyncio.sleep(0)
    assert slots.used == 0
    opens.set()
    await asyncio.gather(*waiting)
    assert ends == [-100, -5, 0, 3]


async def test_what_the_gate_raises_ends_every_wait_for_it() -> None:
    class Draining(Exception):
        """Stands for a worker that stops."""

    drains = asyncio.Event()

    async def until_drained() -> None:
        await drains.wait()
        raise Draining

    def admit() -> Awaitable[None]:
        if drains.is_set():
            raise Draining
        return until_drained()

    slots = PrioritySemaphore[str](8, lambda _: True, admit)
    waiting = [asyncio.create_task(slots.acquire("shop")) for _ in range(3)]
    await asyncio.sleep(0)
    drains.set()
    ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(end) for end in ends] == [Draining] * 3
    assert slots.used == 0


async def test_closing_fails_whoever_waits() -> None:
    slots = some_slots(1)
    await slots.acquire("shop")
    waiter = asyncio.create_task(slots.acquire("shop"))
    await asyncio.sleep(0)
    slots.close()
    with pytest.raises(RuntimeError):
        await waiter


async def test_who_waits_for_a_host_gets_on_when_the_host_has_answered() -> None:
    proven: set[str] = set()
    slots = PrioritySemaphore[str](4, lambda host: host in proven)
    for host in ("new", "hangs", "hangs"):
        await slots.acquire(host)
    waiting = asyncio.create_task(slots.acquire("new"))
    still = asyncio.create_task(slots.acquire("hangs"))
    await asyncio.sleep(0)
    assert not waiting.done()
    proven.add("new")
    slots.release("new", proven=False)
    assert await waiting is True
    assert await still is False


async def waiting(slots: PrioritySemaphore[str]) -> asyncio.Task[bool]:
    """A task that has come to its wait for a slot."""
    task = asyncio.create_task(slots.acquire("shop"))
    await asyncio.sleep(0)
    return task


async def test_slots_are_handed_on_in_the_order_of_waiting() -> None:
    slots = some_slots(1)
    await slots.acquire("shop")
    first, second = await waiting(slots), await waiting(slots)
    slots.release("shop", proven=True)
    await first
    assert not second.done()
    slots.release("shop", proven=True)
    await second
    assert slots.used == 1


async def test_a_waiter_that_is_cancelled_does_not_hold_up_the_next() -> None:
    slots = some_slots(1)
    await slots.acquire("shop")
    first, second = await waiting(slots), await waiting(slots)
    first.cancel()
    slots.release("shop", proven=True)
    await second
    assert slots.used == 1


async def test_a_slot_handed_over_in_the_moment_of_a_cancel_is_not_lost() -> None:
    slots = some_slots(1)
    await slots.acquire("shop")
    waiter = await waiting(slots)
    slots.release("shop", proven=True)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert slots.used == 0


CAPACITY = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))
from retailpulse.fetch.priority_semaphore import capacity_by_descriptors
print(capacity_by_descriptors(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.parametrize(("soft", "hard", "capacity"), [(100, 1_000, 250), (1_000, 1_000, 250)])
def test_the_default_number_of_slots_follows_the_descriptors_that_the_process_may_have(
    soft: int, hard: int, capacity: int
) -> None:
    told = subprocess.run(
        [sys.executable, "-c", CAPACITY, str(soft), str(hard)], capture_output=True, check=True, text=True
    )
    assert told.stdout.split() == [str(capacity), str(hard)]
