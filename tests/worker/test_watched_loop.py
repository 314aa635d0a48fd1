import threading

from retailpulse.storage.postgres.database import Database
from tests.worker.working import until, working


async def test_the_loop_of_a_worker_is_watched(database: Database) -> None:
    before = threading.enumerate()
    async with working(database):
        await until(
            lambda: any(
                thread.name == "loop-watchdog" for thread in threading.enumerate() if thread not in before
            )
        )
