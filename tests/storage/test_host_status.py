"""Hosts as operators see them: what waits is counted by host, within a bound, beside what was learnt."""

import json
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from retailpulse.domain.hosts import BreakerState
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.scheduling import host_status
from retailpulse.storage.scheduling.host_status import (
    COUNTED_SLICES,
    MANY_HOSTS,
    MOST_HOSTS,
    HostOfJob,
    HostStatus,
    read_hosts,
    read_hosts_of_job,
)
from retailpulse.storage.scheduling.losses import QUARANTINE
from tests.storage.waiting import Waiting

A, B, C = "https://a.example:443", "https://b.example:443", "http://c.example:80"

CAP = 16


@pytest.fixture
def waiting(database_url: str) -> Waiting:
    return Waiting(database_url)


async def hosts(database: Database, *origins: str) -> list[HostStatus]:
    async with database.connection() as connection:
        return await read_hosts(connection, origins, cap=CAP)


async def hosts_of_job(database: Database, job_id: Any, most: int = 10) -> list[HostOfJob]:
    async with database.connection() as connection:
        return await read_hosts_of_job(connection, job_id, most=most, cap=CAP)


async def test_nothing_in_use_is_nothing_told(database: Database, waiting: Waiting) -> None:
    waiting.host(A, cap=12, latency_seconds=0.1)
    assert await hosts(database) == []
    waiting.host(B)
    assert [(host.origin, host.cap) for host in await hosts(database, A, B)] == [(A, 12), (B, CAP)]


async def test_a_host_is_told_with_what_waits_and_what_was_learnt(
    database: Database, waiting: Waiting
) -> None:
    host = waiting.host(A, cap=12, latency_seconds=0.25, rate_per_second=3.5)
    waiting.refused(host, "http_status", "HTTP 429", seconds_ago=30)
    one, other, worker, peer = waiting.job(9), waiting.job(9), waiting.worker(), waiting.worker()
    waiting.slices(host, one, slices=3, images=5)
    waiting.slices(host, other, images=2)
    waiting.lease(host, worker, 4, in_flight=3)
    waiting.lease(host, peer, 2, in_flight=1)
    waiting.grant(host, worker, one, [1, 2, 3])
    (told,) = await hosts(database)
    assert (told.origin, told.cap, told.leased, told.in_flight) == (A, 12, 6, 4)
    assert (told.waiting, told.waiting_jobs, told.taken, told.counted_all) == (17, 2, 3, True)
    assert (told.latency_seconds, told.rate_per_second, told.rest_seconds) == (0.25, 3.5, 0)
    assert (told.breaker, told.failed_probes) == (BreakerState.CLOSED, 0)
    assert (told.cause, told.detail) == ("http_status", "HTTP 429")
    assert told.refused_at is not None


async def test_where_most_waits_comes_first(database: Database, waiting: Waiting) -> None:
    job_id = waiting.job(9)
    for origin, images in ((A, 2), (B, 7), (C, 7)):
        waiting.slices(waiting.host(origin), job_id, images=images)
    assert [(host.origin, host.waiting) for host in await hosts(database)] == [(C, 7), (B, 7), (A, 2)]


async def test_a_host_is_in_use_while_images_are_taken_or_slots_leased(
    database: Database, waiting: Waiting
) -> None:
    worker, job_id = waiting.worker(), waiting.job(9)
    waiting.grant(waiting.host(A), worker, job_id, [1])
    waiting.lease(waiting.host(B), worker, 1)
    waiting.lease(waiting.host(C), worker, 0)  # it only wants some
    assert {host.origin for host in await hosts(database)} == {A, B}


@pytest.mark.parametrize(
    ("learnt", "seconds_ago", "is_told"),
    [
        ({"breaker": "open"}, 1800, True),
        ({"breaker": "half_open"}, 1800, True),
        ({"rate_per_second": 2.0}, 1800, True),
        ({}, 60, True),
        ({}, 1800, False),
        ({"breaker": "open"}, 7200, False),
    ],
)
async def test_a_host_that_was_limited_lately_is_told_for_a_while(
    database: Database, waiting: Waiting, learnt: dict[str, Any], seconds_ago: float, is_told: bool
) -> None:
    waiting.refused(waiting.host(A, **learnt), "connect", "refused", seconds_ago=seconds_ago)
    assert [host.origin for host in await hosts(database)] == [A] * is_told


async def test_a_host_with_an_open_breaker_has_one_slot_and_rests(
    database: Database, waiting: Waiting
) -> None:
    host = waiting.host(A, cap=16, breaker="open", failed_probes=3)
    waiting.refused(host, "connect", "refused", seconds_ago=5)
    waiting.rests(host, seconds=60)
    (told,) = await hosts(database)
    assert (told.breaker, told.cap, told.failed_probes) == (BreakerState.OPEN, 1, 3)
    assert 0 < told.rest_seconds <= 60


async def test_buckets_are_told_as_one_host_and_other_hosts_beside_it(
    database: Database, waiting: Waiting
) -> None:
    job_id, worker = waiting.job(9), waiting.worker()
    waiting.slices([-1, -2, -64], job_id, slices=6, images=4)
    waiting.slices(waiting.host(A), job_id, images=3)
    waiting.lease(-2, worker, 1, in_flight=5)
    waiting.grant(-2, worker, job_id, [1, 2])
    many, a = await hosts(database)
    assert (many.origin, many.waiting, many.waiting_jobs, many.taken) == (MANY_HOSTS, 24, 1, 2)
    assert (many.cap, many.leased, many.in_flight, many.breaker) == (None, 1, 5, BreakerState.CLOSED)
    assert (a.origin, a.waiting) == (A, 3)
    assert [host.waiting for host in await hosts(database, MANY_HOSTS)] == [24]
    assert [host.origin for host in await hosts(database, A, "nowhere")] == [A]


