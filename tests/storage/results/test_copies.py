"""Images that repeat a URL of their job: never claimed, settled exactly once, with the first that has it."""

import asyncio
import random
from collections.abc import Iterable, Sequence
from uuid import UUID

import pytest

from retailpulse.domain.images import Cause, Format, Header, Outcome
from retailpulse.domain.jobs import JobStatus, PendingImage
from retailpulse.fetch import origin_key
from retailpulse.measure import make_measurement
from retailpulse.schema import ImageResult
from retailpulse.storage.jobs import read as jobs
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.results import settle as settling
from retailpulse.storage.scheduling.claims import Granted
from retailpulse.storage.scheduling.enqueue import enqueue_missing
from retailpulse.storage.stores import visits
from retailpulse.storage.stores.visits import VisitFilter
from tests.running import wait_for
from tests.storage import claiming
from tests.storage.jobs import KNOWN, place, submit, submit_visits
from tests.storage.settled import settle, status, waiters
from tests.storage.truth import check_truth

CORNER_SHOP, MARKET_HALL = KNOWN
A, B, C, D, E, F = (f"http://photos.example/{name}.png" for name in "abcdef")
GONE = "http://photos.example/gone.png"


def result(job_id: UUID, image: PendingImage, *, width: int = 10) -> ImageResult:
    """What a worker would settle: GONE fails, everything else is measured."""
    failed = image.image_url == GONE
    header = Header(format=Format.PNG, width=width, height=20, displayed_width=width, displayed_height=20)
    return ImageResult(
        job_id=job_id,
        image_no=image.image_no,
        outcome=Outcome.FAILED if failed else Outcome.MEASURED,
        cause=Cause.HTTP_STATUS if failed else None,
        detail="HTTP 404" if failed else None,
        measurement=None if failed else make_measurement(header, size_bytes=7, sha256="01" * 32),
        tries=3,
    )


async def claim(database: Database) -> list[Granted]:
    """All that waits, as a new worker gets it."""
    return await claiming.claim(database, await claiming.add_worker(database))


def results_of(granted: Iterable[Granted]) -> list[ImageResult]:
    """The results of all that a worker got."""
    return [result(grant.job_id, image) for grant in granted for image in grant.images]


async def end(database: Database, granted: Sequence[Granted]) -> int:
    """Settles all that a worker got; how many images have a result by that."""
    return await settle(database, results_of(granted), claiming.grant_ids(granted))


async def settled(database: Database, job_id: UUID) -> list[tuple[int, str]]:
    """The number and the outcome of every settled image."""
    async with database.connection() as connection:
        cursor = await connection.execute(
            "SELECT image_no, outcome FROM results WHERE job_id = %s ORDER BY image_no", [job_id]
        )
        return [(number, outcome) for number, outcome in await cursor.fetchall()]


async def test_copies_in_other_visits_and_stores_settle_with_the_first(database: Database) -> None:
    job_id = await submit_visits(
        database, (CORNER_SHOP, [A, GONE, A, C]), (MARKET_HALL, [GONE, D, A, E]), (CORNER_SHOP, [F, C])
    )
    granted = await claim(database)
    assert claiming.numbers(granted) == [1, 2, 4, 6, 8, 9]
    first, second, *others = results_of(granted)
    assert await settle(database, [first, second]) == 5
    assert await settled(database, job_id) == [
        (1, "measured"),
        (2, "failed"),
        (3, "measured"),
        (5, "failed"),
        (7, "measured"),
    ]
    assert await status(database, job_id) == (JobStatus.ONGOING, 3, 2)
    assert await settle(database, others, claiming.grant_ids(granted)) == 5
    assert await status(database, job_id) == (JobStatus.FAILED, 8, 2)
    check_truth(database.url, job_id)


async def test_a_first_that_is_settled_again_changes_no_copy(database: Database) -> None:
    job_id = await submit(database, [A, B, A, A])
    granted = await claim(database)
    first, other = claiming.images(granted)
    assert await settle(database, [result(job_id, first)]) == 3
    gone = PendingImage(image_no=first.image_no, image_url=GONE)
    assert await settle(database, [result(job_id, first, width=99), result(job_id, gone)]) == 0
    last = [result(job_id, gone), result(job_id, other)]
    assert await settle(database, last, claiming.grant_ids(granted)) == 1
    assert await status(database, job_id) == (JobStatus.COMPLETED, 4, 0)
    check_truth(database.url, job_id)


async def test_a_first_twice_in_one_batch_copies_the_result_that_was_kept(database: Database) -> None:
    job_id = await submit(database, [A, A])
    granted = await claim(database)
    (first,) = claiming.images(granted)
    gone = PendingImage(image_no=first.image_no, image_url=GONE)
    thrice = [result(job_id, first), result(job_id, gone), result(job_id, first)]
    assert await settle(database, thrice, claiming.grant_ids(granted)) == 2
    assert await status(database, job_id) == (JobStatus.COMPLETED, 2, 0)
    check_truth(database.url, job_id)


async def test_a_worker_that_leaves_gives_back_the_firsts_that_are_left(database: Database) -> None:
    job_id = await submit(database, [A, B, B, A, C])
    worker_id = await claiming.add_worker(database)
    granted = await claiming.claim(database, worker_id)
    assert claiming.numbers(granted) == [1, 2, 5]
    await settle(database, [result(job_id, claiming.images(granted)[1])])
    assert await claiming.leave(database, worker_id) == 2
    again = await claim(database)
    assert claiming.numbers(again) == [1, 5]
    await end(database, again)
    assert await claim(database) == []
    check_truth(database.url, job_id)


