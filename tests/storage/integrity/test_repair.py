"""Repairs: counters, states and ends are found broken and set to what the results say, and nothing else."""

import asyncio
from uuid import UUID

import pytest

from retailpulse.storage.jobs.cancel import cancel_job
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.results import settle as settling
from retailpulse.storage.scheduling.claims import close_grants
from tests.running import wait_for
from tests.storage import claiming
from tests.storage.checking import URLS, change, found, mended, whole_job
from tests.storage.jobs import failed, measured, submit
from tests.storage.settled import settle, waiters

COUNTED = "counters of jobs set to what the rows say: 1"
ENDED = "jobs given the status and the end that their results say: 1"
MENDABLE = {
    "a job counts too few": (
        ["UPDATE jobs SET measured = 7"],
        {"job_counters", "job_status"}, [COUNTED]),
    "a job counts one for another": (
        ["UPDATE jobs SET measured = 8, failed = 2"],
        {"job_counters"}, [COUNTED]),
    "a job with a failure is completed": (
        ["UPDATE jobs SET status = 'completed'"],
        {"job_status"}, [ENDED]),
    "a job has no end": (
        ["UPDATE jobs SET finished_at = NULL"],
        {"job_end"}, [ENDED]),
    "a job goes on with all its images settled": (
        ["UPDATE jobs SET status = 'ongoing', finished_at = NULL"],
        {"job_not_ended"}, [ENDED]),
    "the last result was counted nowhere": (
        ["UPDATE jobs SET status = 'ongoing', finished_at = NULL, measured = measured - 1"],
        {"job_counters"}, [COUNTED, ENDED],
    ),
}  # fmt: skip


@pytest.mark.parametrize("broken", MENDABLE)
async def test_what_the_rows_tell_is_found_and_mended(database: Database, broken: str) -> None:
    statements, invariants, says = MENDABLE[broken]
    job_id = await whole_job(database, 3)
    before = await job_row(database, job_id)
    change(database, *statements)
    findings = found(database)
    assert set(findings) == invariants
    assert {example.job_id for finding in findings.values() for example in finding.examples} == {str(job_id)}
    assert await mended(database) == says
    assert found(database) == {}
    assert await job_row(database, job_id) == before


async def job_row(database: Database, job_id: UUID) -> list[tuple[object, ...]]:
    """All about a job but the moment of its end, which is that of the last result once it is mended."""
    async with database.connection() as connection:
        cursor = await connection.execute(
            "SELECT status, images, measured, failed, cancelled FROM jobs WHERE job_id = %s", [job_id]
        )
        return await cursor.fetchall()


async def test_a_job_mended_to_its_end_ended_with_its_last_result(database: Database) -> None:
    await whole_job(database)
    change(database, "UPDATE jobs SET status = 'ongoing', finished_at = NULL")
    await mended(database)
    async with database.connection() as connection:
        cursor = await connection.execute(
            "SELECT status, finished_at = (SELECT max(settled_at) FROM results) FROM jobs"
        )
        assert await cursor.fetchone() == ("completed", True)


async def test_a_job_with_cancelled_images_is_mended_to_cancelled_and_never_to_completed(
    database: Database,
) -> None:
    job_id = await submit(database, URLS)
    async with database.transaction() as connection:
        await cancel_job(connection, job_id)
    change(database, "UPDATE jobs SET status = 'completed', cancelled = 9")
    assert set(found(database)) == {"job_counters", "job_status", "result_cancelled"}
    await mended(database)
    assert found(database) == {}
    async with database.connection() as connection:
        cursor = await connection.execute("SELECT status, cancelled FROM jobs")
        assert await cursor.fetchone() == ("cancelled", 10)


async def test_a_repair_counts_each_result_once_that_is_settled_meanwhile(database: Database) -> None:
    job_id = await submit(database, URLS)
    await claiming.claim(database, await claiming.add_worker(database))
    await settle(database, [measured(job_id, number) for number in range(1, 6)])
    change(database, "UPDATE jobs SET measured = 1")
    async with database.transaction() as session:
        await settling.settle(session, [measured(job_id, 6), failed(job_id, 9)])
        mending = asyncio.create_task(mended(database))
        await asyncio.to_thread(wait_for, lambda: mending.done() or waiters(database.url))
        assert not mending.done(), "the repair did not wait for who settles"
    await mending
    assert found(database) == {}
    async with database.connection() as connection:
        cursor = await connection.execute("SELECT measured, failed FROM jobs")
        assert await cursor.fetchone() == (6, 1)


async def test_a_repair_of_what_waits_and_who_settles_wait_for_each_other_in_turn(database: Database) -> None:
    job_id = await submit(database, URLS)
    granted = await claiming.claim(database, await claiming.add_worker(database), 8)
    change(database, "DELETE FROM slices")
    async with database.transaction() as session:
        await settling.settle(session, [measured(job_id, number) for number in range(1, 9)])
        mending = asyncio.create_task(mended(database))
        await asyncio.to_thread(wait_for, lambda: mending.done() or waiters(database.url))
        await close_grants(session, claiming.grant_ids(granted))  # as it does at its end
    assert await mending == ["lost images put in line again: 2"]
    assert found(database) == {}
    assert claiming.in_line(database, job_id) == [9, 10]
