"""Settling: exactly one result per image and exact counts, whoever settles what, how often and when."""

import asyncio
import random

import msgspec
import pytest

from retailpulse.domain.ids import new_job_id
from retailpulse.domain.jobs import JobStatus
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.results import settle as settling
from tests.running import wait_for
from tests.storage import claiming
from tests.storage.jobs import failed, measured, submit
from tests.storage.settled import settle, status, waiters
from tests.storage.truth import check_truth

URLS = [f"http://photos.example/{number}.png" for number in range(10)]


async def test_a_result_that_comes_again_changes_nothing(database: Database) -> None:
    job_id = await submit(database, URLS)
    first = [measured(job_id, number) for number in range(1, 6)]
    assert await settle(database, first) == 5
    assert await settle(database, first) == 0
    assert await settle(database, [failed(job_id, 1), measured(job_id, 2, width=99)]) == 0
    assert await status(database, job_id) == (JobStatus.ONGOING, 5, 0)
    async with database.connection() as connection:
        cursor = await connection.execute(
            "SELECT DISTINCT outcome, width FROM results WHERE job_id = %s", [job_id]
        )
        assert await cursor.fetchall() == [("measured", 10)]


async def test_an_image_twice_in_one_batch_counts_once(database: Database) -> None:
    job_id = await submit(database, URLS)
    assert await settle(database, [measured(job_id, 1), failed(job_id, 1), measured(job_id, 1)]) == 1
    assert await status(database, job_id) == (JobStatus.ONGOING, 1, 0)


async def test_only_the_last_image_ends_a_job(database: Database) -> None:
    job_id = await submit(database, URLS)
    for number in range(1, 10):
        await settle(database, [measured(job_id, number)])
        assert await status(database, job_id) == (JobStatus.ONGOING, number, 0)
    await settle(database, [measured(job_id, 10)])
    assert await status(database, job_id) == (JobStatus.COMPLETED, 10, 0)
    check_truth(database.url, job_id)


async def test_one_failed_image_makes_the_job_end_failed(database: Database) -> None:
    job_id = await submit(database, URLS)
    await settle(database, [failed(job_id, 1)])
    assert await status(database, job_id) == (JobStatus.ONGOING, 0, 1)
    await settle(database, [measured(job_id, number) for number in range(1, 11)])
    assert await status(database, job_id) == (JobStatus.FAILED, 9, 1)
    check_truth(database.url, job_id)


async def test_two_who_settle_the_same_images_at_once_count_each_once(database: Database) -> None:
    job_id = await submit(database, URLS)
    async with database.transaction() as first:
        assert await settling.settle(first, [measured(job_id, number) for number in range(1, 8)]) == 7
        second = asyncio.create_task(settle(database, [failed(job_id, number) for number in range(4, 11)]))
        await asyncio.to_thread(wait_for, lambda: waiters(database.url))
        assert not second.done()
    assert await second == 3
    assert await status(database, job_id) == (JobStatus.FAILED, 7, 3)
    check_truth(database.url, job_id)


async def test_who_waits_for_a_transaction_that_is_rolled_back_settles_it_all(database: Database) -> None:
    job_id = await submit(database, URLS)
    everything = [measured(job_id, number) for number in range(1, 11)]
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as first:
            assert await settling.settle(first, everything) == 10
            second = asyncio.create_task(settle(database, everything))
            await asyncio.to_thread(wait_for, lambda: waiters(database.url))
            raise ZeroDivisionError
    assert await second == 10
    assert await status(database, job_id) == (JobStatus.COMPLETED, 10, 0)


async def test_many_who_settle_overlapping_batches_of_several_jobs_never_deadlock(database: Database) -> None:
    urls = [f"{url}?{number}" for url in URLS for number in range(4)]
    job_ids = [await submit(database, urls) for _ in range(3)]
    everything = [measured(job_id, number) for job_id in job_ids for number in range(1, 41)]
    dice = random.Random(7)
    batches = [dice.sample(everything, 60) for _ in range(30)] + [everything[::-1]]
    settled = await asyncio.gather(*(settle(database, batch) for batch in batches))
    assert sum(settled) == 120
    check_truth(database.url, *job_ids)


async def test_a_grant_is_closed_with_the_last_of_its_results_or_not_at_all(database: Database) -> None:
    job_id = await submit(database, URLS)
    granted = await claiming.claim(database, await claiming.add_worker(database))
    assert claiming.in_work(database, job_id) == list(range(1, 11))
    everything = [measured(job_id, number) for number in range(1, 11)]
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as connection:
            await settling.settle(connection, everything, claiming.grant_ids(granted))
            raise ZeroDivisionError
    assert claiming.in_work(database, job_id) == list(range(1, 11))
    await settle(database, everything[:9])
    assert claiming.in_work(database, job_id) == list(range(1, 11))
    await settle(database, everything, claiming.grant_ids(granted))
    check_truth(database.url, job_id)


async def test_what_waits_of_a_job_whose_results_come_late_goes_when_it_ends(database: Database) -> None:
    """A worker that was taken for dead writes what it had: its images wait again, or others have them."""
    job_id, other = await submit(database, URLS), await submit(database, URLS)
    sleeper = await claiming.add_worker(database)
    await claiming.claim(database, sleeper)
    await claiming.leave(database, sleeper)
    await claiming.claim(database, await claiming.add_worker(database), 8)
    late = [measured(job_id, number) for number in range(1, 11)]
    await settle(database, late[:9])
    assert claiming.in_line(database, job_id) + claiming.in_work(database, job_id) != []
    await settle(database, late)
    check_truth(database.url, job_id)
    left = claiming.in_line(database, other) + claiming.in_work(database, other)
    assert sorted(left) == list(range(1, 11))


async def test_results_of_a_job_that_is_gone_harm_no_other(database: Database) -> None:
    job_id = await submit(database, URLS[:1])
    await settle(database, [measured(new_job_id(), 1), measured(job_id, 1)])
    assert await status(database, job_id) == (JobStatus.COMPLETED, 1, 0)


async def test_facts_that_postgresql_cannot_store_are_written_without_what_it_refuses(
    database: Database,
) -> None:
    job_id = await submit(database, URLS)
    result = measured(job_id, 1)
    assert result.measurement is not None
    facts = msgspec.structs.replace(result.measurement, suspect="nul \0 here", sha256="0a" * 32)
    assert await settle(database, [msgspec.structs.replace(result, measurement=facts)]) == 1
    async with database.connection() as connection:
        cursor = await connection.execute(
            "SELECT suspect, sha256, width FROM results WHERE job_id = %s", [job_id]
        )
        assert await cursor.fetchall() == [("nul \ufffd here", b"\x0a" * 32, 10)]


async def test_a_text_that_the_database_refuses_is_kept_without_what_it_refuses(database: Database) -> None:
    job_id = await submit(database, URLS[:2])
    bad = [failed(job_id, 1, detail="nul \0 here"), failed(job_id, 2, detail="half a pair \ud800 here")]
    assert await settle(database, bad) == 2
    async with database.connection() as connection:
        cursor = await connection.execute(
            "SELECT detail FROM results WHERE job_id = %s ORDER BY image_no", [job_id]
        )
        assert await cursor.fetchall() == [("nul \ufffd here",), ("half a pair ? here",)]
