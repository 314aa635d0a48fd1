"""Images that repeat a URL of their job: never claimed, settled exactly once, with the first that has it."""

import asyncio
import random
from collections.abc import Iterable, Sequence
from uuid import UUID

import pytest

from retailpulse.domain.images import Cause, Format, Header, Measurement, Outcome
from retailpulse.domain.jobs import ChunkKey, JobStatus, PendingImage, Result
from retailpulse.storage import queue, results, visits
from retailpulse.storage.database import Database
from retailpulse.storage.jobs import read as jobs
from retailpulse.storage.visits import VisitFilter
from tests.running import wait_for
from tests.storage.jobs import KNOWN, submit, submit_visits
from tests.storage.settling import forget_messages, settle, status, waiters
from tests.storage.truth import check_truth

CORNER_SHOP, MARKET_HALL = KNOWN
A, B, C, D, E, F = (f"http://photos.example/{name}.png" for name in "abcdef")
GONE = "http://photos.example/gone.png"


def result(key: ChunkKey, image: PendingImage, *, width: int = 10) -> Result:
    """What a worker would settle: GONE fails, everything else is measured."""
    failed = image.image_url == GONE
    header = Header(format=Format.PNG, width=width, height=20, displayed_width=width, displayed_height=20)
    return Result(
        chunk=key,
        image_no=image.image_no,
        outcome=Outcome.FAILED if failed else Outcome.MEASURED,
        cause=Cause.HTTP_STATUS if failed else None,
        detail="HTTP 404" if failed else None,
        measurement=None if failed else Measurement(header=header, size_bytes=7, sha256=b"\1" * 32),
        tries=3,
    )


async def claim(database: Database, job_id: UUID, chunk_no: int = 0) -> tuple[ChunkKey, list[PendingImage]]:
    """A chunk of a job, and what a worker would get of it."""
    key = ChunkKey(job_id=job_id, chunk_no=chunk_no)
    async with database.connection() as connection:
        claimed = await jobs.claim_chunk(connection, key)
    return key, claimed.images if claimed else []


async def claimed_results(database: Database, job_id: UUID, chunk_nos: Iterable[int] = (0,)) -> list[Result]:
    """The results of all that a worker would get of some chunks."""
    claims = [await claim(database, job_id, chunk_no) for chunk_no in chunk_nos]
    return [result(key, image) for key, images in claims for image in images]


async def settled(database: Database, job_id: UUID) -> list[tuple[int, str]]:
    """The number and the outcome of every settled image."""
    async with database.connection() as connection:
        cursor = await connection.execute(
            "SELECT image_no, outcome FROM results WHERE job_id = %s ORDER BY image_no", [job_id]
        )
        return [(number, outcome) for number, outcome in await cursor.fetchall()]


async def check(database: Database, *job_ids: UUID) -> None:
    """Checks the whole truth about jobs that are over."""
    await forget_messages(database)
    check_truth(database.url, *job_ids)


def numbers(images: Sequence[PendingImage]) -> list[int]:
    return [image.image_no for image in images]


async def test_copies_in_other_chunks_visits_and_stores_settle_with_the_first(database: Database) -> None:
    job_id = await submit_visits(
        database,
        (CORNER_SHOP, [A, GONE, A, C]),
        (MARKET_HALL, [GONE, D, A, E]),
        (CORNER_SHOP, [F, C]),
        chunk_images=2,
    )
    assert [numbers((await claim(database, job_id, number))[1]) for number in range(4)] == [
        [1, 2],
        [4, 6],
        [8, 9],
        [],
    ]
    assert await settle(database, await claimed_results(database, job_id)) == 5
    assert await settled(database, job_id) == [
        (1, "measured"),
        (2, "failed"),
        (3, "measured"),
        (5, "failed"),
        (7, "measured"),
    ]
    assert await status(database, job_id) == (JobStatus.ONGOING, 3, 2)
    assert await settle(database, await claimed_results(database, job_id, [1, 2])) == 5
    assert await status(database, job_id) == (JobStatus.FAILED, 8, 2)
    await check(database, job_id)


async def test_a_first_that_is_settled_again_changes_no_copy(database: Database) -> None:
    job_id = await submit(database, [A, B, A, A])
    key, (first, other) = await claim(database, job_id)
    assert await settle(database, [result(key, first)]) == 3
    gone = PendingImage(image_no=first.image_no, image_url=GONE)
    assert await settle(database, [result(key, first, width=99), result(key, gone)]) == 0
    assert await settle(database, [result(key, gone), result(key, other)]) == 1
    assert await status(database, job_id) == (JobStatus.COMPLETED, 4, 0)
    await check(database, job_id)


async def test_a_first_twice_in_one_batch_copies_the_result_that_was_kept(database: Database) -> None:
    job_id = await submit(database, [A, A])
    key, (first,) = await claim(database, job_id)
    gone = PendingImage(image_no=first.image_no, image_url=GONE)
    assert await settle(database, [result(key, first), result(key, gone), result(key, first)]) == 2
    assert await status(database, job_id) == (JobStatus.COMPLETED, 2, 0)
    await check(database, job_id)


