"""What is asked of the service as a whole: what it has done lately, and what waits."""

import asyncio

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
        self._lock = asyncio.Lock()
        self._known: Statistics | None = None
        self._read_at = float("-inf")

    async def read(self) -> Statistics:
        """The numbers of this moment, or of up to a second ago."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if self._known is None or now - self._read_at > KEPT_SECONDS:
                async with self._database.connection(share=Share.READS) as connection:
                    self._known = await throughput.read_statistics(connection, self._stale_seconds)
                self._read_at = now
            return self._known
