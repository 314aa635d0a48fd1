"""The one writer of results: a grant is closed with the last of them, and nothing waits in vain."""

import asyncio

from msgspec.structs import replace

from retailpulse.config.settings import WorkerSettings
from retailpulse.domain.images import Cause, Outcome
from retailpulse.domain.thumbnails import ThumbnailKind
from retailpulse.fetch import origin_key
from retailpulse.schema import ImageResult, Thumbnail
from retailpulse.storage.jobs.retry import retry_job
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.scheduling.claims import Granted
from retailpulse.worker.held_images import Grant, HeldImages
from retailpulse.worker.settler import Settler
from tests.origin import Origin
from tests.storage import claiming
from tests.storage.jobs import measured, submit
from tests.storage.settled import waiters
from tests.storage.truth import check_truth
from tests.waiting import within
from tests.worker.working import rows, until, until_over, urls, working

URLS = [f"http://a.example/{number}" for number in range(6)]


def failed(granted: Granted, image_no: int) -> ImageResult:
    return ImageResult(
        job_id=granted.job_id,
        image_no=image_no,
        outcome=Outcome.FAILED,
        cause=Cause.DNS,
        detail="no such host",
    )


def grant_of(granted: Granted) -> Grant:
    return HeldImages(lambda _host_id: None).add(granted, granted.images)[0].grant


async def test_a_grant_stays_open_until_the_last_of_its_results_is_written(database: Database) -> None:
    job_id = await submit(database, URLS)
    worker_id = await claiming.add_worker(database)
    first, second = [(await claiming.claim(database, worker_id, 3))[0] for _ in range(2)]
    grants = {granted.grant_id: grant_of(granted) for granted in (first, second)}
    settler = Settler(database, WorkerSettings(settle_seconds=0.02))
    running = asyncio.create_task(settler.run())
    for number, open_grants in ((1, 2), (2, 2), (3, 1), (4, 1), (5, 1)):
        granted = first if number <= 3 else second
        settler.settle(failed(granted, number), grants[granted.grant_id])
        await until(lambda count=number: rows(database, "SELECT failed FROM jobs") == [(count,)])  # type: ignore[misc]
        assert rows(database, "SELECT count(*) FROM grants") == [(open_grants,)]
    settler.settle(failed(second, 6), grants[second.grant_id])
    settler.close()
    await within(running)
    check_truth(database.url, job_id)


async def test_a_batch_that_a_retry_overtook_is_written_again(database: Database) -> None:
    job_id = await submit(database, URLS[:3])
    (granted,) = await claiming.claim(database, await claiming.add_worker(database))
    settler, grant = Settler(database, WorkerSettings(settle_seconds=0.02)), grant_of(granted)
    running = asyncio.create_task(settler.run())
    settler.settle(failed(granted, 1), grant)
    await until(lambda: rows(database, "SELECT failed FROM jobs") == [(1,)])
    async with database.transaction() as retrying:
        assert await retry_job(retrying, job_id, causes=None, origin_of=origin_key) == 1
        settler.settle(failed(granted, 2), grant)
        settler.settle(failed(granted, 3), grant)
        await until(lambda: waiters(database.url))  # for the job, whose retries have changed
    await until(lambda: rows(database, "SELECT failed FROM jobs") == [(2,)])
    assert rows(database, "SELECT count(*) FROM grants") == [(0,)]
    settler.close()
    await within(running)


def pictured(granted: Granted, image_no: int) -> ImageResult:
    """A measured image with a thumbnail."""
    result = measured(granted.job_id, image_no)
    assert result.measurement is not None
    thumbnail = Thumbnail(kind=ThumbnailKind.THUMBNAIL, width=320, height=240, jpeg=b"a picture")
    facts = replace(result.measurement, thumbnails=(thumbnail,), sha256=f"{image_no:064x}")
    return replace(result, measurement=facts)


async def test_pictures_are_there_before_their_results_hold_a_lock(database: Database) -> None:
    """While another transaction has the job, the results wait for it; their pictures are committed."""
    await submit(database, URLS[:3])
    (granted,) = await claiming.claim(database, await claiming.add_worker(database))
    settler, grant = Settler(database, WorkerSettings(settle_seconds=0.02)), grant_of(granted)
    running = asyncio.create_task(settler.run())
    async with database.transaction() as other:
        await other.execute("SELECT FROM jobs WHERE job_id = %s FOR NO KEY UPDATE", [granted.job_id])
        for number in (1, 2, 3):
            settler.settle(pictured(granted, number), grant)
        await until(lambda: waiters(database.url))
        assert rows(database, "SELECT count(*) FROM thumbnails") == [(3,)]
        assert rows(database, "SELECT count(*) FROM results") == [(0,)]
    settler.close()
    await within(running)
    shown = "SELECT count(*) FROM results r JOIN thumbnails t USING (job_id, image_no, sha256)"
    assert rows(database, shown) == [(3,)]
    check_truth(database.url, granted.job_id)


async def test_what_is_left_when_it_is_closed_is_written(database: Database) -> None:
    job_id = await submit(database, URLS)
    (granted,) = await claiming.claim(database, await claiming.add_worker(database))
    settler, grant = Settler(database, WorkerSettings(settle_seconds=3_600)), grant_of(granted)
    running = asyncio.create_task(settler.run())
    for number in range(1, 7):
        settler.settle(failed(granted, number), grant)
    settler.close()
    await within(running)
    check_truth(database.url, job_id)


async def test_results_are_written_at_once_where_no_image_is_in_hand(database: Database) -> None:
    patient = WorkerSettings(settle_seconds=3600)
    with Origin() as origin:
        job_id = await submit(database, urls(origin, 5))
        async with working(database, worker=patient):
            await until_over(database, job_id)
