"""The two designs that bind early: chunks of a job in a message queue, claimed whole by whoever has room.

Mixed chunks hold images of any hosts, the others of one host each. Every worker has a cap of its own for a
host, and asks it first come, first served. Weak: hosts that refuse, fail or redirect are not played.
"""

import random
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from heapq import heapify, heappush

from bench.simulation.clock import Clock
from bench.simulation.fleet import CAP
from bench.simulation.photo_host import Job, PhotoHost

CLAIM_SECONDS = 0.002
_LOOK_SECONDS, _QUIET_SECONDS = 0.1, 0.3
_SMALLEST, _LARGEST, _CHUNKS_OF_JOB = 20, 512, 32
_MOST_IN_FLIGHT = ENOUGH_IN_HAND = 100


@dataclass(eq=False)
class EarlyFleet:
    """Messages that name chunks, by priority, then by age."""

    clock: Clock
    chance: random.Random
    hosts: Mapping[str, PhotoHost]
    is_mixed: bool
    workers: list["EarlyWorker"] = field(default_factory=list)
    messages: list[tuple[int, int, Job, list[str]]] = field(default_factory=list)

    @property
    def held(self) -> int:
        """Images that workers have in hand."""
        return sum(worker.held for worker in self.workers)

    def submit(self, job: Job, counts: Mapping[str, int]) -> None:
        """Cuts a job into chunks, and sends a message for each."""
        job.submitted_at = self.clock.now
        for number, chunk in enumerate(self._chunks(counts)):
            heappush(self.messages, (job.rank * 1_000_000 + number, len(self.messages), job, chunk))
        for worker in self.workers:
            worker.look()

    def cancel(self, job: Job, *, heard: bool = True) -> None:  # noqa: ARG002 - nobody hears of it
        """Ends a job in the database; workers go on with what they have in hand."""
        job.cancelled_at = self.clock.now
        self.messages = [message for message in self.messages if message[2] is not job]
        heapify(self.messages)

    def _chunks(self, counts: Mapping[str, int]) -> Iterator[list[str]]:
        size = max(_SMALLEST, min(_LARGEST, sum(counts.values()) // _CHUNKS_OF_JOB))
        rounds = max(counts.values())
        mixed = [host for place in range(rounds) for host, images in counts.items() if place < images]
        for images in [mixed] if self.is_mixed else [[host] * count for host, count in counts.items()]:
            for first in range(0, len(images), size):
                yield images[first : first + size]


class EarlyWorker:
    """One worker process."""

    def __init__(self, fleet: EarlyFleet) -> None:
        self._fleet, self._clock = fleet, fleet.clock
        fleet.workers.append(self)
        self.waiting: dict[str, deque[Job]] = {}
        self.used: dict[str, int] = {}
        self.in_flight = 0
        self._heard_at: dict[str, float] = {}
        self._is_claiming = False
        self._look_again()

    @property
    def held(self) -> int:
        """Images in hand."""
        return self.in_flight + sum(map(len, self.waiting.values()))

    def look(self) -> None:
        """Claim a chunk where this worker believes that it could use one."""
        if not self._is_claiming and (number := self._next()) is not None:
            self._is_claiming = True
            _, _, job, chunk = self._fleet.messages.pop(number)
            heapify(self._fleet.messages)
            self._clock.after(CLAIM_SECONDS, lambda: self._accept(job, chunk))

    def _look_again(self) -> None:
        self.look()
        self._clock.after(_LOOK_SECONDS, self._look_again)

    def _next(self) -> int | None:
        messages = self._fleet.messages
        in_order = sorted(range(len(messages)), key=lambda n: messages[n][:2])
        if self._fleet.is_mixed:
            return in_order[0] if in_order and self._can_go_on() < ENOUGH_IN_HAND else None
        return next((n for n in in_order if len(self.waiting.get(messages[n][3][0], ())) < CAP), None)

    def _can_go_on(self) -> int:
        """Images in hand, but for those of a host that said nothing for a while."""
        now = self._clock.now
        return sum(
            len(line) + self.used.get(host, 0)
            for host, line in self.waiting.items()
            if not self.used.get(host) or now - self._heard_at[host] <= _QUIET_SECONDS
        )

    def _accept(self, job: Job, chunk: list[str]) -> None:
        self._is_claiming = False
        for host in chunk:
            self.waiting.setdefault(host, deque()).append(job)
        for host in dict.fromkeys(chunk):
            self._fill(host)
        self.look()

    def _fill(self, host: str) -> None:
        line = self.waiting[host]
        while line and self.used.get(host, 0) < CAP and self.in_flight < _MOST_IN_FLIGHT:
            job = line.popleft()
            if not self.used.get(host):
                self._heard_at[host] = self._clock.now
            self.used[host] = self.used.get(host, 0) + 1
            self.in_flight += 1
            job.begun.append(self._clock.now)
            seconds, _ = self._fleet.hosts[host].begin(self._clock.now, self._fleet.chance)
            self._clock.after(seconds, partial(self._end, host, job))

    def _end(self, host: str, job: Job) -> None:
        self._fleet.hosts[host].end(answered=True)
        self.used[host] -= 1
        self.in_flight -= 1
        self._heard_at[host] = self._clock.now
        job.settle(self._clock.now)
        for other in [host, *self.waiting]:
            if self.in_flight < _MOST_IN_FLIGHT:
                self._fill(other)
        self.look()
