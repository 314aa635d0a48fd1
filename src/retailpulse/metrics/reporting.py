"""Writes what this process has measured into its row, every few seconds and once more at its end.

Weak: what a process that is killed has measured since its last report is lost.
"""

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID, uuid4

from retailpulse import __version__
from retailpulse.concurrency.outage_log import OutageLog
from retailpulse.concurrency.periodic import periodic
from retailpulse.domain.errors import DatabaseUnavailable
from retailpulse.storage.metrics import processes
from retailpulse.storage.metrics.processes import Doing, ProcessReport
from retailpulse.storage.postgres.bulkhead import Share
from retailpulse.storage.postgres.database import Connection, Database

logger = logging.getLogger(__name__)

GOODBYE_SECONDS = 2.0
"""How long a process that ends tries to say so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What a process has measured since its start; how many transfers are in flight, what it does now."""

    sums: dict[str, float]
    in_flight: int = 0
    doing: Doing = field(default_factory=Doing)


@dataclass(slots=True)
class _Row:
    """Our row: its sums count from `base`, which rows of ours before it hold already."""

    process_id: UUID = field(default_factory=uuid4)
    base: dict[str, float] = field(default_factory=dict)
    confirmed: dict[str, float] | None = None  # what the database is known to hold; None: not even the row


class Reporter:
    """Writes what `read` gives into the row of one process."""

    def __init__(
        self, database: Database, kind: Literal["api", "worker"], read: Callable[[], Reading]
    ) -> None:
        self._database = database
        self._kind = kind
        self._read = read
        self._row = _Row()
        self._began_at = time.monotonic()
        self._one_at_a_time = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def reporting(self, every_seconds: float) -> AsyncIterator[None]:
        """Reports every `every_seconds` during the block, and marks a clean end after it."""
        outages = OutageLog(logger.info, "the report of metrics")
        beating = asyncio.create_task(periodic(every_seconds, self.report, outage_log=outages, at_once=True))
        try:
            yield
        finally:
            beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beating
            with contextlib.suppress(TimeoutError, DatabaseUnavailable):
                await asyncio.wait_for(self.report(is_last=True), GOODBYE_SECONDS)

    async def report(self, *, is_last: bool = False) -> None:
        """Reports now; raises DatabaseUnavailable."""
        async with self._one_at_a_time:
            reading = self._read()
            async with self._database.connection(share=Share.VITAL) as connection:
                if self._row.confirmed is None:
                    await self._begin(connection, reading)
                while not await processes.go_on(connection, self._report(reading, is_last=is_last)):
                    # We slept so long that our row went up in the sums: the rest goes to another.
                    self._row = _Row(base=self._row.confirmed or {})
                    await self._begin(connection, reading)
            self._row.confirmed = reading.sums

    async def _begin(self, connection: Connection, reading: Reading) -> None:
        await processes.begin(connection, self._report(reading))
        self._row.confirmed = reading.sums

    def _report(self, reading: Reading, *, is_last: bool = False) -> ProcessReport:
        row = self._row
        is_same = reading.sums == row.confirmed
        sums = {name: value - row.base.get(name, 0) for name, value in reading.sums.items()}
        return ProcessReport(
            process_id=row.process_id,
            kind=self._kind,
            sums=None if is_same else sums,
            in_flight=reading.in_flight,
            doing=reading.doing,
            machine=socket.gethostname(),
            pid=os.getpid(),
            version=__version__,
            age_seconds=time.monotonic() - self._began_at,
            is_last=is_last,
        )