async def test_a_chunk_that_is_claimed_again_gives_the_firsts_that_are_left(database: Database) -> None:
    job_id = await submit(database, [A, B, B, A, C])
    key, images = await claim(database, job_id)
    assert numbers(images) == [1, 2, 5]
    await settle(database, [result(key, images[1])])
    assert numbers((await claim(database, job_id))[1]) == [1, 5]
    await settle(database, await claimed_results(database, job_id))
    assert await claim(database, job_id) == (key, [])
    await check(database, job_id)


async def test_one_batch_settles_firsts_and_copies_of_two_jobs(database: Database) -> None:
    one = await submit(database, [A, B, A, GONE])
    two = await submit(database, [B, A, B, A, B])
    batch = [*await claimed_results(database, two), *await claimed_results(database, one)]
    assert await settle(database, batch) == 9
    assert await status(database, one) == (JobStatus.FAILED, 3, 1)
    assert await status(database, two) == (JobStatus.COMPLETED, 5, 0)
    await check(database, one, two)


async def test_a_job_of_a_thousand_images_of_one_url_has_one_to_fetch(database: Database) -> None:
    job_id = await submit(database, [A] * 1_000)
    async with database.connection() as connection:
        cursor = await connection.execute("SELECT first_image_no, last_image_no, images FROM chunks")
        assert await cursor.fetchall() == [(1, 1, 1)]
    assert await settle(database, await claimed_results(database, job_id)) == 1_000
    assert await status(database, job_id) == (JobStatus.COMPLETED, 1_000, 0)
    await check(database, job_id)


async def test_an_image_of_an_unknown_store_is_neither_first_nor_copy(database: Database) -> None:
    job_id = await submit_visits(
        database, ("nobody", [A]), (CORNER_SHOP, [A, B]), ("nobody", [B, A]), (MARKET_HALL, [A])
    )
    assert await settled(database, job_id) == [(1, "failed"), (4, "failed"), (5, "failed")]
    assert numbers((await claim(database, job_id))[1]) == [2, 3]
    assert await settle(database, await claimed_results(database, job_id)) == 3
    assert await status(database, job_id) == (JobStatus.FAILED, 3, 3)
    await check(database, job_id)


@pytest.mark.parametrize(
    "other",
    [A.upper(), f"{A}?", f"{A}#", f"{A} ", f" {A}", A.replace("photos", "%70hotos"), A.encode().hex()],
)
async def test_only_the_same_text_is_the_same_url(database: Database, other: str) -> None:
    job_id = await submit(database, [A, other])
    assert numbers((await claim(database, job_id))[1]) == [1, 2]


async def test_two_who_settle_the_same_first_at_once_settle_its_copies_once(database: Database) -> None:
    job_id = await submit(database, [A, B, A, B, A])
    batch = await claimed_results(database, job_id)
    async with database.transaction() as first:
        assert await results.settle(first, batch[:1]) == 3
        second = asyncio.create_task(settle(database, batch))
        await asyncio.to_thread(wait_for, lambda: waiters(database.url))
        assert not second.done()
    assert await second == 2
    await check(database, job_id)


async def test_who_waits_for_a_first_that_is_rolled_back_settles_its_copies(database: Database) -> None:
    job_id = await submit(database, [A, B, A, B, A])
    batch = await claimed_results(database, job_id)
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as first:
            assert await results.settle(first, batch) == 5
            second = asyncio.create_task(settle(database, batch))
            await asyncio.to_thread(wait_for, lambda: waiters(database.url))
            raise ZeroDivisionError
    assert await second == 5
    await check(database, job_id)


async def test_many_who_settle_overlapping_firsts_never_deadlock(database: Database) -> None:
    dice = random.Random(11)
    urls = [f"{A}?{number}" for number in range(40)] * 3
    dice.shuffle(urls)
    job_ids = [await submit(database, urls) for _ in range(3)]
    everything = [one for job_id in job_ids for one in await claimed_results(database, job_id, range(10))]
    assert len(everything) == 120
    batches = [dice.sample(everything, 60) for _ in range(30)] + [everything[::-1]]
    assert sum(await asyncio.gather(*(settle(database, batch) for batch in batches))) == 360
    await check(database, *job_ids)


async def test_a_chunk_whose_firsts_are_settled_is_sent_no_more(database: Database) -> None:
    job_id = await submit(database, [A, B, A, C], chunk_images=2)
    await settle(database, await claimed_results(database, job_id))
    await forget_messages(database)
    async with database.connection() as connection:
        lost, _ = await queue.find_chunks_without_message(connection)
    assert [chunk.key for chunk in lost] == [ChunkKey(job_id=job_id, chunk_no=1)]


async def test_failures_and_perimeters_count_every_copy_where_it_stands(database: Database) -> None:
    job_id = await submit_visits(
        database, (CORNER_SHOP, [A, GONE]), (MARKET_HALL, [GONE, A, A, GONE]), (CORNER_SHOP, [GONE])
    )
    await settle(database, await claimed_results(database, job_id))
    async with database.connection() as connection:
        failures = await jobs.store_failures(connection, job_id)
        assert await jobs.cause_counts(connection, job_id) == {"http_status": 4}
        everywhere = VisitFilter(area_codes=("7100015",))
        told = await visits.read_visits(connection, everywhere, after=None, limit=10)
    assert [(failure.store_id, failure.failed, failure.store_images) for failure in failures] == [
        (CORNER_SHOP, 2, 3),
        (MARKET_HALL, 2, 4),
    ]
    assert [visit.perimeter for visit in told] == [60, 0, 120]
