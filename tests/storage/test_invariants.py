"""The checker of the tables: silent on a healthy database, and each law found broken, told, and mended."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import psycopg
import pytest

from retailpulse.domain.jobs import Result
from retailpulse.storage import queue, results
from retailpulse.storage.cancelling import cancel_job
from retailpulse.storage.database import Database
from retailpulse.storage.invariants import Finding, Patience, check_invariants
from retailpulse.storage.repairing import repair
from tests.running import wait_for
from tests.storage.jobs import KNOWN, failed, measured, submit, submit_visits
from tests.storage.settling import waiters

URLS = [f"http://photos.example/{number}.png" for number in range(10)]
PATIENCE = Patience(sweep_seconds=0.1, stale_seconds=60.0, work_seconds=60.0, margin_seconds=0.1)
"""Looks again soon: no worker is there whose sweeps would have to be waited for."""
LIVING = "INSERT INTO procrastinate_workers DEFAULT VALUES"
LONG_SILENT = "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')"
TAKEN = (
    "UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT max(id) FROM procrastinate_workers)"
)


async def settle(database: Database, rows: Sequence[Result]) -> None:
    async with database.transaction() as connection:
        await results.settle(connection, rows)


async def whole_job(database: Database, *failures: int) -> UUID:
    """A job of ten images that has ended, some of them failed, and whose messages are gone."""
    job_id = await submit(database, URLS)
    for number in range(1, 11):
        outcome = failed if number in failures else measured
        await settle(database, [outcome(job_id, number)])
    async with database.connection() as connection:
        await queue.drop_job(connection, job_id)
    return job_id


def change(database: Database, *statements: str) -> None:
    with psycopg.connect(database.url) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def found(database: Database) -> dict[str, Finding]:
    return {finding.name: finding for finding in check_invariants(database.url, PATIENCE).findings}


async def mended(database: Database) -> list[str]:
    """What a repair says that it mended."""
    report = check_invariants(database.url, PATIENCE)
    app = queue.make_app()
    async with app.open_async(database.pool), database.transaction() as connection:
        return await repair(connection, app, report, PATIENCE)


async def test_an_empty_database_breaks_no_law(database: Database) -> None:
    report = check_invariants(database.url, PATIENCE)
    assert (report.jobs, report.images, report.results, report.findings) == (0, 0, 0, ())


async def test_a_database_at_work_breaks_no_law_and_is_looked_at_once(database: Database) -> None:
    change(database, LIVING)
    await whole_job(database)
    await whole_job(database, 3, 7)
    begun = await submit(database, URLS)
    await settle(database, [measured(begun, 1), failed(begun, 6)])
    await submit_visits(database, (KNOWN[0], URLS), ("UNKNOWN", URLS), (KNOWN[1], URLS[:5]))
    await submit_visits(database, ("UNKNOWN", URLS))
    cancelled = await submit(database, [*URLS, *URLS])
    await settle(database, [measured(cancelled, 1)])
    async with database.transaction() as connection:
        assert await cancel_job(connection, cancelled)
        await queue.drop_job(connection, cancelled)
    change(database, f"{TAKEN} WHERE id = (SELECT min(id) FROM procrastinate_jobs)")
    waits: list[str] = []
    report = check_invariants(database.url, PATIENCE, before_second_look=waits.append)
    assert (report.findings, waits) == ((), [])
    assert (report.jobs, report.images, report.results) == (6, 85, 20 + 2 + 10 + 10 + 20)


async def test_what_is_mended_before_the_second_look_is_not_told(database: Database) -> None:
    await submit(database, URLS)
    change(database, "CREATE TABLE kept AS TABLE procrastinate_jobs", "DELETE FROM procrastinate_jobs")

    def sweep(sentence: str) -> None:
        assert sentence.startswith("3 open chunks of ongoing jobs that no message names: looking again in ")
        change(database, "INSERT INTO procrastinate_jobs SELECT * FROM kept")

    assert check_invariants(database.url, PATIENCE, before_second_look=sweep).findings == ()


COUNTED = "counters of jobs set to what the rows say: 1"
CHUNKS_COUNTED = "counters of chunks set to what the rows say: 1"
ENDED = "jobs given the status and the end that their results say: 1"
MENDABLE = {
    "a job counts too few": (
        ["UPDATE jobs SET measured = 7"],
        {"job_counters", "job_status"}, [COUNTED]),
    "a job counts one for another": (
        ["UPDATE jobs SET measured = 8, failed = 2"],
        {"job_counters"}, [COUNTED]),
    "a chunk counts too few": (
        ["UPDATE chunks SET settled = 1 WHERE chunk_no = 1"],
        {"chunk_counters", "chunk_open"}, [CHUNKS_COUNTED]),
    "a chunk has fewer images than its range": (
        ["UPDATE chunks SET images = 3, settled = 3 WHERE chunk_no = 0"],
        {"chunk_counters", "images_in_chunks"}, [CHUNKS_COUNTED]),
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
        ["UPDATE jobs SET status = 'ongoing', finished_at = NULL, measured = measured - 1",
         "UPDATE chunks SET settled = settled - 1 WHERE chunk_no = 2"],
        {"job_counters", "chunk_counters", "chunk_without_message"},
        [CHUNKS_COUNTED, COUNTED, ENDED],
    ),
}  # fmt: skip


@pytest.mark.parametrize("broken", MENDABLE)
async def test_what_the_rows_tell_is_found_and_mended(database: Database, broken: str) -> None:
    statements, laws, says = MENDABLE[broken]
    job_id = await whole_job(database, 3)
    before = await job_and_chunks(database, job_id)
    change(database, *statements)
    findings = found(database)
    assert set(findings) == laws
    assert {example.job_id for finding in findings.values() for example in finding.examples} == {str(job_id)}
    assert await mended(database) == says
    assert found(database) == {}
    assert await job_and_chunks(database, job_id) == before


async def job_and_chunks(database: Database, job_id: UUID) -> list[tuple[object, ...]]:
    """All about a job but the moment of its end, which is that of the last result once it is mended."""
    async with database.connection() as connection:
        cursor = await connection.execute(
            "SELECT status, j.images, measured, failed, cancelled, c.chunk_no, c.images, c.settled"
            " FROM jobs j JOIN chunks c USING (job_id) WHERE job_id = %s ORDER BY chunk_no",
            [job_id],
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
        await queue.drop_job(connection, job_id)
    change(database, "UPDATE jobs SET status = 'completed', cancelled = 9")
    assert set(found(database)) == {"job_counters", "job_status", "result_cancelled"}
    await mended(database)
    assert found(database) == {}
    async with database.connection() as connection:
        cursor = await connection.execute("SELECT status, cancelled FROM jobs")
        assert await cursor.fetchone() == ("cancelled", 10)


NOT_MENDABLE = {
    "an image is gone": (
        ["DELETE FROM images WHERE image_no = 5"],
        {"images_accepted": "accepted 10 images, has 9", "result_without_image": "image 5"},
    ),
    "a result is gone and was counted": (
        ["DELETE FROM results WHERE image_no = 5"],
        {"result_missing": "image 5", "job_counters": "counts 10 measured, 0 failed, 0 cancelled"},
    ),
    "a result of an image that never was": (
        ["INSERT INTO results (job_id, image_no, outcome, cause, tries)"
         " SELECT job_id, 11, 'failed', 'dns', 1 FROM jobs"],
        {"result_without_image": "image 11", "job_counters": "the results say 10, 1, 0"},
    ),
    "a job that ended too early": (
        ["DELETE FROM results WHERE image_no > 8", "UPDATE jobs SET measured = 8",
         "UPDATE chunks SET settled = 0 WHERE chunk_no = 2"],
        {"chunk_open": "chunk 2 of a job that is completed", "result_missing": "image 9",
         "job_status": "completed with 8 measured, 0 failed, 0 cancelled of 10"},
    ),
    "a chunk is gone": (
        ["DELETE FROM results WHERE image_no > 8", "DELETE FROM chunks WHERE chunk_no = 2",
         "UPDATE jobs SET measured = 8, status = 'ongoing', finished_at = NULL"],
        {"images_in_chunks": "10 images to fetch, 8 in chunks", "job_without_chunk": "2 images are left"},
    ),
    "an earlier result of a retry that never was": (
        ["INSERT INTO earlier_results SELECT job_id, 5, 1, 'failed', 'dns', NULL, 1, now() FROM jobs"],
        {"earlier_results": "image 5, failed before retry 1 of 0",
         "job_retries": "retried 0 times, the earlier results say 1"},
    ),
    "a retry that left no earlier result": (
        ["UPDATE jobs SET retries = 1, retried_at = now()"],
        {"job_retries": "retried 1 times, the earlier results say 0"},
    ),
    "a job is gone": (
        ["DELETE FROM jobs"],
        {f"{table}_without_job": f"{count} rows"
         for table, count in {"visits": 1, "images": 10, "chunks": 3, "results": 10}.items()},
    ),
}  # fmt: skip


@pytest.mark.parametrize("broken", NOT_MENDABLE)
async def test_what_no_row_can_tell_is_found_and_stays_without_a_result_made_up(
    database: Database, broken: str
) -> None:
    statements, laws = NOT_MENDABLE[broken]
    await whole_job(database)
    change(database, *statements)
    rows = await result_rows(database)
    findings = found(database)
    for law, detail in laws.items():
        assert detail in findings[law].examples[0].detail
    await mended(database)
    assert found(database) != {}
    assert await result_rows(database) == rows


async def result_rows(database: Database) -> list[tuple[object, ...]]:
    async with database.connection() as connection:
        return await (await connection.execute("SELECT * FROM results ORDER BY image_no")).fetchall()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM results WHERE image_no = 11",
        "UPDATE results SET width = 11 WHERE image_no = 11",
        "UPDATE images SET image_url = 'http://photos.example/other.png' WHERE image_no = 11",
        "UPDATE images SET same_as = 2 WHERE image_no = 11",
        "UPDATE images SET same_as = 99 WHERE image_no = 11",
    ],
)
async def test_a_copy_that_is_not_as_its_first_is_found(database: Database, statement: str) -> None:
    job_id = await submit(database, [*URLS, URLS[0]])
    await settle(database, [measured(job_id, number, width=number) for number in range(1, 11)])
    async with database.connection() as connection:
        await queue.drop_job(connection, job_id)
    assert found(database) == {}
    change(database, statement)
    finding = found(database)["copies"]
    assert (finding.count, finding.examples[0].job_id) == (1, str(job_id))
    assert finding.examples[0].detail.startswith("image 11, a copy of image ")


async def test_rows_of_a_job_that_is_being_pruned_break_no_law(database: Database) -> None:
    await whole_job(database)
    change(
        database,
        "INSERT INTO pruned_jobs (job_id) SELECT job_id FROM jobs",
        "DELETE FROM jobs",
        "DELETE FROM images WHERE image_no < 4",
    )
    assert found(database) == {}


async def test_a_finding_counts_all_and_shows_three(database: Database) -> None:
    job_id = await whole_job(database)
    change(database, "DELETE FROM results WHERE image_no <> 2")
    finding = found(database)["result_missing"]
    assert finding.count == 9
    assert [example.detail for example in finding.examples] == ["image 1", "image 3", "image 4"]
    assert {example.job_id for example in finding.examples} == {str(job_id)}


async def test_a_lost_message_is_found_without_any_worker_and_sent_again(database: Database) -> None:
    await submit(database, URLS)
    change(database, "DELETE FROM procrastinate_jobs WHERE args->>'chunk_no' <> '1'")
    findings = found(database)
    assert [example.detail for example in findings["chunk_without_message"].examples] == [
        "chunk 0",
        "chunk 2",
    ]
    assert set(findings) == {"chunk_without_message"}
    assert await mended(database) == ["lost messages sent again: 2"]
    assert found(database) == {}


@pytest.mark.parametrize(
    "arguments",
    ["args", """'{"job_id": "00000000-0000-0000-0000-000000000000", "chunk_no": 0}'""", "'[1]'", "'{}'"],
)
async def test_a_message_without_a_chunk_is_found_and_deleted(database: Database, arguments: str) -> None:
    job_id = await submit(database, URLS)
    await settle(database, [measured(job_id, number) for number in range(1, 11)])
    change(database, "DELETE FROM procrastinate_jobs WHERE args->>'chunk_no' <> '1'")
    change(database, f"UPDATE procrastinate_jobs SET args = {arguments}")
    assert found(database) == {}, "no worker lives that could have taken it"
    change(database, LIVING)
    assert found(database)["message_without_chunk"].count == 1
    assert await mended(database) == ["messages without an open chunk deleted: 1"]
    assert found(database) == {}


async def test_a_message_without_a_chunk_may_wait_while_there_is_work(database: Database) -> None:
    done = await submit(database, URLS)
    await settle(database, [measured(done, number) for number in range(1, 11)])
    await submit(database, URLS)
    change(database, LIVING)
    assert found(database) == {}


async def test_a_message_in_work_may_stay_while_its_worker_can_be_at_its_images(database: Database) -> None:
    job_id = await submit(database, URLS)
    change(database, LIVING, TAKEN)
    async with database.transaction() as connection:
        await cancel_job(connection, job_id)
    assert found(database) == {}
    change(database, "UPDATE results SET settled_at = now() - interval '2 minutes'")
    assert found(database)["message_without_chunk"].count == 3


async def test_a_message_of_a_silent_worker_is_found_and_handed_back(database: Database) -> None:
    await submit(database, URLS)
    change(database, LIVING, LONG_SILENT, f"{TAKEN} WHERE args->>'chunk_no' = '2'")
    assert found(database)["message_of_silent_worker"].count == 1
    assert await mended(database) == ["messages of silent workers handed back: 1"]
    assert found(database) == {}


async def test_a_repair_counts_each_result_once_that_is_settled_meanwhile(database: Database) -> None:
    job_id = await submit(database, URLS)
    await settle(database, [measured(job_id, number) for number in range(1, 6)])
    change(database, "UPDATE jobs SET measured = 1", "UPDATE chunks SET settled = 0")
    async with database.transaction() as settling:
        await results.settle(settling, [measured(job_id, 6), failed(job_id, 9)])
        mending = asyncio.create_task(mended(database))
        await asyncio.to_thread(wait_for, lambda: mending.done() or waiters(database.url))
        assert not mending.done(), "the repair did not wait for who settles"
    await mending
    assert found(database) == {}
    async with database.connection() as connection:
        cursor = await connection.execute("SELECT measured, failed FROM jobs")
        assert await cursor.fetchone() == (6, 1)
