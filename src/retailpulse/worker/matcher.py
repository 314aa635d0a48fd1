"""Looks for earlier photos that are like those which were settled: beside the work of every worker.

Each round is two transactions, of which the second begins after the first is committed (`storage.matches`).
Settles of the own worker wake it; what a worker that died has left is found by others within a minute.
Weak: a job may end before its last photos are matched, so their flags may come after its end.
"""

import asyncio
import logging

from retailpulse.concurrency.outage_log import OutageLog
from retailpulse.concurrency.periodic import periodic
from retailpulse.concurrency.stoppable_sleep import stoppable_sleep
from retailpulse.config.settings import MatchSettings
from retailpulse.storage.matches.known import make_known
from retailpulse.storage.matches.match import match_next
from retailpulse.storage.matches.search import Searched
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.results import new_photos
from retailpulse.telemetry.catalogue import MATCHES
from retailpulse.telemetry.instruments import Instruments

logger = logging.getLogger(__name__)

KNOWN_AT_ONCE = 4
"""Rows of the queue of one transaction, each of some hundred images at most."""
SEARCHED_AT_ONCE = 50
"""Photos of one transaction: as few as keep others from waiting for its locks, as many as pay for it."""
GATHER_SECONDS = 0.5
"""After some work, as long is waited for more of it."""
LONGEST_IDLE_SECONDS = 30.0
FIRST_IDLE_SECONDS = 1.0


class Matcher:
    """Works off the queues of matching, until they are empty, and looks again when it is woken."""

    def __init__(
        self, database: Database, settings: MatchSettings, instruments: Instruments | None = None
    ) -> None:
        self._database = database
        self._wanted = Searched(
            window_days=settings.window_days, same_area=settings.same_area, flagged=settings.relations()
        )
        self._instruments = instruments or Instruments()
        self._woken = asyncio.Event()
        self._idle_seconds = FIRST_IDLE_SECONDS
        self._outages = OutageLog(logger.warning, "the matching")

    def wake(self) -> None:
        """Has it look soon: something was settled."""
        self._woken.set()

    async def run(self) -> None:
        """Matches until it is cancelled."""
        await periodic(GATHER_SECONDS, self._work_off_or_wait, outage_log=self._outages)

    async def _work_off_or_wait(self) -> None:
        self._woken.clear()
        photos = await self.work_off()
        self._outages.ended()
        if photos:
            self._idle_seconds = FIRST_IDLE_SECONDS
            return
        await stoppable_sleep(self._idle_seconds, self._woken)
        self._idle_seconds = min(2 * self._idle_seconds, LONGEST_IDLE_SECONDS)

    async def work_off(self) -> int:
        """Matches all that no other worker has; returns how many photos that was."""
        photos = 0
        while True:
            known, searched = await self.make_known(), await self.search()
            photos += searched
            if not known and not searched:
                return photos

    async def make_known(self) -> int:
        """The first half of a round: some photos are known, and can be found by others."""
        async with self._database.transaction() as connection:
            if self._wanted.window_days:
                return await make_known(connection, KNOWN_AT_ONCE)
            dropped = await new_photos.next_photos(connection, KNOWN_AT_ONCE)
            await new_photos.drop(connection, dropped)
            return sum(len(row.photos.image_nos) for row in dropped)

    async def search(self) -> int:
        """The second half: earlier photos are looked for."""
        async with self._database.transaction() as connection:
            done = await match_next(connection, SEARCHED_AT_ONCE, self._wanted)
        for kind, amount in done.matches.items():
            self._instruments.count(MATCHES, str(kind), amount=amount)
        return done.photos
