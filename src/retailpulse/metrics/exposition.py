"""Writes all metrics in the text formats of Prometheus and OpenMetrics; any API process gives the same.

Weak: while the database is away the scrape fails; not even what this process knows by itself is given.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from retailpulse import __version__
from retailpulse.concurrency.single_flight import SingleFlight
from retailpulse.domain.matches import MatchKind
from retailpulse.domain.scaling import ScalingGoal
from retailpulse.metrics.free_space import FreeSpace
from retailpulse.metrics.http_requests import Application, observed
from retailpulse.metrics.reporting import Reading, Reporter
from retailpulse.metrics.resident_memory import resident_bytes
from retailpulse.storage.matches import queue
from retailpulse.storage.metrics import processes
from retailpulse.storage.metrics import totals as image_totals
from retailpulse.storage.metrics.database_size import DatabaseSize, read_size
from retailpulse.storage.metrics.demand import read_demand
from retailpulse.storage.metrics.processes import Doing
from retailpulse.storage.metrics.totals import Backlog
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.scheduling import workers
from retailpulse.storage.webhooks import deliveries
from retailpulse.telemetry import catalogue
from retailpulse.telemetry.catalogue import CATALOGUE, Metric
from retailpulse.telemetry.instruments import Instruments, Totals

Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily
Values = dict[tuple[str, ...], float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Exposition:
    """An answer to a scrape."""

    content: bytes
    content_type: str


class Metrics:
    """The metrics of all processes together, and what the API process that tells them measures itself."""

    def __init__(
        self,
        database: Database,
        stale_seconds: float,
        scaling: ScalingGoal,
        free_space: FreeSpace | None = None,
    ) -> None:
        self._database = database
        self._stale_seconds = stale_seconds
        self._scaling = scaling
        self._free_space = free_space or FreeSpace()
        self._instruments = Instruments()
        self.observe_late_turn: Callable[[float], object] = self._instruments.histogram(
            catalogue.EVENT_LOOP_LATE_TURNS, "api"
        ).observe
        """Takes the CPU time in seconds of a turn of this process's event loop that was too long."""
        self._reporter = Reporter(database, "api", self._read)
        self._collections: SingleFlight[None, list[Family]] = SingleFlight()

    def _read(self) -> Reading:
        doing = Doing(memory_bytes=resident_bytes())
        return Reading(sums=self._instruments.sums(), doing=doing)

    def observe(self, application: Application) -> Application:
        """The same application, whose requests are counted and timed."""
        return observed(application, self._instruments)

    def reporting(self, every_seconds: float) -> AbstractAsyncContextManager[None]:
        """Reports during the block what this process measures."""
        return self._reporter.reporting(every_seconds)

    async def render(self, accept: str) -> Exposition:
        """All metrics, in the format that the `Accept` header asks for; raises DatabaseUnavailable."""
        # Scrapes at the same time share an answer. One that was begun before the scrape could say less than
        # another API process has said by then.
        families = await self._collections.do_again(None, self._collect)
        encode, content_type = choose_encoder(accept)
        return Exposition(content=encode(_registry(families)), content_type=content_type)

    async def _collect(self) -> list[Family]:
        async with self._database.connection() as connection:
            sums = await processes.read(connection, self._stale_seconds)
            doing = await processes.read_doing(connection, self._stale_seconds)
            settled = await image_totals.read_settled(connection)
            backlog = await image_totals.read_backlog(connection)
            demand = await read_demand(connection, backlog, self._scaling.host_cap)
            unmatched = await queue.read_backlog(connection)
            alive = await workers.alive(connection, self._stale_seconds)
            overdue_seconds = await deliveries.read_overdue_seconds(connection)
            size = await read_size(connection)
        totals = Totals(sums)
        values = _of_processes(sums, totals) | _of_doing(doing) | _of_backlog(backlog)
        # In a thread: a file system of the network may not answer soon.
        free_bytes = await asyncio.to_thread(self._free_space.left_bytes, size.size_bytes)
        values |= _of_database(size, free_bytes)
        values[catalogue.IMAGES_SETTLED] = {
            (one.outcome, one.cause or "", one.depth): one.images for one in settled
        }
        values[catalogue.UNMATCHED_PHOTOS] = {(): unmatched.unknown + unmatched.unsearched}
        values[catalogue.OVERDUE_CALLBACK] = {(): overdue_seconds}
        values[catalogue.WORKERS_WANTED] = {(): self._scaling.workers_wanted(demand)}
        values[catalogue.WORKERS_ALIVE] = {(): len(alive)}
        values[catalogue.BUILD] = {(__version__,): 1}
        return [_family(metric, values.get(metric), totals) for metric in CATALOGUE]


