"""What claims, settling, sweeps and looks cost per image is the same whatever the planner believes.

Held by the buffers that they touch, not by time: a plan that reads a job whole touches many times as many.
"""

from collections.abc import AsyncIterator

import pytest

from retailpulse.domain.ids import new_job_id
from retailpulse.fetch import origin_key
from retailpulse.schema import ImageResult
from retailpulse.storage.postgres.database import Connection, Database
from retailpulse.storage.results import settle as settling
from retailpulse.storage.scheduling import claims, leases, workers
from retailpulse.storage.scheduling.claims import ClaimRequest, Granted
from retailpulse.storage.scheduling.slice_builder import SliceBuilder
from tests.storage import claiming
from tests.storage.jobs import measured, place
from tests.storage.scheduling.buffers import Meter, add_job, analyse, metered, settle_last_tenth

MANY = 40_000
"""Images of each of the two jobs that are worked on: a plan that reads one of them whole shows."""


async def add_big_jobs(database: Database) -> None:
    for hosts in (1, 100):
        await settle_last_tenth(database, await add_job(database, MANY, hosts=hosts), MANY)


async def fresh(database: Database) -> None:
    """The statistics are those of empty tables."""
    analyse(database)
    await add_big_jobs(database)


async def two_jobs(database: Database) -> None:
    """Two jobs were looked at, small ones; the big ones came after that."""
    for _ in range(2):
        await add_job(database, 50, hosts=3)
    analyse(database)
    await add_big_jobs(database)


async def many_jobs(database: Database) -> None:
    """45 jobs were looked at, most of them small: an average job is nothing like the big ones."""
    for _ in range(43):
        await add_job(database, 100, hosts=10)
    await add_big_jobs(database)
    analyse(database)


async def many_rows(database: Database) -> None:
    """Few and big jobs were looked at: to read a job whole seems as good as to look up its images."""
    await add_job(database, 4 * MANY, hosts=100)
    await add_big_jobs(database)
    analyse(database)


STATES = {"fresh": fresh, "two jobs": two_jobs, "45 jobs": many_jobs, "many rows": many_rows}


