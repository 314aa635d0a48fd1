"""The fleet: what PostgreSQL knows of hosts, leases and workers, and how news travels between these.

A model of `storage.scheduling`: leases are given at once, decisions are written by compare-and-set.
"""

import random
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from bench.simulation.clock import Clock
from bench.simulation.fair_queue import FairQueue
from bench.simulation.photo_host import Job, PhotoHost
from retailpulse.domain.hosts import HostLimits

if TYPE_CHECKING:
    from bench.simulation.late_worker import LateWorker

CAP, MOST = 16, 64
NOTIFY_SECONDS = 0.002
STATEMENT_SECONDS = 0.002
BEAT_SECONDS, STALE_SECONDS = 0.5, 5.0


@dataclass(kw_only=True, eq=False)
class HostRow:
    """A row of `hosts` with its leases; a lease of no slots is a wish."""

    limits: HostLimits = field(default_factory=lambda: HostLimits(cap=CAP))
    written_at: float = 0.0
    version: int = 0
    leases: dict["LateWorker", int] = field(default_factory=dict)
    max_leased: int = 0

    @property
    def leased(self) -> int:
        """The slots that workers have."""
        return sum(self.leases.values())

    def read(self, now: float) -> HostLimits:
        """The limits as they are now: times in them go on."""
        went_by = now - self.written_at
        limits = self.limits
        return msgspec.structs.replace(
            limits,
            rest_seconds=max(0.0, limits.rest_seconds - went_by),
            failing_seconds=None if limits.failing_seconds is None else limits.failing_seconds + went_by,
            refused_seconds=None if limits.refused_seconds is None else limits.refused_seconds + went_by,
        )


@dataclass(kw_only=True, eq=False)
class Fleet:
    """Hosts, what waits for them, and the workers that ask them.

    `has_whole_shares` says that the shares of a host's holders add up to its cap, not rounded up each.
    """

    clock: Clock
    chance: random.Random
    hosts: Mapping[str, PhotoHost]
    queue: FairQueue = field(default_factory=FairQueue)
    capacity: int = 2_000
    has_whole_shares: bool = True
    workers: list["LateWorker"] = field(default_factory=list)
    rows: dict[str, HostRow] = field(default_factory=dict)
    claims: int = 0
    given: int = 0
    decisions: int = 0
    overtaken: int = 0
    """Decisions that were dropped, as another worker's had been written first."""

    def row(self, host: str) -> HostRow:
        """What is known of a host."""
        return self.rows.setdefault(host, HostRow())

    @property
    def alive(self) -> list["LateWorker"]:
        """Workers that were not killed."""
        return [worker for worker in self.workers if worker.is_alive]

    @property
    def held(self) -> int:
        """Images that workers have in hand."""
        return sum(len(worker.held) for worker in self.workers)

    def submit(self, job: Job, counts: Mapping[str, int]) -> None:
        """Puts a job in line, so many images at each host; one worker for each hears of it at once."""
        job.submitted_at = self.clock.now
        first = 0
        for host, images in counts.items():
            self.queue.add(job, host, list(range(first, first + images)))
            first += images
            self.notify(host)

    def cancel(self, job: Job, *, heard: bool = True) -> None:
        """Ends a job; `heard` says that the notification reaches the workers."""
        job.cancelled_at = self.clock.now
        self.queue.drop(job)
        for worker in self.alive if heard else ():
            self.clock.after(NOTIFY_SECONDS, partial(worker.forget, job))

    def notify(self, host: str, but: "LateWorker | None" = None) -> None:
        """Holders of a host look at once, and one worker of all, the same for each host."""
        leases = self.row(host).leases
        chosen = max(self.alive, key=lambda one: zlib.crc32(f"{host}/{one.number}".encode()), default=None)
        for worker in self.alive:
            if worker is not but and (worker in leases or (worker is chosen and but is None)):
                self.clock.after(NOTIFY_SECONDS, partial(worker.look, host))

    def acquire(self, worker: "LateWorker", host: str, want: int) -> int:
        """Gives a worker up to so many more slots; returns how many it has then."""
        row = self.row(host)
        free = row.read(self.clock.now).most - row.leased
        row.leases[worker] = row.leases.get(worker, 0) + max(0, min(want, free))
        row.max_leased = max(row.max_leased, row.leased)
        return row.leases[worker]

    def keep(self, worker: "LateWorker", host: str, slots: int | None) -> None:
        """A worker keeps so many slots, or leaves the host; others there hear of what is free."""
        row = self.row(host)
        before = row.leases.pop(worker, 0)
        if slots is not None:
            row.leases[worker] = slots
        if (slots or 0) < before and len(row.leases) > (slots is not None):
            self.notify(host, but=worker)

    def write(self, worker: "LateWorker", host: str, version: int, limits: HostLimits) -> bool:
        """Writes a decision where nobody decided since; the holders hear of it."""
        row = self.row(host)
        self.decisions += 1
        if row.version != version:
            self.overtaken += 1
            return False
        row.limits, row.written_at, row.version = limits, self.clock.now, version + 1
        self.notify(host, but=worker)
        return True

    def sweep(self) -> None:
        """Takes away what silent workers have."""
        for worker in self.workers:
            if (
                not worker.is_alive
                and not worker.is_swept
                and self.clock.now - worker.beat_at > STALE_SECONDS
            ):
                worker.is_swept = True
                hosts = [host for host, row in self.rows.items() if row.leases.pop(worker, None) is not None]
                worker.put_all_back()
                for host in hosts:
                    self.notify(host)

    def broken_invariants(self) -> list[str]:
        """What does not hold: every unsettled image of an ongoing job is in one place, in line or in hand."""
        places = [*self.queue.images(), *(one for worker in self.workers for one in worker.held)]
        ongoing = [(job, image) for job, image in places if job.is_ongoing]
        broken = [f"{job.name}: image {image} is in two places" for job, image in _doubled(ongoing)]
        left: dict[Job, int] = {}
        for job, _ in ongoing:
            left[job] = left.get(job, 0) + 1
        broken += [
            f"{job.name}: {images} of {job.images - job.done - job.lost} unsettled images are there"
            for job, images in left.items()
            if images != job.images - job.done - job.lost
        ]
        return broken


def _doubled(places: list[tuple[Job, int]]) -> list[tuple[Job, int]]:
    seen: set[tuple[Job, int]] = set()
    return [one for one in places if one in seen or seen.add(one)]  # type: ignore[func-returns-value]
