"""What waits of all jobs together, and who works on it, as metrics and numbers about the service tell it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from retailpulse.storage.metrics import throughput
from retailpulse.storage.metrics.totals import Backlog, read_backlog
from retailpulse.storage.postgres.database import Database
from tests.storage.scaling import SCALING
from tests.storage.waiting import Waiting

NOTHING = Backlog(
    images=0, jobs=0, waiting_images=0, oldest_pending_seconds=0.0, leased_slots=0, open_breakers=0
)


async def backlog(database: Database) -> Backlog:
    async with database.connection() as connection:
        return await read_backlog(connection)


async def pending_seconds(database: Database) -> int:
    return int(round((await backlog(database)).oldest_pending_seconds, -2))


def ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


async def test_where_nothing_goes_on_nothing_waits(database: Database) -> None:
    Waiting(database.url).job(5, status="completed", seconds_ago=900)
    assert await backlog(database) == NOTHING


async def test_images_that_no_worker_has_taken_wait(database: Database) -> None:
    waiting = Waiting(database.url)
    job_id, worker, host = waiting.job(10, measured=2, failed=1), waiting.worker(), waiting.host("a")
    waiting.job(20)
    waiting.grant(host, worker, job_id, [4, 5])
    waiting.grant(host, worker, job_id, [6])
    waiting.lease(host, worker, 3)
    waiting.lease(waiting.host("b"), worker, 2)
    found = await backlog(database)
    assert (found.images, found.waiting_images, found.jobs, found.leased_slots) == (27, 24, 2, 5)


async def test_a_job_is_pending_until_a_worker_takes_of_it(database: Database) -> None:
    waiting = Waiting(database.url)
    job_id, worker, host = waiting.job(9, seconds_ago=900), waiting.worker(), waiting.host("a")
    assert await pending_seconds(database) == 900
    waiting.grant(host, worker, job_id, [1])
    waiting.job(9, seconds_ago=1_800, started_at=ago(1_700))
    assert await pending_seconds(database) == 0
    waiting.job(9, seconds_ago=300)
    assert await pending_seconds(database) == 300


async def test_a_job_is_pending_anew_from_its_retry_on(database: Database) -> None:
    waiting = Waiting(database.url)
    retried: dict[str, Any] = {"started_at": ago(9_000), "retried_at": ago(600), "retried_from": 4}
    waiting.job(9, seconds_ago=9_100, measured=4, **retried)
    assert await pending_seconds(database) == 600
    waiting.job(9, seconds_ago=9_100, measured=5, **retried | {"retried_at": ago(800)})
    assert await pending_seconds(database) == 600


async def test_hosts_whose_breaker_is_not_closed_are_counted_while_it_is_news(database: Database) -> None:
    waiting = Waiting(database.url)
    for breaker, seconds_ago in (("open", 5), ("half_open", 1_800), ("open", 7_200), ("closed", 5)):
        host = waiting.host(f"{breaker} {seconds_ago}", breaker=breaker)
        waiting.refused(host, "connect", "refused", seconds_ago=seconds_ago)
    assert (await backlog(database)).open_breakers == 2


async def test_the_numbers_about_the_service_are_the_same(database: Database) -> None:
    waiting = Waiting(database.url)
    job_id = waiting.job(7, seconds_ago=300)
    waiting.grant(waiting.host("a"), waiting.worker(), job_id, [1, 2])
    waiting.worker(silent_seconds=100)
    async with database.connection() as connection:
        found = await throughput.read_statistics(connection, 60.0, SCALING)
    assert (found.unsettled_images, found.waiting_images, found.workers) == (7, 5, 1)
    assert found.oldest_pending_seconds is not None
    assert round(found.oldest_pending_seconds, -2) == 300


async def test_jobs_are_counted_by_state_without_analyses(database: Database) -> None:
    waiting = Waiting(database.url)
    for status in ("completed", "failed", "failed"):
        waiting.job(1, status=status, measured=1)
        waiting.job(1, status=status, is_analysis=True)
    waiting.job(1, status="cancelled", is_analysis=True)
    async with database.connection() as connection:
        found = await throughput.read_statistics(connection, 60.0, SCALING)
    assert found.jobs == {"ongoing": 0, "completed": 1, "failed": 2, "cancelled": 0}
