"""Retries: what failed is unsettled again, exactly that; a result from before that comes late is refused."""

import asyncio
import contextlib
from collections.abc import Sequence
from uuid import UUID

import psycopg
import pytest
from msgspec.structs import replace

from retailpulse.domain.errors import Conflict, NotFound, StaleWrite
from retailpulse.domain.ids import new_job_id
from retailpulse.domain.images import Cause
from retailpulse.domain.jobs import JobStatus
from retailpulse.fetch import origin_key
from retailpulse.schema import ImageResult
from retailpulse.storage.integrity.check import check_invariants
from retailpulse.storage.jobs import prune as pruning
from retailpulse.storage.jobs.cancel import cancel_job
from retailpulse.storage.jobs.retry import retry_job
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.results import settle as settling
from retailpulse.storage.scheduling.claims import Granted
from tests.running import wait_for
from tests.storage import claiming
from tests.storage.jobs import KNOWN, failed, measured, submit, submit_visits
from tests.storage.settled import settle, status, waiters
from tests.storage.truth import THRESHOLDS, check_truth

URLS = [f"http://photos.example/{number}.png" for number in range(10)]
UNKNOWN = "RP99999"
COUNTED = "UPDATE jobs SET measured"


async def retry(database: Database, job_id: UUID, *causes: Cause) -> int:
    async with database.transaction() as connection:
        return await retry_job(connection, job_id, causes=causes or None, origin_of=origin_key)


async def failed_job(database: Database, *failures: int, urls: Sequence[str] = URLS) -> UUID:
    """A job that has ended with failures of these numbers."""
    job_id = await submit(database, urls)
    rows = [
        (failed if number in failures else measured)(job_id, number) for number in range(1, 1 + len(urls))
    ]
    await settle(database, rows)
    return job_id


async def claim(database: Database) -> list[Granted]:
    """All that waits, as a new worker gets it."""
    return await claiming.claim(database, await claiming.add_worker(database))


async def settle_rest(database: Database) -> int:
    """Measures whatever waits; returns how many images these were."""
    granted = await claim(database)
    given = [
        replace(measured(grant.job_id, image.image_no), earlier=image.earlier)
        for grant in granted
        for image in grant.images
    ]
    return await settle(database, given, claiming.grant_ids(granted))


def rows(database: Database, query: str, *values: object) -> list[tuple[object, ...]]:
    with psycopg.connect(database.url) as connection:
        return connection.execute(query.encode(), values).fetchall()


def earlier(database: Database, job_id: UUID) -> list[tuple[object, ...]]:
    query = "SELECT image_no, retry_no, cause FROM earlier_results WHERE job_id = %s ORDER BY 1, 2"
    return rows(database, query, job_id)


def broken(database: Database) -> set[str]:
    """The invariants that do not hold."""
    return {finding.name for finding in check_invariants(database.url, THRESHOLDS).findings}


async def test_what_failed_is_unsettled_again_and_what_was_measured_stays(database: Database) -> None:
    job_id = await failed_job(database, 2, 3, 9)
    assert await retry(database, job_id) == 3
    assert await status(database, job_id) == (JobStatus.ONGOING, 7, 0)
    assert earlier(database, job_id) == [(2, 1, "http_status"), (3, 1, "http_status"), (9, 1, "http_status")]
    assert broken(database) == set()
    assert claiming.in_line(database, job_id) == [2, 3, 9]
    assert await settle_rest(database) == 3
    assert await status(database, job_id) == (JobStatus.COMPLETED, 10, 0)
    check_truth(database.url, job_id)


async def test_a_job_may_fail_again_and_be_retried_again(database: Database) -> None:
    job_id = await failed_job(database, 5)
    for number in (1, 2):
        await retry(database, job_id)
        assert broken(database) == set()
        granted = await claim(database)
        assert [(image.image_no, image.earlier) for image in claiming.images(granted)] == [(5, number)]
        again = [replace(failed(job_id, 5), earlier=number)]
        await settle(database, again, claiming.grant_ids(granted))
        assert await status(database, job_id) == (JobStatus.FAILED, 9, 1)
    assert earlier(database, job_id) == [(5, 1, "http_status"), (5, 2, "http_status")]
    check_truth(database.url, job_id)


async def test_only_failures_of_the_causes_named_are_retried(database: Database) -> None:
    job_id = await submit(database, URLS)
    slow = [replace(failed(job_id, number), cause=Cause.TIMEOUT) for number in (1, 5)]
    await settle(database, [*slow, *[failed(job_id, number) for number in (2, 3, 4, 6, 7, 8, 9, 10)]])
    with pytest.raises(Conflict, match=r"no image with dns or tls of the job .* has failed"):
        await retry(database, job_id, Cause.DNS, Cause.TLS)
    assert await status(database, job_id) == (JobStatus.FAILED, 0, 10)
    assert await retry(database, job_id, Cause.TIMEOUT) == 2
    assert await status(database, job_id) == (JobStatus.ONGOING, 0, 8)
    assert await settle_rest(database) == 2
    assert await status(database, job_id) == (JobStatus.FAILED, 2, 8)
    check_truth(database.url, job_id)


