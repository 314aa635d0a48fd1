"""The sweep of a worker: what silent workers had waits again, and one sweeps at a time."""

from retailpulse.storage.postgres.database import Database
from retailpulse.storage.scheduling import workers
from retailpulse.worker.sweeper import sweep
from tests.storage import claiming
from tests.storage.jobs import submit
from tests.worker.working import QUICK, rows

URLS = [f"http://photos.example/{number}.png" for number in range(10)]


async def test_a_sweep_puts_images_of_silent_workers_in_line_and_leaves_those_of_others(
    database: Database,
) -> None:
    job_id = await submit(database, URLS)
    living, silent = [await claiming.add_worker(database) for _ in range(2)]
    mine, _ = await claiming.claim(database, living, 4), await claiming.claim(database, silent, 4)
    claiming.silence(database, silent)
    await sweep(database, QUICK)
    assert claiming.in_work(database, job_id) == claiming.numbers(mine)
    assert len(claiming.in_line(database, job_id)) == 6
    assert rows(database, "SELECT worker_id FROM workers") == [(living,)]


async def test_a_sweep_that_another_worker_is_just_doing_is_done_later(database: Database) -> None:
    await submit(database, URLS)
    silent = await claiming.add_worker(database)
    await claiming.claim(database, silent)
    claiming.silence(database, silent)
    async with database.transaction() as other:
        assert await workers.lock_sweep(other)
        await sweep(database, QUICK)
        assert rows(database, "SELECT worker_id FROM workers") == [(silent,)]
    await sweep(database, QUICK)
    assert rows(database, "SELECT worker_id FROM workers") == []
