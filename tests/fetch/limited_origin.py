"""A simulated host and the fleet that asks it: limiters that share one row by compare-and-set."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from retailpulse.domain.hosts import HostLimits
from retailpulse.domain.images import Cause
from retailpulse.fetch.failures import TryFailed, of_status
from retailpulse.fetch.host.limiter import HostLimiter

TICK_SECONDS = 0.001


@dataclass
class Row:
    """What the fleet has written of the host."""

    version: int = 0
    limits: HostLimits | None = None


@dataclass(eq=False)
class Request:
    """A request on its way."""

    began_at: float
    ends_at: float
    is_served: bool


@dataclass
class Worker:
    """A limiter, the requests that it has running, and the version of the row that it has seen."""

    limiter: HostLimiter
    slots: int = 0
    seen: int = 0
    running: list["Request"] = field(default_factory=list)  # in the order of their beginnings


class LimitedOrigin:
    """A host that answers in `latency` seconds; `judge` says whether it serves a request.

    Slots are leased as the fleet's row says; each worker reads and writes the row every `share_seconds`.
    """

    def __init__(
        self,
        workers: int,
        judge: Callable[["LimitedOrigin"], bool],
        *,
        latency: float = 0.02,
        cap: int = 16,
        most: int = 64,
        share_seconds: float = 0.05,
        refusal: Callable[[], TryFailed] = lambda: of_status(429, 1),
    ) -> None:
        self.row = Row()
        self.workers = [Worker(HostLimiter(cap, most)) for _ in range(workers)]
        for worker in self.workers:
            worker.limiter.is_shared = True
        self.latency = latency
        self.now = 0.0
        self.served = [0] * workers
        self.refused = 0
        self.excused = 0
        self.writes = 0
        self.most_at_once = 0
        self.served_at: deque[float] = deque()
        self._judge = judge
        self._refusal = refusal
        self._share_ticks = round(share_seconds / TICK_SECONDS)
        self._cap = cap
        self._ticks = 0
        self._lease()

    @property
    def in_flight(self) -> int:
        """How many requests run now, of all workers."""
        return sum(len(worker.running) for worker in self.workers)

    @property
    def serving(self) -> int:
        """How many of those will be answered."""
        return sum(request.is_served for worker in self.workers for request in worker.running)

    def run(self, seconds: float) -> None:
        """Let so much time go by."""
        for _ in range(round(seconds / TICK_SECONDS)):
            self._ticks += 1
            self.now = self._ticks * TICK_SECONDS
            for number, worker in enumerate(self.workers):
                self._step(number, worker)
            self.most_at_once = max(self.most_at_once, self.in_flight)

    def _step(self, number: int, worker: Worker) -> None:
        for request in [request for request in worker.running if request.ends_at <= self.now]:
            beside = worker.running[0] is not request
            worker.running.remove(request)
            self._end(number, worker.limiter, request, beside=beside)
        if self._ticks % self._share_ticks == number % self._share_ticks:
            self._share(worker)
            self._lease()
        while worker.limiter.allows(len(worker.running), worker.slots, self.now):
            worker.limiter.begin(len(worker.running), self.now)
            is_served = self._judge(self)
            ends = self.now + (self.latency if is_served else min(self.latency, 0.002))
            worker.running.append(Request(self.now, ends, is_served))

    def _end(self, number: int, limiter: HostLimiter, request: Request, *, beside: bool) -> None:
        began_at = request.began_at
        if request.is_served:
            self.served[number] += 1
            limiter.answered(began_at, self.now)
            return
        self.refused += 1
        failure = self._refusal()
        if failure.refused:
            limiter.refused(failure, began_at, self.now)
            return
        failure.beside = beside
        self.excused += limiter.discounts(failure, began_at, self.now)
        limiter.failed(failure, began_at, self.now)

    def _share(self, worker: Worker) -> None:
        """Compare-and-set: who has seen the last version writes, the others adopt it first."""
        if worker.seen != self.row.version and self.row.limits is not None:
            worker.limiter.adopt(self.row.limits, self.now)
            worker.seen = self.row.version
        elif worker.limiter.changed:
            worker.limiter.changed = False
            self.row.limits = worker.limiter.limits(self.now)
            self.row.version += 1
            worker.seen = self.row.version
            self.writes += 1

    def _lease(self) -> None:
        """Equal shares of what the row allows; a slot that is in use is given back when that ends."""
        most = self._cap if self.row.limits is None else self.row.limits.most
        share = max(1, -(-most // len(self.workers)))
        for worker in self.workers:
            worker.slots = min(worker.slots, max(share, len(worker.running)))
        for worker in self.workers[::-1]:
            surplus = sum(worker.slots for worker in self.workers) - most
            worker.slots -= max(0, min(surplus, worker.slots - len(worker.running)))
        for worker in self.workers:
            free = most - sum(worker.slots for worker in self.workers)
            worker.slots += max(0, min(share - worker.slots, free))


def reset() -> TryFailed:
    """What a connection ends with that the host resets."""
    return TryFailed(Cause.CONNECT, "the connection broke", again=True, turned_away=True)


def so_many_a_second(per_second: int) -> Callable[[LimitedOrigin], bool]:
    """A host that counts what it serves in a sliding window."""

    def judge(origin: LimitedOrigin) -> bool:
        while origin.served_at and origin.served_at[0] < origin.now - 1.0:
            origin.served_at.popleft()
        if len(origin.served_at) >= per_second:
            return False
        origin.served_at.append(origin.now)
        return True

    return judge


def so_many_at_once(most: int) -> Callable[[LimitedOrigin], bool]:
    """A host that bears so many connections."""
    return lambda origin: origin.serving < most
