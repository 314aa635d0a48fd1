"""Jobs that were cut into chunks before the upgrade are finished after it, by real workers."""

from retailpulse.config.settings import DatabaseSettings
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.postgres.migrate import migrate
from tests.origin import Origin
from tests.storage.postgres.test_migrate import upgrade_to
from tests.storage.scheduling.chunked import SHOP, UNKNOWN, ChunkedDatabase
from tests.storage.truth import check_truth
from tests.worker.working import requests, rows, until, urls, working


async def test_every_open_image_is_fetched_once_and_every_job_ends(empty_url: str) -> None:
    upgrade_to(empty_url, "0009")
    old = ChunkedDatabase(empty_url)
    with Origin() as origin:
        photos = urls(origin, 150)
        half = old.job((SHOP, photos), (UNKNOWN, photos[:3]), settled=range(1, 76))
        copies = old.job((SHOP, [photos[0], *photos[:20]]), priority=5)
        retried = old.job((SHOP, photos[:4]), (UNKNOWN, photos[4:6]), settled=[1, 2, 4])
        old.fails(retried, 3, "timeout")
        old.retry(retried)
        migrate(empty_url)
        async with Database(empty_url, DatabaseSettings(wait_seconds=10)) as database:
            async with working(database), working(database):
                await until(lambda: not rows(database, "SELECT FROM jobs WHERE status = 'ongoing'"))
            ended = "SELECT status, measured, failed FROM jobs WHERE job_id = %s"
            assert rows(database, ended, half) == [("failed", 150, 3)]
            assert rows(database, ended, copies) == [("completed", 21, 0)]
            assert rows(database, ended, retried) == [("completed", 6, 0)]
        assert sum(requests(origin).values()) == 75 + 20 + 3
    check_truth(empty_url, half, copies, retried)
