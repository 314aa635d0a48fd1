"""A simulated worker's part of one host: its slots there, what it has waiting, and how much it may take."""

import math
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from bench.simulation.fleet import CAP, MOST, HostRow
from bench.simulation.photo_host import Job
from retailpulse.fetch.host.limiter import HostLimiter
from retailpulse.fetch.retries import Attempt

if TYPE_CHECKING:
    from bench.simulation.late_worker import LateWorker

IMAGE_SECONDS = 180.0
_AHEAD_SECONDS, _MOST_AHEAD = 0.05, 256
_MOST_PARKED = 64
_IDLE_BEATS = 2
_FIRST_SLICES, _MOST_SLICES, _EMPTY_CLAIMS = 2, 64, 3


@dataclass(eq=False, slots=True)
class Task:
    """An image in a worker's hands; `host` is where it is asked for, after redirects too."""

    job: Job
    image: int
    host: str
    tag: int
    granted_at: str = ""
    attempt: Attempt = field(default_factory=lambda: Attempt(image_seconds=IMAGE_SECONDS))
    began_at: float = 0.0
    is_flying: bool = False
    is_parked: bool = False
    is_dropped: bool = False

    def __post_init__(self) -> None:
        self.granted_at = self.host


class Lease:
    """A host of which this worker has slots, or wants some."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.limiter = HostLimiter(CAP, MOST)
        self.slots = self.others = self.used = 0
        self.version = -1
        self.waits = False  # something waits in line, as far as known
        self.slices = _FIRST_SLICES
        self.waiting = self.parked = 0
        self.wakes_at = 0.0
        self._most = CAP
        self._heap: list[tuple[bool, int, int, int, Task]] = []
        self._place = 0
        self._has_whole_shares = True
        self._number = self._empty_claims = self._idle_beats = 0

    @property
    def share(self) -> int:
        """How many slots are this worker's fair share."""
        all_workers = 1 + self.others
        if not self._has_whole_shares:
            return math.ceil(self._most / all_workers)
        return self._most // all_workers + (self._place < self._most % all_workers)

    @property
    def usable(self) -> int:
        """How many slots it may use now: of more than its share it begins nothing anew."""
        return min(self.slots, self.share)

    def learn(self, row: HostRow, worker: "LateWorker", now: float) -> None:
        """Takes over what the database says; a newer decision of another worker counts."""
        if row.version != self.version:
            if row.version or self.version >= 0:
                self.limiter.adopt(row.read(now), now)
                self.limiter.changed = False
            self.version = row.version
        self._most = row.read(now).most
        self.slots = row.leases.get(worker, 0)
        self.others = len(row.leases) - (worker in row.leases)
        self.limiter.is_shared = self.slots > 0
        self._has_whole_shares = worker.fleet.has_whole_shares
        self._place = sum(other.number < worker.number for other in row.leases)

    def push(self, task: Task, *, goes_on: bool = False) -> None:
        """An image waits for a slot here."""
        self._number += 1
        heappush(self._heap, (not goes_on, task.job.rank, task.tag, self._number, task))
        self.waiting += 1

    def pop(self) -> Task | None:
        """The next image, by priority, then by virtual time."""
        while self._heap:
            task = heappop(self._heap)[-1]
            if not task.is_dropped:
                self.waiting -= 1
                return task
        return None

    def room(self, now: float) -> int:
        """How many more images to take: what slots and the next 50 ms need, less what is here."""
        if not self.usable or self.limiter.rest_until > now + 1.0:
            return 0
        held = self.waiting + self.used + max(0, self.parked - _MOST_PARKED - 4 * self.usable)
        latency = self.limiter.latency_seconds
        ahead = 0
        if latency is not None and self.limiter.is_closed:
            ahead = min(_MOST_AHEAD, math.ceil(self.usable * _AHEAD_SECONDS / latency))
        return max(0, self.usable + ahead - held)

    def claimed(self, asked: int, got: int) -> None:
        """Notes what a claim brought; one that found nothing may have met only locked slices."""
        if got >= asked:
            self._empty_claims, self.slices = 0, max(_FIRST_SLICES, self.slices // 2)
        elif got:
            self._empty_claims, self.slices = 0, min(2 * self.slices, _MOST_SLICES)
        else:
            self._empty_claims += 1
            if self._empty_claims >= _EMPTY_CLAIMS:
                self._empty_claims, self.slices, self.waits = 0, _FIRST_SLICES, False

    def to_keep(self, *, is_beat: bool, waits: bool) -> int | None:
        """How many slots to keep; None where this worker leaves the host."""
        if is_beat and not (waits or self.waiting or self.used or self.parked):
            self._idle_beats += 1
            if self._idle_beats >= _IDLE_BEATS:
                return None
        elif is_beat:
            self._idle_beats = 0
        return min(self.slots, max(self.share, self.used)) if self.others else self.slots