def _of_backlog(backlog: Backlog) -> dict[Metric, Values]:
    """What waits now."""
    return {
        catalogue.UNSETTLED_IMAGES: {(): backlog.images},
        catalogue.WAITING_IMAGES: {(): backlog.waiting_images},
        catalogue.ONGOING_JOBS: {(): backlog.jobs},
        catalogue.OLDEST_PENDING: {(): backlog.oldest_pending_seconds},
        catalogue.LEASED_SLOTS: {(): backlog.leased_slots},
        catalogue.OPEN_BREAKERS: {(): backlog.open_breakers},
    }


def _of_database(size: DatabaseSize, free_bytes: int | None) -> dict[Metric, Values]:
    """How large the database is; nothing of what is free if that is not known."""
    return {
        catalogue.DATABASE_SIZE: {(): size.size_bytes},
        catalogue.DATABASE_FREE: {} if free_bytes is None else {(): free_bytes},
        catalogue.DATABASE_CONNECTIONS: {(): size.connections},
        catalogue.DATABASE_MAX_CONNECTIONS: {(): size.max_connections},
    }


def _of_doing(doing: dict[str, Doing]) -> dict[Metric, Values]:
    """What the processes that live have in hand together."""
    work = doing.get("worker", Doing())
    return {
        catalogue.IMAGES_IN_HAND: {
            ("at_hosts",): work.at_hosts,
            ("measuring",): work.measuring,
            ("unwritten",): work.unwritten,
        },
        catalogue.DECODERS: {
            ("busy",): work.busy_decoders,
            ("idle",): work.decoders - work.busy_decoders,
        },
        catalogue.PROCESS_MEMORY: {
            (kind,): doing.get(kind, Doing()).memory_bytes for kind in ("api", "worker")
        },
    }


def _of_processes(sums: dict[tuple[str, str], float], totals: Totals) -> dict[Metric, Values]:
    """The metrics of the processes themselves; every label is there from the start, at 0."""
    kinds = ("api", "worker")
    started: Values = {(kind,): sums.get((kind, processes.STARTED), 0.0) for kind in kinds}
    crashes: Values = {(kind,): sums.get((kind, processes.CRASHES), 0.0) for kind in kinds}
    crashed = totals.counters(catalogue.CRASHES)
    crashes.update({(kind,): crashed.get((kind,), 0.0) for kind in ("decoder", "quarantine")})
    replaced = totals.counters(catalogue.REPLACED)
    matches = totals.counters(catalogue.MATCHES)
    return {
        catalogue.STARTED: started,
        catalogue.CRASHES: crashes,
        catalogue.REPLACED: {(reason,): replaced.get((reason,), 0.0) for reason in catalogue.REPLACED_FOR},
        catalogue.MATCHES: {(kind,): matches.get((kind,), 0.0) for kind in MatchKind},
        catalogue.TRANSFERS_IN_FLIGHT: {(): sums.get(("worker", processes.IN_FLIGHT), 0.0)},
    }


def _family(metric: Metric, values: Values | None, totals: Totals) -> Family:
    """A metric as the library wants it; what is not given comes from the sums of the processes."""
    if metric.kind == "histogram":
        return _histogram(metric, totals)
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = kind(metric.name, metric.meaning, labels=metric.labels)
    for labels, value in sorted((totals.counters(metric) if values is None else values).items()):
        family.add_metric(labels, value)
    return family


def _histogram(metric: Metric, totals: Totals) -> HistogramMetricFamily:
    family = HistogramMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    names = [*map(repr, metric.bounds), "+Inf"]
    for labels, (counts, total) in sorted(totals.histograms(metric).items()):
        up_to = 0.0
        buckets = []
        for name, count in zip(names, counts, strict=True):
            up_to += count
            buckets.append((name, up_to))
        family.add_metric(labels, buckets, total)
    return family


def _registry(families: list[Family]) -> CollectorRegistry:
    class _Families(Collector):
        def collect(self) -> Iterable[Family]:
            return families

    registry = CollectorRegistry()
    registry.register(_Families())
    return registry
