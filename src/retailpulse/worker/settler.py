"""Gathers the results of a worker and writes them in batches, closing the grants that they end.

Pictures of photos are written before their results, in a transaction of their own: they are large, and for
that of the results others wait. A batch that the database refuses is kept and tried again, so an outage
repeats no download.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from uuid import UUID

from retailpulse.concurrency.outage_log import OutageLog
from retailpulse.concurrency.stoppable_sleep import stoppable_sleep
from retailpulse.config.settings import MeasureSettings, WorkerSettings
from retailpulse.domain.backoff import Backoff
from retailpulse.domain.errors import DatabaseUnavailable, StaleWrite
from retailpulse.schema import ImageResult
from retailpulse.storage.jobs.log import log_ends
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.results import settle as settling
from retailpulse.storage.results import thumbnails
from retailpulse.telemetry.catalogue import SETTLE
from retailpulse.telemetry.instruments import Instruments
from retailpulse.telemetry.tracing import CURRENT_SPAN, Span, SpanName, trace_id_in
from retailpulse.worker.held_images import Grant

logger = logging.getLogger(__name__)

BACKOFF = Backoff(first_seconds=0.25, longest_seconds=5.0)
GATHER_SECONDS = 0.02
"""How long the first result after a quiet time waits for others; when many come, batches are larger."""

MOST_PICTURE_BYTES = 8_000_000
"""Thumbnails at which a batch is written at once; while it is, another one gathers."""


class Settler:
    """The one writer of results in a worker."""

    def __init__(
        self,
        database: Database,
        settings: WorkerSettings,
        instruments: Instruments | None = None,
        *,
        thresholds: MeasureSettings | None = None,
        on_settled: Callable[[], object] = lambda: None,
    ) -> None:
        """`instruments` time how long each batch took to be written; `thresholds` are those of flags.

        `on_settled` is called after each batch.
        """
        self._thresholds = thresholds or MeasureSettings()
        self._database = database
        self._observe = (instruments or Instruments()).histogram(SETTLE).observe
        self._on_settled = on_settled
        self._outages = OutageLog(logger.warning, "the writing of results")
        self._max_rows = settings.settle_rows
        self._max_seconds = settings.settle_seconds
        self._batch = _Batch()
        self._loop = asyncio.get_running_loop()
        self._written_at = float("-inf")
        self._writing: _Batch | None = None
        self._some = asyncio.Event()
        self._full = asyncio.Event()
        self._closing = asyncio.Event()

    def settle(self, result: ImageResult, grant: Grant) -> None:
        """Queues the result of an image of a grant."""
        self._batch.results.append(result)
        self._batch.grants[grant] += 1
        if result.measurement is not None:
            self._batch.picture_bytes += sum(len(one.jpeg) for one in result.measurement.thumbnails)
        if grant.is_analysis:
            self._batch.analyses.add(grant.job_id)
        span = CURRENT_SPAN.get()
        if span is not None:
            self._batch.spans.append(span.begin(SpanName.SETTLE))
        if len(self._batch.results) == 1:
            self._some.set()
        is_heavy = self._batch.picture_bytes >= MOST_PICTURE_BYTES
        if len(self._batch.results) >= self._max_rows or is_heavy:
            self._full.set()

    def grants(self) -> set[Grant]:
        """The grants of which results are not written yet."""
        return {*self._batch.grants, *(self._writing.grants if self._writing is not None else ())}

    def unwritten(self) -> int:
        """How many results are not written yet."""
        return len(self._batch.results) + (len(self._writing.results) if self._writing is not None else 0)

    def hurry(self) -> None:
        """Writes the batch now: nothing more is about to come."""
        self._full.set()

    def close(self) -> None:
        """Lets `run` end once it has tried to write what is left."""
        self._closing.set()
        self._some.set()
        self._full.set()

    async def run(self) -> None:
        """Writes batches until it is closed."""
        while not self._closing.is_set() or self._batch.results:
            await self._some.wait()
            await stoppable_sleep(self._batch_seconds(), self._full)
            batch, self._batch = self._batch, _Batch()
            if not self._closing.is_set():
                self._some.clear()
                self._full.clear()
            if batch.results:
                self._writing = batch
                ended = await self._write(batch)
                self._writing = None
                self._written_at = self._loop.time()
                await log_ends(self._database, ended, batch.trace_ids())

    def _batch_seconds(self) -> float:
        """How long to wait for more: a full turn since the last batch, next to nothing after a quiet time."""
        left = self._written_at + self._max_seconds - self._loop.time()
        return min(self._max_seconds, max(GATHER_SECONDS, left))

    async def _write(self, batch: "_Batch") -> list[UUID]:
        """Writes a batch, and returns the jobs that have ended by it."""
        refusals = 0
        began_at = time.monotonic()
        while True:
            try:
                await self._write_pictures(batch)
                async with self._database.transaction() as connection:
                    ended: list[UUID] = []
                    await settling.settle(
                        connection,
                        batch.results,
                        batch.ended(),
                        analyses=batch.analyses,
                        ended=ended,
                        thresholds=self._thresholds,
                    )
            except StaleWrite as error:  # rolled back: the next try sees what has changed
                logger.info("%d results are written again: %s", len(batch.results), error)
            except DatabaseUnavailable as error:
                self._outages.failed(error, results=len(batch.results))
                if self._closing.is_set():
                    return []  # another worker does these images again
                await stoppable_sleep(BACKOFF.draw_seconds(refusals), self._closing)
                refusals += 1
            else:
                self._outages.ended()
                self._observe(time.monotonic() - began_at)
                batch.close()
                for span in batch.spans:
                    span.end()
                self._on_settled()
                return ended

    async def _write_pictures(self, batch: "_Batch") -> None:
        """Writes what pictures of a batch are not written; those of an analysis go with its results."""
        if not batch.picture_bytes:
            return
        results = [result for result in batch.results if result.job_id not in batch.analyses]
        async with self._database.transaction() as connection:
            await thumbnails.insert(connection, results)
        batch.picture_bytes = 0


class _Batch:
    """Results that are written together, and how many of them belong to each grant."""

    def __init__(self) -> None:
        self.results: list[ImageResult] = []
        self.grants: Counter[Grant] = Counter()
        self.picture_bytes = 0
        self.analyses: set[UUID] = set()
        self.spans: list[Span] = []

    def ended(self) -> list[int]:
        """The grants that have no image left once this batch is written."""
        return [grant.grant_id for grant, count in self.grants.items() if grant.unsettled <= count]

    def trace_ids(self) -> dict[UUID, str]:
        """The traces of its jobs that are recorded."""
        return {
            grant.job_id: trace_id_in(grant.traceparent)
            for grant in self.grants
            if grant.traceparent is not None
        }

    def close(self) -> None:
        """Notes in the grants what is written."""
        for grant, count in self.grants.items():
            grant.unsettled -= count