async def test_the_quarantine_is_told_by_its_name_beside_the_buckets(
    database: Database, waiting: Waiting
) -> None:
    job_id, worker = waiting.job(9), waiting.worker()
    waiting.slices(QUARANTINE, job_id, images=3)
    waiting.slices([-1], job_id, images=2)
    waiting.grant(QUARANTINE, worker, job_id, [4])
    alone, many = await hosts(database)
    assert (alone.origin, alone.cap, alone.waiting, alone.taken) == ("(quarantine)", None, 3, 1)
    assert (many.origin, many.waiting) == (MANY_HOSTS, 2)
    assert [host.waiting for host in await hosts(database, "(quarantine)")] == [3]
    assert [(host.origin, host.images) for host in await hosts_of_job(database, job_id)] == [
        ("(quarantine)", 4),
        (MANY_HOSTS, 2),
    ]


async def test_no_bucket_is_found_by_its_name_in_the_table(database: Database) -> None:
    assert await hosts(database, "bucket 1") == []


async def test_a_job_waits_for_the_hosts_of_all_its_images(database: Database, waiting: Waiting) -> None:
    job_id, other, worker = waiting.job(9), waiting.job(9), waiting.worker()
    a, b = waiting.host(A, cap=4), waiting.host(B, breaker="half_open", cap=4)
    waiting.slices(a, job_id, images=3)
    waiting.slices(a, other, images=90)
    waiting.grant(b, worker, job_id, [4, 5, 6, 7])
    waiting.slices([-3, -4], job_id, slices=2, images=1)
    waiting.lease(a, worker, 4, in_flight=3)
    told = await hosts_of_job(database, job_id)
    assert [(host.origin, host.images, host.cap, host.in_flight) for host in told] == [
        (B, 4, 1, 0),
        (A, 3, 4, 3),
        (MANY_HOSTS, 2, None, 0),
    ]
    assert [host.breaker for host in told] == [
        BreakerState.HALF_OPEN,
        BreakerState.CLOSED,
        BreakerState.CLOSED,
    ]
    assert {(host.hosts, host.counted_all) for host in told} == {(3, True)}
    (first,) = await hosts_of_job(database, job_id, most=1)
    assert (first.origin, first.hosts) == (B, 3)
    assert await hosts_of_job(database, waiting.job(1)) == []


async def test_what_waits_is_counted_up_to_a_bound_and_says_so(
    database: Database, waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_status, "COUNTED_SLICES", 2)
    job_id, host = waiting.job(9), waiting.host(A)
    waiting.slices(host, job_id, slices=2, images=1)
    assert [(told.waiting, told.counted_all) for told in await hosts(database)] == [(2, True)]
    waiting.slices(host, job_id, slices=2, images=1)
    assert [(told.waiting, told.counted_all) for told in await hosts(database)] == [(3, False)]
    assert [(told.images, told.counted_all) for told in await hosts_of_job(database, job_id)] == [(4, True)]
    waiting.slices(host, job_id, slices=13, images=1)
    assert [(told.images, told.counted_all) for told in await hosts_of_job(database, job_id)] == [(17, False)]


def buffers(url: str, statement: LiteralString | sql.Composed, **given: object) -> int:
    """How many pages a statement touches, as it is run."""
    with psycopg.connect(url) as connection:
        connection.execute(host_status.IN_INDEX_ORDER)
        asked = statement if isinstance(statement, sql.Composed) else sql.SQL(statement)
        cursor = connection.execute(sql.SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ") + asked, given)
        ((plan,),) = cursor.fetchall()
    node = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
    return int(node["Shared Hit Blocks"]) + int(node["Shared Read Blocks"])


@pytest.mark.parametrize("is_analysed", [False, True], ids=["fresh", "analysed"])
async def test_what_it_costs_does_not_grow_with_what_waits(
    database_url: str, waiting: Waiting, is_analysed: bool
) -> None:
    """Statistics know the table as it was, or as it is: a bound on pages, not on time."""
    small, large = waiting.host(A), waiting.host(B)
    waiting.slices(small, waiting.job(9), slices=COUNTED_SLICES + 1, images=3)
    if is_analysed:
        analyse(database_url)
    asked = {"slices": COUNTED_SLICES, "many": MANY_HOSTS, "cap": CAP}
    before = buffers(database_url, host_status.STATUS, host_ids=[small, large], **asked)
    job_id = waiting.job(9)
    waiting.slices(large, job_id, slices=60_000, images=3)
    if is_analysed:
        analyse(database_url)
    after = buffers(database_url, host_status.STATUS, host_ids=[small, large], **asked)
    assert after < 2 * before + 100
    assert buffers(database_url, host_status.IN_USE, most=MOST_HOSTS) < 100
    of_job = buffers(database_url, host_status.WAITING_FOR, job_id=job_id, most=10, **asked)
    assert of_job < COUNTED_SLICES


async def test_hosts_that_are_only_known_cost_nothing(database_url: str, waiting: Waiting) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO hosts (origin, refused_at)"
            " SELECT 'https://' || n || '.example:443', now() - interval '1 day'"
            " FROM generate_series(1, 20000) n"
        )
    waiting.slices(waiting.host(A), waiting.job(1), images=1)
    assert buffers(database_url, host_status.IN_USE, most=MOST_HOSTS) < 100
    assert buffers(database_url, host_status.NAMED, origins=[A], many=MANY_HOSTS) < 100


def analyse(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("ANALYZE slices")
        connection.execute("ANALYZE hosts")
