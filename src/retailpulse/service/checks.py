"""Checks of the whole database that a page begins: one at a time over all processes, its result kept."""

import asyncio
import logging

from retailpulse.config.settings import WorkerSettings
from retailpulse.domain.errors import (
    UNEXPECTED,
    Conflict,
    DatabaseError,
    DatabaseUnavailable,
    RetailPulseError,
)
from retailpulse.storage.integrity import runs
from retailpulse.storage.integrity.bounded_check import BoundedCheck
from retailpulse.storage.integrity.check import IntegrityReport, StaleThresholds
from retailpulse.storage.integrity.runs import CheckRow
from retailpulse.storage.postgres.bulkhead import Share
from retailpulse.storage.postgres.database import Database

logger = logging.getLogger(__name__)

MOST_SECONDS = 900.0
"""A check ends by then: it keeps rows that were deleted since its begin from being cleaned away."""
BEAT_SECONDS = 1.0


class Checks:
    """The checks over one database; `stop` ends the one that runs here."""

    def __init__(
        self,
        database: Database,
        worker: WorkerSettings,
        stop: asyncio.Event,
        most_seconds: float = MOST_SECONDS,
    ) -> None:
        self._database = database
        self._thresholds = StaleThresholds(
            sweep_seconds=worker.sweep_seconds, stale_seconds=worker.stale_seconds
        )
        self._stop = stop
        self._most_seconds = most_seconds
        self._running: set[asyncio.Task[None]] = set()

    async def latest(self) -> list[CheckRow]:
        """The last checks, the newest first."""
        async with self._database.connection(share=Share.READS) as connection:
            return await runs.read(connection)

    async def start(self, begun_by: str) -> None:
        """Begins a check, which goes on in this process; raises Conflict if one goes on anywhere."""
        async with self._database.transaction() as connection:
            check_id = await runs.begin(connection, begun_by)
        if check_id is None:
            raise Conflict("a check goes on already: its result will stand on the same page")
        task = asyncio.create_task(self._run(check_id))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, check_id: int) -> None:
        check = BoundedCheck(self._database.direct_url, self._thresholds, self._most_seconds)
        working = asyncio.create_task(asyncio.to_thread(check.run))
        stopping = asyncio.create_task(self._stop.wait())
        try:
            while not working.done():
                await asyncio.wait({working, stopping}, timeout=BEAT_SECONDS, return_when="FIRST_COMPLETED")
                if stopping.done() or not await self._beat(check_id, check.done):
                    await asyncio.to_thread(check.cancel)
                    await asyncio.wait({working})
        finally:
            stopping.cancel()
        await self._end(check_id, working)

    async def _beat(self, check_id: int, done: int) -> bool:
        try:
            async with self._database.connection(share=Share.VITAL) as connection:
                return await runs.beat(connection, check_id, done)
        except DatabaseError:
            return True  # if it is away for long, the check itself fails

    async def _end(self, check_id: int, working: asyncio.Task[IntegrityReport]) -> None:
        report, failure = None, None
        try:
            report = working.result()
        except DatabaseUnavailable:
            failure = "the database went away"
        except RetailPulseError as error:
            failure = str(error)
        except Exception:  # nobody awaits this task: who began the check reads its end in its row
            logger.exception("a check met an unexpected error")
            failure = UNEXPECTED
        try:
            async with self._database.connection(share=Share.VITAL) as connection:
                await runs.end(connection, check_id, report=report, failure=failure)
        except DatabaseError as error:
            logger.warning("what a check found is lost: %s", error)
