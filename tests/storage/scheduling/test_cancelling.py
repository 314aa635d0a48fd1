"""A cancel, a retry or a deletion against everything that moves images: nothing is left, nobody deadlocks."""

import asyncio
import contextlib
import random
from collections.abc import Sequence
from uuid import UUID

import pytest
from msgspec.structs import replace

from retailpulse.domain.errors import Conflict, StaleWrite
from retailpulse.domain.jobs import JobStatus
from retailpulse.fetch import origin_key
from retailpulse.storage.integrity.check import check_invariants
from retailpulse.storage.jobs.cancel import cancel_job
from retailpulse.storage.jobs.retry import retry_job
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.results import settle as settling
from retailpulse.storage.scheduling import claims, hosts, leases, workers
from retailpulse.storage.scheduling.claims import ClaimRequest, Granted, ReturnedImage
from tests.running import wait_for
from tests.storage import claiming
from tests.storage.ended import rows
from tests.storage.jobs import failed, measured, submit
from tests.storage.settled import settle, status, waiters
from tests.storage.truth import THRESHOLDS, check_truth

URLS = [f"http://host{number % 5}.example/{number}.png" for number in range(60)]


async def cancel(database: Database, job_id: UUID) -> bool:
    async with database.transaction() as connection:
        return await cancel_job(connection, job_id)


def held(database: Database, job_id: UUID) -> tuple[list[int], list[int]]:
    return claiming.in_line(database, job_id), claiming.in_work(database, job_id)


async def test_a_job_that_waits_or_is_in_work_is_cancelled_whole_and_no_other(database: Database) -> None:
    job_id, other = await submit(database, URLS), await submit(database, URLS)
    granted = await claiming.claim(database, await claiming.add_worker(database), 4)
    before = held(database, other)
    await settle(database, [measured(job_id, 1), failed(job_id, 2)])
    assert await cancel(database, job_id)
    check_truth(database.url, job_id)
    assert held(database, other) == before
    late = [
        measured(grant.job_id, image.image_no)
        for grant in granted for image in grant.images if grant.job_id == job_id
    ]  # fmt: skip
    assert await settle(database, late, claiming.grant_ids(granted)) == 0
    assert (await status(database, job_id))[0] is JobStatus.CANCELLED
    assert not await cancel(database, job_id)


async def test_a_cancel_waits_for_a_claim_in_progress_and_takes_what_that_got(database: Database) -> None:
    job_id = await submit(database, URLS[:5])
    worker_id = await claiming.add_worker(database)
    asks = {host: ClaimRequest(room=9, slices=9) for (host,) in rows(database, "SELECT host_id FROM slices")}
    async with database.dedicated(planned_once=True) as connection, connection.transaction():
        assert len(await claims.claim(connection, worker_id, asks)) == 5
        cancelling = asyncio.create_task(cancel(database, job_id))
        await asyncio.to_thread(wait_for, lambda: waiters(database.url))
    async with asyncio.timeout(30):
        assert await cancelling
    check_truth(database.url, job_id)


async def test_a_claim_while_a_job_is_cancelled_gets_nothing_of_it_or_all_is_taken_back(
    database: Database,
) -> None:
    job_id = await submit(database, URLS)
    async with database.transaction() as connection:
        assert await cancel_job(connection, job_id)
        async with asyncio.timeout(30):
            assert await claiming.claim(database, await claiming.add_worker(database)) == []
    check_truth(database.url, job_id)


@pytest.mark.parametrize("way", ["sweep", "leave", "hand back"])
async def test_who_puts_images_in_line_while_their_job_is_cancelled_leaves_none_there(
    database: Database, way: str
) -> None:
    job_id = await submit(database, URLS)
    worker_id = await claiming.add_worker(database)
    granted = await claiming.claim(database, worker_id)
    claiming.silence(database, worker_id)
    async with database.transaction() as connection:
        assert await cancel_job(connection, job_id)
        putting_back = asyncio.create_task(_put_back(database, way, worker_id, granted))
        await asyncio.to_thread(wait_for, lambda: waiters(database.url))
    async with asyncio.timeout(30):
        await putting_back
    check_truth(database.url, job_id)


@pytest.mark.parametrize("way", ["sweep", "leave", "hand back"])
async def test_a_cancel_waits_for_who_puts_images_in_line_and_takes_them(
    database: Database, way: str
) -> None:
    job_id = await submit(database, URLS)
    worker_id = await claiming.add_worker(database)
    granted = await claiming.claim(database, worker_id)
    claiming.silence(database, worker_id)
    async with database.transaction() as connection:
        if way == "sweep":
            assert await workers.sweep(connection, 10.0) == (1, 60)
        elif way == "leave":
            assert await workers.leave(connection, [worker_id]) == 60
        else:
            await claims.hand_back(connection, worker_id, _all_of(granted), [job_id])
        cancelling = asyncio.create_task(cancel(database, job_id))
        await asyncio.to_thread(wait_for, lambda: waiters(database.url))
    async with asyncio.timeout(30):
        assert await cancelling
    check_truth(database.url, job_id)


async def _put_back(database: Database, way: str, worker_id: int, granted: Sequence[Granted]) -> None:
    if way == "sweep":
        await claiming.sweep(database)
    elif way == "leave":
        await claiming.leave(database, worker_id)
    else:
        async with database.transaction() as connection:
            await claims.hand_back(connection, worker_id, _all_of(granted), {one.job_id for one in granted})


