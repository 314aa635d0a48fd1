"""What the fleet has learnt of hosts: of two decisions at once one counts, and times are the database's."""

import asyncio

import msgspec
import pytest

from retailpulse.domain.hosts import BreakerState, HostLimits
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.scheduling import hosts, leases
from retailpulse.storage.scheduling.hosts import KnownHost
from tests.storage import claiming
from tests.storage.ended import rows

LEARNT = HostLimits(
    cap=3,
    ceiling=4,
    rate_per_second=2.5,
    breaker=BreakerState.OPEN,
    rest_seconds=60.0,
    failed_probes=2,
    failing_seconds=30.0,
    latency_seconds=0.25,
    is_crowded=True,
    cause="connect",
    detail="refused",
    refused_seconds=3600.0,
)


@pytest.fixture
async def host(database: Database) -> int:
    async with database.transaction() as connection:
        return (await hosts.find_hosts(connection, ["http://a"]))["http://a"]


async def known(database: Database, host_id: int) -> KnownHost:
    """A host as a worker hears of it that asks for slots there."""
    worker_id = await claiming.add_worker(database)
    async with database.dedicated(planned_once=True) as connection:
        (row,) = await leases.acquire(connection, worker_id, {host_id: 0}, cap=16)
    return row.host


async def test_a_host_that_nobody_knows_has_the_cap_that_is_set_and_no_limits(
    database: Database, host: int
) -> None:
    assert await known(database, host) == KnownHost(
        host_id=host, origin="http://a", version=0, limits=HostLimits(cap=16)
    )


async def test_what_is_written_is_read_with_times_counted_from_now(database: Database, host: int) -> None:
    async with database.connection() as connection:
        assert await hosts.write_limits(connection, {host: (0, LEARNT)}) == {host: 1}
    read = await known(database, host)
    assert read.version == 1
    limits = read.limits
    assert 0 < limits.rest_seconds <= 60
    assert limits.failing_seconds is not None
    assert limits.failing_seconds >= 30
    names = ("cap", "ceiling", "rate_per_second", "breaker", "failed_probes", "latency_seconds", "is_crowded")
    assert [getattr(limits, name) for name in names] == [getattr(LEARNT, name) for name in names]
    assert (limits.cause, limits.detail) == ("connect", "refused")


async def test_a_host_whose_breaker_is_not_closed_failed_when_that_was_written(
    database: Database, host: int
) -> None:
    async def read(**learnt: object) -> float | None:
        async with database.connection() as connection:
            version = (await known(database, host)).version
            limits = msgspec.structs.replace(LEARNT, **learnt)
            assert await hosts.write_limits(connection, {host: (version, limits)})
        return (await known(database, host)).limits.refused_seconds

    for state in (BreakerState.OPEN, BreakerState.HALF_OPEN):
        for refused_seconds in (None, 3600.0):
            found = await read(breaker=state, refused_seconds=refused_seconds)
            assert found is not None
            assert found < 1800
    assert await read(breaker=BreakerState.CLOSED, refused_seconds=None) is None
    closed = await read(breaker=BreakerState.CLOSED)
    assert closed is not None
    assert closed >= 3600


async def test_who_has_seen_an_older_version_is_left_out(database: Database, host: int) -> None:
    async with database.connection() as connection:
        assert await hosts.write_limits(connection, {host: (0, HostLimits(cap=5))}) == {host: 1}
        assert await hosts.write_limits(connection, {host: (0, HostLimits(cap=9))}) == {}
        assert await hosts.write_limits(connection, {host: (2, HostLimits(cap=9))}) == {}
        assert (await known(database, host)).limits.cap == 5
        assert await hosts.write_limits(connection, {host: (1, HostLimits(cap=9))}) == {host: 2}


async def test_of_many_who_decide_at_once_one_counts_for_each_version(database: Database, host: int) -> None:
    async def decide(cap: int) -> list[int]:
        won = []
        for version in range(5):
            async with database.connection() as connection:
                if await hosts.write_limits(connection, {host: (version, HostLimits(cap=cap))}):
                    won.append(version)
        return won

    async with asyncio.timeout(60):
        won = await asyncio.gather(*(decide(cap) for cap in range(1, 9)))
    versions = sorted(version for of_one in won for version in of_one)
    assert versions == list(range(len(versions)))
    assert rows(database, "SELECT version FROM hosts WHERE host_id = %s", host) == [(len(versions),)]


async def test_hosts_are_found_by_their_origin_and_added_once_by_many(database: Database) -> None:
    origins = [f"http://{number}.example" for number in range(50)]

    async def find(some: list[str]) -> dict[str, int]:
        async with database.transaction() as connection:
            return await hosts.find_hosts(connection, some)

    async with asyncio.timeout(60):
        found = await asyncio.gather(*(find(origins[start::2] + origins[:25]) for start in (0, 1, 0, 1)))
    ids = {(origin, host_id) for some in found for origin, host_id in some.items()}
    assert len(ids) == len(origins)
    assert await find([]) == {}


async def test_what_was_learnt_is_forgotten_after_a_while_but_not_while_a_worker_asks(
    database: Database, host: int
) -> None:
    async with database.connection() as connection:
        await hosts.write_limits(connection, {host: (0, LEARNT)})
        assert await hosts.forget_old(connection, 60.0) == 0
        await connection.execute("UPDATE hosts SET learnt_at = now() - interval '2 minutes', leased = 1")
        assert await hosts.forget_old(connection, 60.0) == 0
        await connection.execute("UPDATE hosts SET leased = 0")
        assert await hosts.forget_old(connection, 60.0) == 1
        read = await known(database, host)
    assert (read.version, read.limits.cap, read.limits.breaker) == (2, 16, BreakerState.CLOSED)
    assert read.limits.rest_seconds == 0


async def test_a_host_is_removed_once_nobody_has_asked_it_for_long(database: Database, host: int) -> None:
    async with database.connection() as connection:
        await connection.execute("UPDATE hosts SET learnt_at = now() - interval '2 minutes'")
        await connection.execute(
            "INSERT INTO slices (host_id, rank, tag, job_id, image_nos)"
            " VALUES (%s, 0, 0, gen_random_uuid(), '{1}')",
            [host],
        )
        assert await hosts.drop_unused(connection, 10, 60.0) == 0
        await connection.execute("DELETE FROM slices")
        assert await hosts.drop_unused(connection, 10, 180.0) == 0
        async with database.transaction() as submitting:
            assert await hosts.find_hosts(submitting, ["http://a"]) == {"http://a": host}
            assert await hosts.drop_unused(connection, 10, 60.0) == 0, "a submit has just found it"
        assert await hosts.drop_unused(connection, 10, 60.0) == 1
        assert await hosts.find_hosts(connection, ["http://a"]) != {"http://a": host}


async def test_a_host_is_busy_where_workers_ask_it_or_it_is_left_alone(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute(
            "INSERT INTO hosts (origin, leased, breaker) VALUES ('http://leased', 1, 'closed'),"
            " ('http://open', 0, 'open'), ('http://idle', 0, 'closed')"
        )
        busy = await hosts.busy_hosts(
            connection, ["http://leased", "http://open", "http://idle", "http://none"]
        )
    assert set(busy) == {"http://leased", "http://open"}
