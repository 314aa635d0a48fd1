"""The processes of the service on all machines: which are alive, since when, and what each does."""

import time
from functools import partial

from retailpulse.concurrency.single_flight import SingleFlight
from retailpulse.concurrency.ttl_cache import TtlCache
from retailpulse.storage.metrics import processes
from retailpulse.storage.metrics.processes import ProcessRow
from retailpulse.storage.postgres.bulkhead import Share
from retailpulse.storage.postgres.database import Database

KEPT_SECONDS = 1.0
"""How old an answer may be: however many ask, the database is asked once in this time."""
MOST = 500
"""How many processes of a kind are told of."""


class Processes:
    """The processes over one database; requests share what was read of them."""

    def __init__(self, database: Database, stale_seconds: float) -> None:
        self._database = database
        self._stale_seconds = stale_seconds
        self._known: TtlCache[str, list[ProcessRow]] = TtlCache(most=2)
        self._reads: SingleFlight[str, list[ProcessRow]] = SingleFlight()

    async def workers(self) -> list[ProcessRow]:
        """Worker processes, those alive first; those that ended or fell silent lately last."""
        return await self._of_kind("worker")

    async def apis(self) -> list[ProcessRow]:
        """The processes that answer requests, in the same order."""
        return await self._of_kind("api")

    async def _of_kind(self, kind: str) -> list[ProcessRow]:
        known = self._known.get(kind)
        return known if known is not None else await self._reads.do(kind, partial(self._read, kind))

    async def _read(self, kind: str) -> list[ProcessRow]:
        until = time.monotonic() + KEPT_SECONDS
        async with self._database.connection(share=Share.READS) as connection:
            found = await processes.read_rows(connection, kind, self._stale_seconds, limit=MOST)
        self._known.put(kind, found, until=until)
        return found