def _all_of(granted: Sequence[Granted]) -> list[ReturnedImage]:
    return [
        ReturnedImage(grant_id=grant.grant_id, host_id=grant.host_id, image_no=image.image_no)
        for grant in granted for image in grant.images
    ]  # fmt: skip


async def test_a_retried_image_waits_once_though_its_worker_dies_with_the_rest_of_its_grant(
    database: Database,
) -> None:
    job_id = await submit(database, URLS[:1] + [f"http://host0.example/x{number}" for number in range(5)])
    worker_id = await claiming.add_worker(database)
    await claiming.claim(database, worker_id)
    await settle(database, [failed(job_id, 1), measured(job_id, 2)])
    async with database.transaction() as connection:
        assert await retry_job(connection, job_id, causes=None, origin_of=origin_key) == 1
    assert held(database, job_id) == ([1], [2, 3, 4, 5, 6])
    await claiming.leave(database, worker_id)
    assert held(database, job_id) == ([1, 3, 4, 5, 6], [])


async def test_everything_at_once_at_random_ends_without_a_deadlock_and_breaks_no_law(
    database: Database,
) -> None:
    """Workers claim, settle, hand back, fall silent and are swept; jobs are retried and cancelled."""
    jobs = [await submit(database, URLS, priority=number % 3) for number in range(6)]
    stop = asyncio.Event()
    async with asyncio.timeout(180):
        at_work = [asyncio.create_task(_work(database, stop, seed)) for seed in range(4)]
        no_more = asyncio.Event()
        sweeping = asyncio.create_task(_sweep(database, no_more))
        await asyncio.gather(*(_disturb(database, jobs, seed) for seed in range(2)))
        for job_id in jobs[::2]:
            await cancel(database, job_id)
        stop.set()
        await asyncio.gather(*at_work)
        no_more.set()
        await sweeping
    report = check_invariants(database.url, THRESHOLDS)
    assert report.findings == ()
    granted = await claiming.claim(database, await claiming.add_worker(database))
    last = [
        replace(measured(grant.job_id, image.image_no), earlier=image.earlier)
        for grant in granted for image in grant.images
    ]  # fmt: skip
    await settle(database, last, claiming.grant_ids(granted))
    check_truth(database.url, *jobs)
    assert rows(database, "SELECT FROM slices UNION ALL SELECT FROM grants") == []


async def _work(database: Database, stop: asyncio.Event, seed: int) -> None:
    """One worker after another: each does something at random, and leaves or falls silent."""
    dice = random.Random(seed)
    while not stop.is_set():
        worker_id = await claiming.add_worker(database)
        async with database.dedicated(planned_once=True) as connection:
            for _ in range(dice.randint(2, 6)):
                found = await leases.discover(connection, after=0, limit=9, cap=4)
                wants = {waiting.host_id: dice.randint(0, 3) for waiting in found}
                if not wants:
                    break
                await leases.acquire(connection, worker_id, wants, cap=4)
                asks = {host: ClaimRequest(room=dice.randint(1, 9), slices=4) for host in wants}
                granted = await claims.claim(connection, worker_id, asks)
                await _use(database, worker_id, granted, dice)
                await leases.keep(
                    connection, worker_id, [(host, dice.choice((-1, 0, 1)), 0) for host in sorted(wants)]
                )
        if dice.random() < 0.5:
            await claiming.leave(database, worker_id)
        else:
            await asyncio.to_thread(claiming.silence, database, worker_id)  # it may wait for a sweep


async def _use(database: Database, worker_id: int, granted: Sequence[Granted], dice: random.Random) -> None:
    """Settles some grants, hands some back, and keeps the others."""
    for grant in granted:
        if dice.random() < 0.6:
            result = failed if dice.random() < 0.3 else measured
            batch = [
                replace(result(grant.job_id, image.image_no), earlier=image.earlier) for image in grant.images
            ]
            with contextlib.suppress(StaleWrite):
                await settle(database, batch, [grant.grant_id])
        elif dice.random() < 0.5:
            async with database.transaction() as connection:
                await claims.hand_back(connection, worker_id, _all_of([grant])[:3], [grant.job_id])


async def _sweep(database: Database, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await claiming.sweep(database)
        async with database.connection() as connection:
            await hosts.forget_old(connection, 0.0)
    everyone = rows(database, "SELECT worker_id FROM workers")
    claiming.silence(database, *[worker_id for (worker_id,) in everyone])
    await claiming.sweep(database)


async def _disturb(database: Database, jobs: list[UUID], seed: int) -> None:
    """Submits, retries and cancels jobs."""
    dice = random.Random(100 + seed)
    for _ in range(25):
        match dice.randrange(3):
            case 0:
                jobs.append(await submit(database, dice.sample(URLS, 20), priority=dice.randint(-2, 2)))
            case 1:
                with contextlib.suppress(Conflict):
                    async with database.transaction() as connection:
                        await retry_job(connection, dice.choice(jobs), causes=None, origin_of=origin_key)
            case 2:
                await cancel(database, dice.choice(jobs))


async def test_a_cancel_and_the_settling_of_its_images_count_each_once(database: Database) -> None:
    job_id = await submit(database, URLS)
    granted = await claiming.claim(database, await claiming.add_worker(database))
    half = [measured(job_id, number) for number in range(1, 31)]
    async with database.transaction() as connection:
        assert await settling.settle(connection, half) == 30
        cancelling = asyncio.create_task(cancel(database, job_id))
        await asyncio.to_thread(wait_for, lambda: waiters(database.url))
    async with asyncio.timeout(30):
        assert await cancelling
    assert await settle(database, half, claiming.grant_ids(granted)) == 0
    check_truth(database.url, job_id)
