"""The sweep: it goes on through a backlog that is too big for one look, and never past its end."""

import procrastinate
from retailpulse.worker.messages import Messages

from retailpulse.domain.jobs import ChunkKey
from retailpulse.storage import queue
from retailpulse.storage.database import Database
from retailpulse.worker.sweeper import sweep
from tests.storage.jobs import submit
from tests.worker.working import QUICK, rows

MESSAGES = "SELECT count(*) FROM procrastinate_jobs"
URLS = [f"http://photos.example/{number}.png" for number in range(2 * queue.SWEPT_CHUNKS + 1)]


async def sweeps(database: Database, app: procrastinate.App, count: int) -> list[ChunkKey | None]:
    """The last chunk that each of so many sweeps looked at."""
    lasts: list[ChunkKey | None] = []
    last: ChunkKey | None = None
    for _ in range(count):
        last = await sweep(database, app, Messages(), QUICK, last)
        lasts.append(last)
    return lasts


async def test_every_lost_message_of_a_big_backlog_is_sent_again_within_a_few_sweeps(
    database: Database,
) -> None:
    job_id = await submit(database, URLS, chunk_images=1)
    async with database.connection() as connection:
        await connection.execute("DELETE FROM procrastinate_jobs")
    app = queue.make_app()
    async with app.open_async(database.pool):
        lasts = await sweeps(database, app, 3)
        assert rows(database, MESSAGES) == [(len(URLS),)]
        assert lasts == [
            ChunkKey(job_id=job_id, chunk_no=queue.SWEPT_CHUNKS - 1),
            ChunkKey(job_id=job_id, chunk_no=2 * queue.SWEPT_CHUNKS - 1),
            None,
        ]
        await sweeps(database, app, 4)
    assert rows(database, MESSAGES) == [(len(URLS),)]


async def test_a_sweep_that_another_worker_is_just_doing_is_done_later_from_the_same_place(
    database: Database,
) -> None:
    job_id = await submit(database, URLS[:3], chunk_images=1)
    first = ChunkKey(job_id=job_id, chunk_no=0)
    app = queue.make_app()
    async with app.open_async(database.pool), database.transaction() as other:
        assert await queue.lock_sweep(other)
        assert await sweep(database, app, Messages(), QUICK, first) == first
