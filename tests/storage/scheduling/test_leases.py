"""Leases: the slots of a host are shared out by the database, never more than it bears, whoever asks when."""

import asyncio
import random

import pytest

from retailpulse.domain.hosts import BreakerState, HostLimits
from retailpulse.storage.integrity.check import check_invariants
from retailpulse.storage.postgres.database import Connection, Database
from retailpulse.storage.scheduling import hosts, leases
from tests.running import wait_for
from tests.storage import claiming
from tests.storage.ended import rows
from tests.storage.jobs import submit
from tests.storage.settled import waiters
from tests.storage.truth import THRESHOLDS

CAP = 16
LEASED = "SELECT leased FROM hosts WHERE host_id = %s"


@pytest.fixture
async def host(database: Database) -> int:
    """A host of which nothing is known."""
    return (await add_hosts(database, 1))[0]


async def add_hosts(database: Database, count: int) -> list[int]:
    async with database.transaction() as connection:
        found = await hosts.find_hosts(connection, [f"http://host{number}" for number in range(count)])
    return sorted(found.values())


async def acquire(database: Database, worker_id: int, want: int, host_id: int) -> int | None:
    """Asks for slots; how many the worker has then, None where it was told nothing."""
    async with database.dedicated(planned_once=True) as connection:
        found = await leases.acquire(connection, worker_id, {host_id: want}, cap=CAP)
    return found[0].slots if found else None


async def keep(database: Database, worker_id: int, host_id: int, slots: int) -> None:
    async with database.dedicated(planned_once=True) as connection:
        await leases.keep(connection, worker_id, [(host_id, slots, 0)])


def agrees(database: Database) -> bool:
    """Whether the slots of hosts are what the leases say, among other things."""
    return check_invariants(database.url, THRESHOLDS).findings == ()


async def test_slots_are_given_until_there_are_none_and_then_the_wish_is_noted(
    database: Database, host: int
) -> None:
    one, two, three = [await claiming.add_worker(database) for _ in range(3)]
    assert await acquire(database, one, 10, host) == 10
    assert await acquire(database, two, 10, host) == 6
    assert await acquire(database, three, 10, host) == 0
    assert await acquire(database, two, 1, host) == 6
    assert rows(database, LEASED, host) == [(16,)]
    assert rows(database, "SELECT worker_id, slots FROM leases ORDER BY worker_id") == [
        (one, 10), (two, 6), (three, 0)
    ]  # fmt: skip
    async with database.dedicated(planned_once=True) as connection:
        (row,) = await leases.look(connection, one, cap=CAP)
    assert (row.slots, row.others, row.host.limits.cap) == (10, 2, CAP)
    assert agrees(database)


async def test_slots_that_are_given_back_are_another_ones_and_their_host_is_left(
    database: Database, host: int
) -> None:
    one, two = [await claiming.add_worker(database) for _ in range(2)]
    await acquire(database, one, 16, host)
    await keep(database, one, host, 9)
    assert await acquire(database, two, 16, host) == 7
    await keep(database, one, host, -1)
    assert rows(database, "SELECT worker_id, slots FROM leases") == [(two, 7)]
    assert await acquire(database, two, 99, host) == 16
    assert agrees(database)


async def test_who_gives_back_what_it_does_not_have_changes_nothing(database: Database, host: int) -> None:
    """An answer was lost: the worker believes that it has more slots than it has, or a host that it left."""
    one, two = [await claiming.add_worker(database) for _ in range(2)]
    await acquire(database, one, 4, host)
    await keep(database, one, host, 9)
    await keep(database, two, host, 3)
    await keep(database, two, host, -1)
    assert rows(database, "SELECT worker_id, slots FROM leases") == [(one, 4)]
    assert rows(database, LEASED, host) == [(4,)]
    assert agrees(database)


async def test_a_host_whose_breaker_is_not_closed_has_one_slot_in_all(database: Database, host: int) -> None:
    limits = HostLimits(cap=12, breaker=BreakerState.HALF_OPEN, failing_seconds=3.0)
    async with database.connection() as connection:
        assert await hosts.write_limits(connection, {host: (0, limits)}) == {host: 1}
    one, two = [await claiming.add_worker(database) for _ in range(2)]
    assert await acquire(database, one, 8, host) == 1
    assert await acquire(database, two, 8, host) == 0


async def test_a_worker_that_was_swept_gets_no_slots_and_none_are_counted(
    database: Database, host: int
) -> None:
    worker_id = await claiming.add_worker(database)
    claiming.silence(database, worker_id)
    await claiming.sweep(database)
    assert await acquire(database, worker_id, 4, host) is None
    assert rows(database, LEASED, host) == [(0,)]
    assert rows(database, "SELECT FROM leases") == []