@pytest.fixture(params=STATES)
async def filled(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[Database]:
    await STATES[request.param](database)
    yield database


async def busiest(connection: Connection, count: int) -> list[int]:
    """The hosts where most waits."""
    cursor = await connection.execute(
        "SELECT host_id FROM slices GROUP BY host_id"
        " ORDER BY sum(cardinality(image_nos)) DESC, host_id LIMIT %s",
        [count],
        prepare=False,
    )
    return [host_id for (host_id,) in await cursor.fetchall()]


async def claim(
    connection: Connection, meter: Meter, worker_id: int, asks: dict[int, ClaimRequest]
) -> tuple[int, list[Granted]]:
    """The buffers of a claim, and what it got."""
    granted: list[Granted] = []

    async def step() -> None:
        granted.extend(await claims.claim(connection, worker_id, asks))

    return await meter.buffers(step), granted


async def test_a_claim_at_one_host(filled: Database) -> None:
    worker_id = await claiming.add_worker(filled)
    async with metered(filled) as (connection, meter):
        asks = {host: ClaimRequest(room=256, slices=16) for host in await busiest(connection, 1)}
        for _ in range(3):
            spent, granted = await claim(connection, meter, worker_id, asks)
    images = len(claiming.images(granted))
    assert images >= 64
    assert spent < 1_000


async def test_a_claim_at_a_hundred_hosts(filled: Database) -> None:
    worker_id = await claiming.add_worker(filled)
    async with metered(filled) as (connection, meter):
        asks = {host: ClaimRequest(room=3, slices=2) for host in await busiest(connection, 100)}
        for _ in range(3):
            spent, granted = await claim(connection, meter, worker_id, asks)
    assert len(claiming.images(granted)) == 300
    assert spent / len(granted) < 60


async def test_a_look_at_where_something_waits(filled: Database) -> None:
    async with metered(filled) as (connection, meter):

        async def look() -> None:
            found = await leases.discover(connection, after=0, limit=1_000, cap=16)
            assert len(found) == 100

        await look()
        spent = await meter.buffers(look)
    assert spent < 1_000


async def test_slots_that_are_taken_and_given_back(filled: Database) -> None:
    worker_id, other = [await claiming.add_worker(filled) for _ in range(2)]
    async with metered(filled) as (connection, meter):
        hosts = await busiest(connection, 50)

        async def acquire_and_release(who: int = worker_id) -> None:
            await leases.acquire(connection, who, dict.fromkeys(hosts, 2), cap=16)
            await leases.look(connection, who, cap=16)
            await leases.look(connection, who, hosts, cap=16)
            await leases.keep(connection, who, [(host, 1, 1) for host in hosts])

        await acquire_and_release(other)
        await acquire_and_release()
        spent = await meter.buffers(acquire_and_release)
    assert spent < 3_000


async def test_settling(filled: Database) -> None:
    worker_id = await claiming.add_worker(filled)
    async with metered(filled) as (connection, meter):
        one, *_ = await busiest(connection, 1)
        asks, spent = {one: ClaimRequest(room=200, slices=12)}, 0.0
        for _ in range(3):
            granted = await claims.claim(connection, worker_id, asks)
            rows = [measured(grant.job_id, image.image_no) for grant in granted for image in grant.images]
            assert len(rows) > 50

            async def settle(rows: list[ImageResult] = rows, granted: list[Granted] = granted) -> None:
                async with connection.transaction():
                    assert await settling.settle(connection, rows, claiming.grant_ids(granted)) == len(rows)

            spent = await meter.buffers(settle) / len(rows)
    assert spent < 12


async def test_a_sweep(filled: Database) -> None:
    async with metered(filled) as (connection, meter):
        hosts, spent = await busiest(connection, 100), 0.0
        for _ in range(2):
            worker_id = await claiming.add_worker(filled)
            asks = {host: ClaimRequest(room=20, slices=2) for host in hosts}
            granted = await claims.claim(connection, worker_id, asks)
            await leases.acquire(connection, worker_id, dict.fromkeys(hosts, 4), cap=16)
            claiming.silence(filled, worker_id)

            async def sweep() -> None:
                async with connection.transaction():
                    assert (await workers.sweep(connection, 30.0))[0] == 1

            spent = await meter.buffers(sweep) / len(claiming.images(granted))
    assert spent < 6


async def test_a_claim_of_a_retried_job(filled: Database) -> None:
    """The number of earlier results is looked up for each image, by index."""
    worker_id = await claiming.add_worker(filled)
    async with metered(filled) as (connection, meter):
        await connection.execute("UPDATE jobs SET retries = 1, retried_at = now()", prepare=False)
        await connection.execute(
            "INSERT INTO earlier_results"
            " SELECT job_id, image_no, 1, 'failed', 'dns', NULL, 1, now() FROM images WHERE image_no % 2 = 0",
            prepare=False,
        )
        asks = {host: ClaimRequest(room=200, slices=16) for host in await busiest(connection, 1)}
        for _ in range(3):
            spent, granted = await claim(connection, meter, worker_id, asks)
    images = claiming.images(granted)
    assert all(image.earlier == 1 - image.image_no % 2 for image in images)
    assert spent / len(images) < 10


async def test_a_submit_beside_all_that_waits(filled: Database) -> None:
    async with metered(filled) as (connection, meter):
        for _ in range(3):
            images = [(no, f"http://{no % 10}.example/{no}.png") for no in range(1, 301)]

            async def put_in_line(images: list[tuple[int, str]] = images) -> None:
                builder = SliceBuilder(origin_key)
                for image_no, url in images:
                    builder.add(image_no, url)
                async with connection.transaction():
                    await builder.enqueue(connection, place(new_job_id()))

            spent = await meter.buffers(put_in_line)
    assert spent < 1_500
