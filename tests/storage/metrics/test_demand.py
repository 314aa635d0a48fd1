"""What waits for workers, and how much of it the hosts give in a second."""

from typing import LiteralString

import pytest

from retailpulse.domain.scaling import Demand
from retailpulse.storage.metrics.demand import read_demand
from retailpulse.storage.metrics.totals import read_backlog
from retailpulse.storage.postgres.database import Database
from tests.storage.scheduling.buffers import metered
from tests.storage.waiting import Waiting


async def demand(database: Database) -> Demand:
    async with database.connection() as connection:
        return await read_demand(connection, await read_backlog(connection), host_cap=16)


async def test_where_nothing_waits_nobody_is_wanted(database: Database) -> None:
    Waiting(database.url).host("a")
    assert await demand(database) == Demand(images=0, images_per_second=None)


@pytest.mark.parametrize(
    ("learnt", "rate"),
    [
        ({}, 160.0),
        ({"latency_seconds": 0.5}, 32.0),
        ({"latency_seconds": 0.5, "cap": 4}, 8.0),
        ({"latency_seconds": 0.5, "rate_per_second": 3.0}, 3.0),
        ({"latency_seconds": 2.0, "breaker": "open"}, 0.5),
    ],
)
async def test_a_host_gives_what_was_learnt_of_it(
    database: Database, learnt: dict[str, object], rate: float
) -> None:
    waiting = Waiting(database.url)
    host, job_id = waiting.host("a", **learnt), waiting.job(1_000)
    waiting.host("idle")
    waiting.slices(host, job_id)
    assert await demand(database) == Demand(images=1_000, images_per_second=rate)


async def test_hosts_give_together_also_what_is_in_work(database: Database) -> None:
    waiting = Waiting(database.url)
    first, second = (waiting.host(name, latency_seconds=1.0) for name in "ab")
    job_id = waiting.job(1_000)
    waiting.slices(first, job_id, slices=3)
    waiting.grant(second, waiting.worker(), job_id, [900])
    assert (await demand(database)).images_per_second == 32.0


async def test_what_many_hosts_give_is_not_known(database: Database) -> None:
    waiting = Waiting(database.url)
    job_id = waiting.job(1_000)
    waiting.slices([waiting.host("a"), -5], job_id, slices=2)
    assert (await demand(database)).images_per_second is None


@pytest.mark.parametrize(
    "chore",
    [
        "INSERT INTO match_queue (job_id, image_no) SELECT job_id, 1 FROM jobs",
        "INSERT INTO deliveries (job_id, delivery_no, url, ended_at, job, next_try_at)"
        " SELECT job_id, 1, 'http://receiver.example', now(), '{}', now() - interval '1 second' FROM jobs",
    ],
)
async def test_chores_want_a_worker_too(database: Database, chore: LiteralString) -> None:
    Waiting(database.url).job(1, status="completed", measured=1)
    async with database.connection() as connection:
        await connection.execute(chore)
    assert (await demand(database)).has_chores


async def test_a_long_queue_is_not_read(database: Database) -> None:
    waiting = Waiting(database.url)
    hosts = [waiting.host(name) for name in "abcd"]
    waiting.slices(hosts, waiting.job(2_000_000), slices=20_000)
    async with metered(database) as (connection, meter):
        backlog = await read_backlog(connection)

        async def look() -> None:
            await read_demand(connection, backlog, host_cap=16)

        await look()
        assert await meter.buffers(look) <= 60
