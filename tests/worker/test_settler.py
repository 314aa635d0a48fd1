"""The one writer of results: what is left to it is written, whoever stops waiting for it."""

import asyncio
from uuid import UUID

from retailpulse.config.settings import WorkerSettings
from retailpulse.domain.images import Cause, Outcome
from retailpulse.domain.jobs import ChunkKey, Result
from retailpulse.storage.database import Database
from retailpulse.worker.settler import Settler, all_written
from tests.origin import Origin
from tests.storage.jobs import submit
from tests.worker.working import rows, until_over, urls, working


def failed(job_id: UUID, image_no: int) -> Result:
    return Result(
        chunk=ChunkKey(job_id=job_id, chunk_no=0),
        image_no=image_no,
        outcome=Outcome.FAILED,
        cause=Cause.DNS,
    )


async def test_a_batch_is_written_though_one_who_waits_for_it_is_cancelled(database: Database) -> None:
    job_id = await submit(database, ["http://a.example/1", "http://a.example/2"])
    settler = Settler(database, WorkerSettings(settle_seconds=0.05))
    batch = settler.settle(failed(job_id, 1))
    waiting, other = (asyncio.create_task(all_written({batch})) for _ in range(2))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    running = asyncio.create_task(settler.run())
    await other
    await all_written({settler.settle(failed(job_id, 2))})
    settler.close()
    await running
    assert rows(database, "SELECT failed FROM jobs WHERE job_id = %s", job_id) == [(2,)]


async def test_results_are_written_at_once_where_no_image_is_in_hand(database: Database) -> None:
    patient = WorkerSettings(settle_seconds=3600)
    with Origin() as origin:
        job_id = await submit(database, urls(origin, 5), chunk_images=2)
        async with working(database, worker=patient):
            await until_over(database, job_id)