async def test_copies_are_retried_with_their_first(database: Database) -> None:
    job_id = await submit(database, [URLS[0], URLS[1], URLS[0], URLS[1], URLS[0]])
    await settle(database, [failed(job_id, 1), measured(job_id, 2)])
    assert await retry(database, job_id) == 3
    assert broken(database) == set()
    assert claiming.in_line(database, job_id) == [1]
    assert await settle_rest(database) == 3
    assert await status(database, job_id) == (JobStatus.COMPLETED, 5, 0)
    check_truth(database.url, job_id)


async def test_a_job_that_goes_on_is_retried_without_its_images_in_hand(database: Database) -> None:
    job_id = await submit(database, URLS)
    held = claiming.grant_ids(await claim(database))
    await settle(database, [failed(job_id, 1), measured(job_id, 2)])
    in_hand = [measured(job_id, number) for number in range(3, 11)]
    await retry(database, job_id)
    assert broken(database) == set()
    assert (claiming.in_line(database, job_id), claiming.in_work(database, job_id)) == (
        [1],
        list(range(2, 11)),
    )
    assert await settle(database, in_hand, held) == 8  # claimed before the retry, and of as much use after it
    assert await settle_rest(database) == 1
    assert await status(database, job_id) == (JobStatus.COMPLETED, 10, 0)
    check_truth(database.url, job_id)


async def test_images_of_a_store_that_is_still_unknown_fail_again_at_once(database: Database) -> None:
    job_id = await submit_visits(database, (UNKNOWN, URLS[:3]))
    assert await retry(database, job_id) == 0
    assert claiming.in_line(database, job_id) == []
    assert await status(database, job_id) == (JobStatus.FAILED, 0, 3)
    assert [number for number, *_ in earlier(database, job_id)] == [1, 2, 3]
    check_truth(database.url, job_id)


async def test_images_of_a_store_that_is_known_by_now_are_fetched(database: Database) -> None:
    visits = ((UNKNOWN, URLS[:3]), (KNOWN[0], URLS[3:6]), (UNKNOWN, URLS[6:]), ("nobody", URLS[:2]))
    job_id = await submit_visits(database, *visits)
    held = claiming.grant_ids(await claim(database))
    await settle(database, [measured(job_id, 4), failed(job_id, 5)])
    with psycopg.connect(database.url) as connection:
        connection.execute("INSERT INTO stores VALUES (%s, '7100015', 'New Shop')", [UNKNOWN])
    assert await retry(database, job_id) == 8
    assert broken(database) == set()
    assert claiming.in_line(database, job_id) == [1, 2, 3, 5, 7, 8, 9, 10]
    assert claiming.in_work(database, job_id) == [4, 6]
    assert await settle(database, [measured(job_id, 6)], held) == 1
    assert await settle_rest(database) == 8
    assert await status(database, job_id) == (JobStatus.FAILED, 10, 2)
    assert rows(database, "SELECT store_known FROM visits ORDER BY visit_no") == [(True,)] * 3 + [(False,)]
    check_truth(database.url, job_id)


async def test_a_result_from_before_the_retry_is_refused_after_it(database: Database) -> None:
    job_id = await failed_job(database, 2, 3)
    await retry(database, job_id)
    late = [measured(job_id, 2), failed(job_id, 3), measured(job_id, 4)]
    assert await settle(database, late) == 0
    assert await status(database, job_id) == (JobStatus.ONGOING, 8, 0)
    assert broken(database) == set()
    assert await settle(database, [*late, replace(measured(job_id, 2, width=7), earlier=1)]) == 1
    assert rows(database, "SELECT width FROM results WHERE image_no = 2") == [(7,)]
    assert await settle_rest(database) == 1
    check_truth(database.url, job_id)


async def test_who_settles_in_the_moment_of_a_retry_has_to_do_it_anew(database: Database) -> None:
    job_id = await failed_job(database, 2)
    late = [measured(job_id, 2)]
    async with database.transaction() as retrying:
        await retry_job(retrying, job_id, causes=None, origin_of=origin_key)
        settling = asyncio.create_task(settle(database, late))
        await asyncio.to_thread(wait_for, lambda: waiters(database.url))  # for the row that is taken back
    with pytest.raises(StaleWrite):
        await settling
    assert await status(database, job_id) == (JobStatus.ONGOING, 9, 0)
    assert await settle(database, late) == 0
    assert await settle_rest(database) == 1
    check_truth(database.url, job_id)


