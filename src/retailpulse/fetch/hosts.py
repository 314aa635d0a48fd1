"""The queue of every host that is being asked or waited for: who may begin, who is told to give up.

How much a host bears is `health`'s. Waiting costs nothing but memory, and no slot of the process.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from random import SystemRandom

from retailpulse.domain.images import Cause
from retailpulse.fetch.failures import TryFailed
from retailpulse.fetch.health import Health
from retailpulse.fetch.urls import Origin

_LOOK_SECONDS = 1.0
"""How often the queue of a failing host is looked through for images whose time is over."""
_MOST_REMEMBERED = 10_000
"""Hosts that nobody asks now and that are remembered for what they did."""

_random = SystemRandom()


@dataclass(slots=True)
class _Waiter:
    turn: asyncio.Future[float]
    seconds: float  # how long it can wait for a host that only fails
    came_at: float


class Host:
    """One host: those in work, those that wait, and its health."""

    def __init__(self, per_host: int) -> None:
        self.health = Health(per_host)
        self.used = 0
        self._waiting: deque[_Waiter] = deque()
        self._loop = asyncio.get_running_loop()
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nobody asks this host or waits for it."""
        return not self.used and not self._waiting

    def parked(self, now: float) -> int:
        """How many wait here without much hope of a turn soon."""
        return len(self._waiting) if self._waiting and self.health.is_stuck(self.used, now) else 0

    def take_now(self) -> bool:
        """Take a slot where nobody waits for one and the host bears one more now."""
        if self._waiting:
            return False
        now = self._loop.time()
        if not self.health.allows(self.used, now):
            return False
        self._begin(now)
        return True

    async def take(self, seconds: float, *, goes_on: bool = False) -> float:
        """Take a slot; wait for one where the host bears no more now. Says how much of its time that cost.

        Waiting costs nothing, but at a host that only fails: there an image has `seconds`, and then fails
        as the host did; raises TryFailed. Who goes on with what it has begun, goes first; who tries again
        goes last, as it may hold its slot long again.
        """
        if self.take_now():
            return 0.0
        now = self._loop.time()
        waiter = _Waiter(self._loop.create_future(), seconds, now)
        if goes_on:
            self._waiting.appendleft(waiter)
        else:
            self._waiting.append(waiter)
        if self.health.allows(self.used, now):  # all who waited before have left
            self._wake()
        elif self._alarm is None:  # who is in work wakes the queue too, in the end
            self._set_alarm(now)
        try:
            return await waiter.turn
        except asyncio.CancelledError:
            if not waiter.turn.cancelled() and waiter.turn.exception() is None:
                self.give_back()  # it was handed over in the same moment
            raise

    def _begin(self, now: float) -> None:
        self.health.begin(self.used, now)
        self.used += 1

    def give_back(self) -> None:
        """Give a slot back, after the health was told how it went."""
        self.used -= 1
        failure = self.health.failure
        if failure is not None and self.health.is_given_up:
            self._dismiss(lambda _: True, failure)
        if self._waiting or self._alarm is not None:
            self._wake()

    def _wake(self) -> None:
        """Let begin whoever may, fail whoever waits in vain, and set the alarm for the next look."""
        now = self._loop.time()
        if self.health.failure is not None:
            self._dismiss_late(now, self.health.failure)
        while self._waiting and self.health.allows(self.used, now):
            waiter = self._next()
            if waiter is not None:
                self._begin(now)
                waiter.turn.set_result(self.health.failing_seconds(waiter.came_at, now))
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._waiting:
            self._set_alarm(now)

    def _set_alarm(self, now: float) -> None:
        """Wake when the host's rest is over, and now and then while it fails."""
        is_resting, is_failing = self.health.rest_until > now, self.health.failure is not None
        if is_resting or is_failing:
            rest_seconds = self.health.rest_until - now if is_resting else _LOOK_SECONDS
            look_seconds = min(rest_seconds, _LOOK_SECONDS) if is_failing else rest_seconds
            self._alarm = self._loop.call_later(max(0.001, look_seconds), self._wake)

    def _next(self) -> _Waiter | None:
        """Whose turn it is: the first, or at a troubled host anyone, for the first may be why it is."""
        if self.health.is_troubled:
            self._waiting.rotate(-_random.randrange(len(self._waiting)))
        waiter = self._waiting.popleft()
        return None if waiter.turn.done() else waiter

    def _dismiss_late(self, now: float, failure: TryFailed) -> None:
        lost = self.health.failing_seconds
        self._dismiss(lambda waiter: lost(waiter.came_at, now) >= waiter.seconds, failure)

    def _dismiss(self, is_over: Callable[[_Waiter], bool], failure: TryFailed) -> None:
        """Fail those who wait in vain as the host failed."""
        kept: deque[_Waiter] = deque()
        for waiter in self._waiting:
            if waiter.turn.done():
                continue
            if is_over(waiter):
                waiter.turn.set_exception(_shared(failure))
            else:
                kept.append(waiter)
        self._waiting = kept


class Hosts:
    """Every host that is in use, and those that misbehaved a short while ago."""

    def __init__(self, per_host: int) -> None:
        self._per_host = per_host
        self._hosts: dict[Origin, Host] = {}

    def __len__(self) -> int:
        return len(self._hosts)

    def host(self, origin: Origin) -> Host:
        """The host of an origin."""
        host = self._hosts.get(origin)
        if host is None:
            host = self._hosts[origin] = Host(self._per_host)
            if len(self._hosts) > _MOST_REMEMBERED:
                self._forget_idle()
        return host

    def leave(self, origin: Origin, host: Host) -> None:
        """Give a slot back; a host that nobody uses and that did nothing wrong is forgotten."""
        host.give_back()
        if not host.used and host.is_idle and host.health.is_plain:
            self._hosts.pop(origin, None)

    def parked(self) -> int:
        """How many images wait for hosts that will not serve them soon."""
        now = asyncio.get_running_loop().time()
        return sum(host.parked(now) for host in self._hosts.values())

    def _forget_idle(self) -> None:
        idle = [origin for origin, host in self._hosts.items() if host.is_idle]
        for origin in idle[: _MOST_REMEMBERED // 10]:
            del self._hosts[origin]


def _shared(failure: TryFailed) -> TryFailed:
    """What an image fails with that only saw others fail at its host."""
    detail = failure.detail
    if failure.cause is not Cause.HTTP_STATUS:
        detail += "; the host failed every time lately"
    return TryFailed(failure.cause, detail, unreached=failure.unreached)
