"""What is asked of the service as a whole: what it has done lately, and what waits."""

import time
from functools import partial

from retailpulse.concurrency.single_flight import SingleFlight
from retailpulse.concurrency.ttl_cache import TtlCache
from retailpulse.domain.scaling import ScalingGoal
from retailpulse.storage.metrics import throughput
from retailpulse.storage.metrics.throughput import SettledPeriod, Statistics
from retailpulse.storage.postgres.bulkhead import Share
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.scheduling import hands
from retailpulse.storage.scheduling.hands import WorkerHands

KEPT_SECONDS = 1.0
"""How old an answer may be: however many ask, the database is asked once in this time."""

MOST_WORKERS = 20
"""How many workers are told of one by one."""


class Stats:
    """Numbers about the service over one database, shared by all requests to this process."""

    def __init__(self, database: Database, stale_seconds: float, scaling: ScalingGoal) -> None:
        self._database = database
        self._stale_seconds = stale_seconds
        self._scaling = scaling
        self._known: TtlCache[None, Statistics] = TtlCache(most=1)
        self._reads: SingleFlight[None, Statistics] = SingleFlight()
        self._known_hands: TtlCache[None, list[WorkerHands]] = TtlCache(most=1)
        self._hand_reads: SingleFlight[None, list[WorkerHands]] = SingleFlight()
        self._known_periods: TtlCache[tuple[int, int], list[SettledPeriod]] = TtlCache(most=10)
        self._period_reads: SingleFlight[tuple[int, int], list[SettledPeriod]] = SingleFlight()

    async def read(self) -> Statistics:
        """The numbers of this moment, or of up to a second ago."""
        known = self._known.get(None)
        return known if known is not None else await self._reads.do(None, self._read)

    async def _read(self) -> Statistics:
        until = time.monotonic() + KEPT_SECONDS
        async with self._database.connection(share=Share.READS) as connection:
            statistics = await throughput.read_statistics(connection, self._stale_seconds, self._scaling)
        self._known.put(None, statistics, until=until)
        return statistics

    async def workers(self) -> list[WorkerHands]:
        """The first workers that are alive, and what each has in hand; as old as the other numbers."""
        known = self._known_hands.get(None)
        return known if known is not None else await self._hand_reads.do(None, self._read_hands)

    async def _read_hands(self) -> list[WorkerHands]:
        until = time.monotonic() + KEPT_SECONDS
        async with self._database.connection(share=Share.READS) as connection:
            found = await hands.read_hands(connection, self._stale_seconds, MOST_WORKERS)
        self._known_hands.put(None, found, until=until)
        return found

    async def periods(self, *, minutes: int, periods: int) -> list[SettledPeriod]:
        """What was settled in the last periods of so many minutes each, at most a second old."""
        wanted = minutes, periods
        known = self._known_periods.get(wanted)
        if known is not None:
            return known
        return await self._period_reads.do(wanted, partial(self._read_periods, minutes, periods))

    async def _read_periods(self, minutes: int, periods: int) -> list[SettledPeriod]:
        until = time.monotonic() + KEPT_SECONDS
        async with self._database.connection(share=Share.READS) as connection:
            found = await throughput.read_periods(connection, minutes=minutes, periods=periods)
        self._known_periods.put((minutes, periods), found, until=until)
        return found