async def test_the_last_result_and_a_retry_at_once_count_right(database: Database) -> None:
    job_id = await submit(database, URLS)
    await settle(database, [failed(job_id, number) for number in range(1, 10)])
    async with database.transaction() as session:
        await settling.settle(session, [failed(job_id, 10)])  # which ends the job
        retrying = asyncio.create_task(retry(database, job_id))
        await asyncio.to_thread(wait_for, lambda: waiters(database.url))
    assert await retrying == 9
    assert await status(database, job_id) == (JobStatus.ONGOING, 0, 1)
    assert broken(database) == set()
    await settle_rest(database)
    check_truth(database.url, job_id)


async def test_a_cancel_waits_for_a_retry_and_ends_what_it_opened(database: Database) -> None:
    job_id = await submit(database, URLS)
    await settle(database, [failed(job_id, 1), measured(job_id, 2)])

    async def cancel() -> bool:
        async with database.transaction() as connection:
            return await cancel_job(connection, job_id)

    async with database.transaction() as retrying:
        await retry_job(retrying, job_id, causes=None, origin_of=origin_key)
        cancelling = asyncio.create_task(cancel())
        await asyncio.to_thread(wait_for, lambda: waiters(database.url))
    assert await cancelling
    assert rows(database, "SELECT status, measured, failed, cancelled FROM jobs") == [("cancelled", 1, 0, 9)]
    with pytest.raises(Conflict, match="was cancelled"):
        await retry(database, job_id)
    check_truth(database.url, job_id)


async def test_two_retries_at_once_take_each_failure_back_once(database: Database) -> None:
    job_id = await failed_job(database, 1, 2)
    answers = await asyncio.gather(*(retry(database, job_id) for _ in range(5)), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["Conflict"] * 4 + ["int"]
    assert broken(database) == set()
    await settle_rest(database)
    check_truth(database.url, job_id)


async def test_retries_settles_and_a_cancel_at_random_break_no_law(database: Database) -> None:
    job_ids = [await submit(database, URLS) for _ in range(4)]

    async def work(dice: int) -> None:
        worker_id = await claiming.add_worker(database)
        for _ in range(9):
            granted = await claiming.claim(database, worker_id, 4)
            batch: list[ImageResult] = [
                replace((failed if (image.image_no + dice) % 3 else measured)(grant.job_id, image.image_no),
                        earlier=image.earlier)
                for grant in granted for image in grant.images
            ]  # fmt: skip
            with contextlib.suppress(StaleWrite):  # then its images stay in its hands
                await settle(database, batch, claiming.grant_ids(granted))
        await claiming.leave(database, worker_id)

    async def change(job_id: UUID) -> None:
        for _ in range(4):
            try:
                await retry(database, job_id)
            except Conflict:
                await asyncio.sleep(0)

    async def cancel(job_id: UUID) -> None:
        async with database.transaction() as connection:
            await cancel_job(connection, job_id)

    await asyncio.gather(
        *(work(dice) for dice in range(6)),
        *(change(job_id) for job_id in job_ids),
        cancel(job_ids[0]),
    )
    assert broken(database) == set()
    await settle_rest(database)
    check_truth(database.url, *job_ids)


async def test_a_job_that_is_not_there_or_has_no_failure_is_not_retried(database: Database) -> None:
    with pytest.raises(NotFound):
        await retry(database, new_job_id())
    job_id = await failed_job(database)
    with pytest.raises(Conflict, match=r"no image of the job .* has failed"):
        await retry(database, job_id)
    assert await status(database, job_id) == (JobStatus.COMPLETED, 10, 0)


async def test_a_deleted_job_takes_its_earlier_results_along(database: Database) -> None:
    job_id = await failed_job(database, 1)
    await retry(database, job_id)
    async with database.transaction() as connection:
        with pytest.raises(Conflict, match="cancel it first"):
            await pruning.hide_job(connection, job_id)
    await settle_rest(database)
    async with database.transaction() as connection:
        await pruning.hide_job(connection, job_id)
        with pytest.raises(NotFound):
            await pruning.hide_job(connection, job_id)
    left = await _remains(database, job_id)
    assert left == {"visits", "job_stores", "results", "earlier_results", "images"}
    assert await settle(database, [measured(job_id, 1)]) == 0
    assert broken(database) == set()


async def _remains(database: Database, job_id: UUID) -> set[str]:
    async with database.connection() as connection:
        return {part.table for part in await pruning.remains(connection, job_id, 1_000)}


async def test_who_settles_in_the_moment_of_a_deletion_leaves_nothing_behind(database: Database) -> None:
    job_id = await failed_job(database, 1)
    async with database.transaction() as deleting:
        await pruning.hide_job(deleting, job_id)
        await deleting.execute("DELETE FROM results WHERE job_id = %s", [job_id])
        settling = asyncio.create_task(settle(database, [measured(job_id, 1)]))
        await asyncio.to_thread(wait_for, lambda: waiters(database.url))
    with pytest.raises(StaleWrite):
        await settling
    assert rows(database, "SELECT count(*) FROM results") == [(0,)]