async def test_one_batch_settles_firsts_and_copies_of_two_jobs(database: Database) -> None:
    one = await submit(database, [A, B, A, GONE])
    two = await submit(database, [B, A, B, A, B])
    granted = await claim(database)
    assert set(claiming.counts(granted)) == {one, two}
    assert await end(database, granted) == 9
    assert await status(database, one) == (JobStatus.FAILED, 3, 1)
    assert await status(database, two) == (JobStatus.COMPLETED, 5, 0)
    check_truth(database.url, one, two)


async def test_a_job_of_a_thousand_images_of_one_url_has_one_to_fetch(database: Database) -> None:
    job_id = await submit(database, [A] * 1_000)
    assert claiming.in_line(database, job_id) == [1]
    assert await end(database, await claim(database)) == 1_000
    assert await status(database, job_id) == (JobStatus.COMPLETED, 1_000, 0)
    check_truth(database.url, job_id)


async def test_an_image_of_an_unknown_store_is_neither_first_nor_copy(database: Database) -> None:
    job_id = await submit_visits(
        database, ("nobody", [A]), (CORNER_SHOP, [A, B]), ("nobody", [B, A]), (MARKET_HALL, [A])
    )
    assert await settled(database, job_id) == [(1, "failed"), (4, "failed"), (5, "failed")]
    granted = await claim(database)
    assert claiming.numbers(granted) == [2, 3]
    assert await end(database, granted) == 3
    assert await status(database, job_id) == (JobStatus.FAILED, 3, 3)
    check_truth(database.url, job_id)


@pytest.mark.parametrize(
    "other",
    [A.upper(), f"{A}?", f"{A}#", f"{A} ", f" {A}", A.replace("photos", "%70hotos"), A.encode().hex()],
)
async def test_only_the_same_text_is_the_same_url(database: Database, other: str) -> None:
    await submit(database, [A, other])
    assert claiming.numbers(await claim(database)) == [1, 2]


async def test_two_who_settle_the_same_first_at_once_settle_its_copies_once(database: Database) -> None:
    job_id = await submit(database, [A, B, A, B, A])
    granted = await claim(database)
    batch = results_of(granted)
    async with database.transaction() as first:
        assert await settling.settle(first, batch[:1]) == 3
        second = asyncio.create_task(end(database, granted))
        await asyncio.to_thread(wait_for, lambda: waiters(database.url))
        assert not second.done()
    assert await second == 2
    check_truth(database.url, job_id)


async def test_who_waits_for_a_first_that_is_rolled_back_settles_its_copies(database: Database) -> None:
    job_id = await submit(database, [A, B, A, B, A])
    granted = await claim(database)
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as first:
            assert await settling.settle(first, results_of(granted), claiming.grant_ids(granted)) == 5
            second = asyncio.create_task(end(database, granted))
            await asyncio.to_thread(wait_for, lambda: waiters(database.url))
            raise ZeroDivisionError
    assert await second == 5
    check_truth(database.url, job_id)


async def test_many_who_settle_overlapping_firsts_never_deadlock(database: Database) -> None:
    dice = random.Random(11)
    urls = [f"{A}?{number}" for number in range(40)] * 3
    dice.shuffle(urls)
    job_ids = [await submit(database, urls) for _ in range(3)]
    granted = await claim(database)
    everything = results_of(granted)
    assert len(everything) == 120
    batches = [dice.sample(everything, 60) for _ in range(30)] + [everything[::-1]]
    grant_ids = claiming.grant_ids(granted)
    assert sum(await asyncio.gather(*(settle(database, batch, grant_ids) for batch in batches))) == 360
    check_truth(database.url, *job_ids)


async def test_a_copy_never_waits_also_where_what_is_missing_is_put_in_line(database: Database) -> None:
    job_id = await submit(database, [A, B, A, C])
    first, *_ = results_of(granted := await claim(database))
    await settle(database, [first], claiming.grant_ids(granted))  # and the others are lost
    async with database.transaction() as connection:
        assert await enqueue_missing(connection, place(job_id), origin_key) == 2
    assert claiming.in_line(database, job_id) == [2, 4]


async def test_failures_and_perimeters_count_every_copy_where_it_stands(database: Database) -> None:
    job_id = await submit_visits(
        database, (CORNER_SHOP, [A, GONE]), (MARKET_HALL, [GONE, A, A, GONE]), (CORNER_SHOP, [GONE])
    )
    await end(database, await claim(database))
    async with database.connection() as connection:
        failures = await jobs.store_failures(connection, job_id)
        assert (await jobs.known_job(connection, job_id)).causes == {"http_status": 4}
        everywhere = VisitFilter(area_codes=("7100015",))
        told = await visits.read_visits(connection, everywhere, after=None, limit=10)
    assert [(failure.store_id, failure.images, failure.store_images) for failure in failures] == [
        (CORNER_SHOP, 2, 3),
        (MARKET_HALL, 2, 4),
    ]
    assert [visit.perimeter for visit in told] == [60, 0, 120]
