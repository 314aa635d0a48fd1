"""The queue of each host that is asked or waited for: which image begins, and which waits in vain.

The host's limits are in `limiter`; the listener says how many of its slots this worker has.
Waiting costs nothing but memory, and no slot of the process.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import count
from random import SystemRandom
from typing import Protocol

from retailpulse.domain.hosts import HostLimits
from retailpulse.domain.images import Cause
from retailpulse.fetch.failures import TryFailed
from retailpulse.fetch.host.fallback_memory import FallbackMemory
from retailpulse.fetch.host.forbidden import ForbiddenMemory
from retailpulse.fetch.host.in_flight import SILENT_SECONDS, InFlight
from retailpulse.fetch.host.limiter import HostLimiter
from retailpulse.fetch.host.range_memory import RangeMemory

Order = tuple[int, float]
"""Rank (minus the priority) and virtual time; the lower is served first."""
FIRST: Order = (0, 0.0)

_LOOK_SECONDS = 1.0
"""How often the queue of a failing host is looked through for images whose time is over."""
_MOST_PEERS = 64

_random = SystemRandom()


class HostListener(Protocol):
    """Leases slots and shares what is learnt of hosts; called on the loop, and should be quick."""

    def on_demand(self, queue: "HostQueue") -> None:
        """An image waits that needs a slot, and this worker has none here."""

    def on_room(self, queue: "HostQueue") -> None:
        """A request ended."""

    def on_decision(self, queue: "HostQueue") -> None:
        """The limiter has `changed`; called after each event until that is set back."""


@dataclass(slots=True)
class _Waiter:
    turn: asyncio.Future[float]
    seconds: float  # how long it can wait for a host that only fails
    came_at: float
    unleased: bool


class HostQueue:
    """One host: those in work, those that wait, and its limiter.

    `leased` is None without leases: then this worker may use all that the limiter allows.
    """

    def __init__(
        self,
        origin_key: str,
        limiter: HostLimiter,
        listener: HostListener | None,
        close_idle: Callable[["HostQueue"], object] = lambda _: None,
    ) -> None:
        self.origin_key = origin_key
        self.limiter = limiter
        self.used = 0
        self.is_held = False  # there is a lease here, even if of no slots now
        self.leased: int | None = None if listener is None else 0
        self.waiting = 0
        self.in_flight = InFlight()
        self.succeeded_at = float("-inf")  # when it last gave a file, or a part of one
        self.forbidden: ForbiddenMemory | None = None
        self.ranges: RangeMemory | None = None
        self.fallbacks: FallbackMemory | None = None
        self.peers: set[tuple[str, int]] = set()  # the addresses that were dialled for it
        self._listener = listener
        self._close_idle = close_idle
        self._was_crowded = False
        self._look: asyncio.TimerHandle | None = None
        self._heap: list[tuple[bool, int, float, int, _Waiter]] = []
        self._numbers = count()
        self._loop = asyncio.get_running_loop()
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def slots(self) -> int:
        """How many requests this worker may have here at once."""
        return self.limiter.cap if self.leased is None else self.leased

    @property
    def is_idle(self) -> bool:
        """Whether no request, waiting image or lease is left at this host."""
        return not self.used and not self.waiting and not self.leased and not self.is_held

    def lease(self, slots: int) -> None:
        """Use this many leased slots from now on; who has none leaves no connection in the others' way."""
        if self.leased and not slots and not self.limiter.is_plain:
            self._keep_none_alive()
        self.leased = slots
        self.limiter.is_shared = slots > 0
        self.wake()

    def adopt(self, limits: HostLimits) -> None:
        """Take what another worker has learnt of the host."""
        self.limiter.adopt(limits, self._loop.time())
        self._heed_crowd()
        failure = self.limiter.failure
        if failure is not None and failure.cause is not Cause.HTTP_STATUS:
            self._keep_none_alive()  # perhaps the host bears no more than what is kept idle here
        self.wake()
        self.decided()

    def try_acquire(self, *, unleased: bool = False) -> bool:
        """Whether a slot was acquired: if no image waits for one and the host can take one more now."""
        if self.waiting:
            return False
        now = self._loop.time()
        if not self.limiter.allows(self.used, self._slots_for(unleased=unleased), now):
            return False
        self._begin(now)
        return True

    async def acquire(
        self, seconds: float, order: Order = FIRST, *, goes_on: bool = False, unleased: bool = False
    ) -> float:
        """Acquire a slot; wait for one if there is none now. Returns the seconds that this cost.

        Waiting costs nothing, but at a host that only fails: there an image has `seconds`, and then fails as
        the host did; raises TryFailed. An image that goes on with what it has begun goes first.
        """
        if self.try_acquire(unleased=unleased):
            return 0.0
        waiter = _Waiter(self._loop.create_future(), seconds, self._loop.time(), unleased)
        heappush(self._heap, (not goes_on, *order, next(self._numbers), waiter))
        self.waiting += 1
        if self.waiting == 1:
            self.wake()
        elif self.leased == 0 and not unleased:
            self._ask_for_slots()
        try:
            return await waiter.turn
        except asyncio.CancelledError:
            if waiter.turn.cancelled():
                self._left()
            elif waiter.turn.exception() is None:
                self.release()  # it was handed over in the same moment
            raise

    def release(self) -> None:
        """Give a slot back, after the limiter was told how it went."""
        self.used -= 1
        if self.limiter.is_crowded:
            self._heed_crowd()
        failure = self.limiter.failure
        if failure is not None and self.limiter.is_given_up(self._loop.time()):
            self._dismiss(lambda _: True, failure)
        if self._listener is not None:
            self._listener.on_room(self)  # first, as it may take a slot away
        if self.waiting or self._alarm is not None:
            self.wake()
        if self.limiter.changed:
            self.decided()

    def dialled(self, peer: tuple[str, int] | None) -> None:
        """Remember an address of the host, but not all of one that has ever new ones."""
        if peer is not None and peer not in self.peers:
            if len(self.peers) >= _MOST_PEERS:
                self.peers.clear()
            self.peers.add(peer)

    def answered(self) -> None:
        """After an answer: see whether the others are left waiting for it."""
        limiter, now = self.limiter, self._loop.time()
        if self.in_flight.is_crowded(now, limiter.latency_seconds or 0.0, limiter.answers):
            limiter.crowd()
        if self._look is None and self.in_flight:
            self._look = self._loop.call_later(SILENT_SECONDS, self._look_at_the_last)

    def _look_at_the_last(self) -> None:
        """If no request is answered any more, they may wait for a connection that is kept alive in vain."""
        self._look, limiter = None, self.limiter
        if not self.in_flight:
            return
        if self.in_flight.is_forgotten(self._loop.time(), limiter.latency_seconds or 0.0, limiter.answers):
            self._keep_none_alive()
        self._look = self._loop.call_later(SILENT_SECONDS, self._look_at_the_last)

    def _keep_none_alive(self) -> None:
        if self.peers:
            self._close_idle(self)
        self.in_flight.close_after()

    def _heed_crowd(self) -> None:
        """Make room for the others at a host that has just turned out to serve few connections."""
        if self.limiter.is_crowded and not self._was_crowded:
            self._was_crowded = True
            self._keep_none_alive()

    def decided(self) -> None:
        """Call the listener if the limiter has something to share."""
        if self._listener is not None and self.limiter.changed:
            self._listener.on_decision(self)

    def wake(self) -> None:
        """Let images begin that may, fail those that wait in vain, and set the alarm for the next look."""
        now, limiter = self._loop.time(), self.limiter
        if limiter.failure is not None:
            self._dismiss_late(now, limiter.failure)
        while (waiter := self._first()) is not None:
            if not limiter.allows(self.used, self._slots_for(unleased=waiter.unleased), now):
                break
            waiter = self._pop()
            self._begin(now)
            waiter.turn.set_result(limiter.failing_seconds(waiter.came_at, now))
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if waiter is not None:
            self._set_alarm(now)
            if self.leased == 0 and not waiter.unleased:
                self._ask_for_slots()

    def _ask_for_slots(self) -> None:
        if self._listener is not None:
            self._listener.on_demand(self)

    def _slots_for(self, *, unleased: bool) -> int:
        leased = self.leased
        return self.limiter.cap if leased is None or (unleased and not leased) else leased

    def _begin(self, now: float) -> None:
        self.limiter.begin(self.used, now)
        self.used += 1

    def _set_alarm(self, now: float) -> None:
        """Wake when the host's rest is over, and now and then while it fails."""
        begins_at, is_failing = self.limiter.begins_at(self.used), self.limiter.failure is not None
        is_resting = begins_at > now
        if is_resting or is_failing:
            rest_seconds = begins_at - now if is_resting else _LOOK_SECONDS
            look_seconds = min(rest_seconds, _LOOK_SECONDS) if is_failing else rest_seconds
            self._alarm = self._loop.call_later(max(0.001, look_seconds), self.wake)

    def _first(self) -> _Waiter | None:
        """The next waiter in order; those that have left are passed over."""
        heap = self._heap
        while heap:
            waiter = heap[0][-1]
            if not waiter.turn.done():
                return waiter
            heappop(heap)
        return None

    def _pop(self) -> _Waiter:
        """Whose turn it is: the first, or at a failing host anyone, for the first may be why it fails."""
        waiter = heappop(self._heap)[-1] if self.limiter.is_closed else self._any()
        self.waiting -= 1
        return waiter

    def _any(self) -> _Waiter:
        waiting = [entry[-1] for entry in self._heap if not entry[-1].turn.done()]
        return _random.choice(waiting)

    def _left(self) -> None:
        """Count off one that was cancelled, and forget those that left once they are the greater part."""
        self.waiting -= 1
        if len(self._heap) > 2 * self.waiting + 16:
            self._heap = [entry for entry in self._heap if not entry[-1].turn.done()]
            heapify(self._heap)

    def _dismiss_late(self, now: float, failure: TryFailed) -> None:
        lost = self.limiter.failing_seconds
        self._dismiss(lambda waiter: lost(waiter.came_at, now) >= waiter.seconds, failure)

    def _dismiss(self, is_over: Callable[[_Waiter], bool], failure: TryFailed) -> None:
        """Fail the images that wait in vain as the host failed."""
        for entry in self._heap:
            waiter = entry[-1]
            if not waiter.turn.done() and is_over(waiter):
                waiter.turn.set_exception(_shared(failure))
                self.waiting -= 1
        if len(self._heap) > self.waiting:
            self._heap = [entry for entry in self._heap if not entry[-1].turn.done()]
            heapify(self._heap)


def _shared(failure: TryFailed) -> TryFailed:
    """What an image fails with that only saw others fail at its host."""
    detail = failure.detail
    if failure.cause is not Cause.HTTP_STATUS:
        detail += "; the host failed every time lately"
    return TryFailed(failure.cause, detail, unreached=failure.unreached)
