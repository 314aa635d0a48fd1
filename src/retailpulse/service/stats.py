"""What is asked of the service as a whole: what it has done lately, and what waits."""

import time

from retailpulse.concurrency.single_flight import SingleFlight
from retailpulse.concurrency.ttl_cache import TtlCache
from retailpulse.storage.metrics import throughput
from retailpulse.storage.metrics.throughput import Statistics
from retailpulse.storage.postgres.bulkhead import Share
from retailpulse.storage.postgres.database import Database

KEPT_SECONDS = 1.0
"""How old an answer may be: however many ask, the database is asked once in this time."""


class Stats:
    """Numbers about the service over one database, shared by all requests to this process."""

    def __init__(self, database: Database, stale_seconds: float) -> None:
        self._database = database
        self._stale_seconds = stale_seconds
        self._known: TtlCache[None, Statistics] = TtlCache(most=1)
        self._reads: SingleFlight[None, Statistics] = SingleFlight()

    async def read(self) -> Statistics:
        """The numbers of this moment, or of up to a second ago."""
        known = self._known.get(None)
        return known if known is not None else await self._reads.do(None, self._read)

    async def _read(self) -> Statistics:
        until = time.monotonic() + KEPT_SECONDS
        async with self._database.connection(share=Share.READS) as connection:
            statistics = await throughput.read_statistics(connection, self._stale_seconds)
        self._known.put(None, statistics, until=until)
        return statistics