async def test_a_cap_that_falls_below_what_is_leased_gives_none_and_takes_none(
    database: Database, host: int
) -> None:
    one, two = [await claiming.add_worker(database) for _ in range(2)]
    await acquire(database, one, 16, host)
    async with database.connection() as connection:
        await hosts.write_limits(connection, {host: (0, HostLimits(cap=3))})
    assert await acquire(database, two, 5, host) == 0
    assert await acquire(database, one, 5, host) == 16
    await keep(database, one, host, 2)
    assert await acquire(database, two, 5, host) == 1


async def test_eight_workers_that_race_for_slots_never_hold_more_than_the_host_bears(
    database: Database,
) -> None:
    host_ids = await add_hosts(database, 3)
    most = dict(zip(host_ids, (CAP, 5, 1), strict=True))
    async with database.connection() as connection:
        await hosts.write_limits(connection, {host_ids[1]: (0, HostLimits(cap=5))})
        broken = HostLimits(cap=7, breaker=BreakerState.OPEN)
        await hosts.write_limits(connection, {host_ids[2]: (0, broken)})
    seen: list[tuple[int, int]] = []
    racing = asyncio.create_task(_watch(database, seen))
    async with asyncio.timeout(120):
        got = await asyncio.gather(*(_race(database, host_ids, seed) for seed in range(8)))
    racing.cancel()
    await asyncio.wait([racing])
    assert min(got) > 0, "some worker never had a slot"
    assert all(leased <= most[host_id] for host_id, leased in seen), max(seen)
    assert {host_id for host_id, leased in seen if leased == most[host_id]} == set(host_ids), "never used up"
    assert agrees(database)


async def _race(database: Database, host_ids: list[int], seed: int) -> int:
    """Asks for slots and gives them back, at random; how many it got in all."""
    dice = random.Random(seed)
    got = 0
    worker_id = await claiming.add_worker(database)
    async with database.dedicated(planned_once=True) as connection:
        for _ in range(60):
            wants = {host_id: dice.randint(0, 8) for host_id in dice.sample(host_ids, 2)}
            for row in await leases.acquire(connection, worker_id, wants, cap=CAP):
                got += row.slots
            await leases.keep(
                connection, worker_id, [(host_id, dice.choice((-1, 0, 1, 3)), 0) for host_id in host_ids]
            )
    return got


async def _watch(database: Database, seen: list[tuple[int, int]]) -> None:
    """What the leases of each host add up to, again and again."""
    async with database.dedicated() as connection:
        while True:
            seen += await _leased(connection)


async def _leased(connection: Connection) -> list[tuple[int, int]]:
    cursor = await connection.execute(
        "SELECT host_id, sum(slots)::int FROM leases WHERE host_id > 0 GROUP BY host_id"
    )
    return [(host_id, slots) for host_id, slots in await cursor.fetchall()]


async def test_hosts_where_something_waits_are_found_with_who_is_next_there(database: Database) -> None:
    low = await submit(database, ["http://a.example/1", "http://b.example/1"])
    high = await submit(database, ["http://b.example/1"], priority=5)
    await claiming.claim(database, await claiming.add_worker(database), hosts=[-1])
    async with database.dedicated(planned_once=True) as connection:
        a, b = await leases.discover(connection, after=-(2**31), limit=10, cap=CAP)
        assert [w.host_id for w in await leases.discover(connection, after=a.host_id, limit=10, cap=CAP)] == [
            b.host_id
        ]
        assert await leases.discover(connection, after=-(2**31), limit=1, cap=CAP) == [a]
        assert await leases.discover(connection, after=b.host_id, limit=9, cap=CAP) == []
    assert [(w.rank, w.job_id, w.free_slots, w.is_resting) for w in (a, b)] == [
        (0, low, CAP, False), (-5, high, CAP, False)
    ]  # fmt: skip


async def test_a_sweep_and_who_gives_slots_back_lock_hosts_in_one_order(database: Database) -> None:
    host_ids = await add_hosts(database, 100)
    dead, living = [await claiming.add_worker(database) for _ in range(2)]
    first, *_, last = host_ids
    async with database.dedicated(planned_once=True) as connection:
        for worker_id in (dead, living):
            for host_id in reversed(host_ids):  # so that the rows do not lie in the order of their ids
                await leases.acquire(connection, worker_id, {host_id: 2}, cap=CAP)
        claiming.silence(database, dead)
        await connection.execute("ANALYZE", prepare=False)
        async with asyncio.timeout(60), connection.transaction():
            await leases.keep(connection, living, [(first, 1, 0)])
            sweeping = asyncio.create_task(claiming.sweep(database))
            await asyncio.to_thread(wait_for, lambda: waiters(database.url))
            await leases.keep(connection, living, [(last, 1, 0)])
    assert await sweeping == (1, 0)
    assert agrees(database)
