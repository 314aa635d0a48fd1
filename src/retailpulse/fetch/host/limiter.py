"""How one host may be asked: how many requests at once, how often, or not now.

A state machine without a clock, a queue or I/O: every time comes from the caller, in seconds. What it has
learnt is `HostLimits`, which all workers share: the worker that decided writes it, the others adopt it.

    adaptive_cap     AIMD: halved if a wave is turned away, one more for each round of answers
    pace             requests a second, if even one at a time is refused
    circuit_breaker  closed, open, half-open: for a host that only fails

Weak: each worker sees only its own answers, so what a refusal means is judged by those.
"""

from retailpulse.domain.hosts import BreakerState, HostLimits
from retailpulse.domain.images import Cause
from retailpulse.fetch.failures import TryFailed, remembered
from retailpulse.fetch.host.adaptive_cap import AdaptiveCap
from retailpulse.fetch.host.circuit_breaker import OPENS_AFTER, CircuitBreaker
from retailpulse.fetch.host.latency import UsualLatency
from retailpulse.fetch.host.refusal_rate import RefusalRate
from retailpulse.fetch.host.throttle import Throttle

WAVE = 3
"""Failures in a row that halve a host's cap."""
REFUSED_WAVE = 4
"""Refusals in a row, without an answer between them, that are about all that the host is asked."""
LONGEST_HOLD_SECONDS = 30.0
"""How long a host's Retry-After, in seconds, holds requests that did not get it themselves."""
FEW_REFUSED, MANY_REFUSED = 0.2, 0.35
"""Shares of the last requests: below one a host may be asked more, above the other it is asked less. In
between, and so for some URLs that are always refused, it is left as it is."""
MANY_TURNED_AWAY = 0.1
"""From this share of the last requests on, a host that turns connections away does so to all of them."""
WELL_SECONDS = 10.0
"""So long after its last refusal a host answers well."""
LATELY_SECONDS, LATELY_LATENCIES = 1.0, 2.0
"""Seconds after an answer, or times its usual latency, for which a host counts as one that answers others."""
CROWDED_CAP = 4
"""A host that turns connections away at so few of them keeps none for later: others wait for it."""
_FAILING_TOLD_SECONDS = 1.0

_CLOSED = BreakerState.CLOSED  # an enum's attribute takes as long to look up as all else in `allows`
_WITHOUT_ANSWER = frozenset({Cause.DNS, Cause.CONNECT, Cause.TLS, Cause.TIMEOUT, Cause.STALLED})


class HostLimiter:
    """What one host bears. `changed` says that there is something to share; its owner sets it back.

    `cap` is the number to start from, `most` what it may grow to at a host that answers fast and well.
    """

    def __init__(self, cap: int, most: int, *, deadline_seconds: float = 180.0) -> None:
        self.changed = False
        self.is_crowded = False
        self.is_shared = False  # other workers may have slots of the same cap
        self.rest_until = 0.0
        self.answers = 0  # so far, to this worker; refusals are none
        self._cap = AdaptiveCap(cap, most)
        self._throttle: Throttle | None = None
        self._latency = UsualLatency()
        self._breaker = CircuitBreaker(deadline_seconds)
        self._refused, self._away = RefusalRate(), RefusalRate(in_waves=True)
        self._refused_at: float | None = None
        self._refusal: TryFailed | None = None
        self._answered_at = self._saturated_at = float("-inf")
        self._slots = self._told_cap = cap
        self._ended_well = False
        self._told_failing = False

    @property
    def cap(self) -> int:
        """The most requests at once, by all workers together, while the breaker is closed."""
        return self._cap.value

    @property
    def is_closed(self) -> bool:
        """Whether the circuit breaker is closed."""
        return self._breaker.is_closed

    @property
    def failure(self) -> TryFailed | None:
        """The failure of the last try; None if it was answered."""
        return self._breaker.failure

    @property
    def latency_seconds(self) -> float | None:
        """The usual time of a request in seconds, None if it is not known."""
        return self._latency.seconds

    @property
    def rate_per_second(self) -> float | None:
        """The pace of requests, None for none."""
        return None if self._throttle is None else self._throttle.rate

    @property
    def is_limited(self) -> bool:
        """Whether a refusal is about all that the host is asked, not about one URL."""
        return self._throttle is not None or self.cap < self._cap.start or self._refused.share > FEW_REFUSED

    @property
    def turns_many_away(self) -> bool:
        """Whether being turned away is nothing special here, and says nothing about one URL."""
        return self._away.share > MANY_TURNED_AWAY

    @property
    def is_plain(self) -> bool:
        """Whether nothing of all this would be lost if the host were forgotten."""
        return (
            self.cap == self._cap.start
            and self._breaker.failure is None
            and self._throttle is None
            and not self.is_crowded
        )

    @property
    def is_proven(self) -> bool:
        """Whether the host's last try ended with an answer, and one that could be read to its end."""
        return self._ended_well and self.failure is None

    def is_given_up(self, now: float) -> bool:
        """Whether images need not wait for the next probe."""
        return self._breaker.is_given_up(now)

    def failing_seconds(self, since: float, now: float) -> float:
        """How much of the time since then the host only failed; refusals count once the breaker is open."""
        return self._breaker.failing_seconds(since, now)

    def answers_others(self, began_at: float, now: float) -> bool:
        """Whether the host answered another request since this one began, or a moment before."""
        lately_seconds = max(LATELY_SECONDS, LATELY_LATENCIES * (self._latency.seconds or 0.0))
        return self._answered_at > began_at or now - self._answered_at < lately_seconds

    def allows(self, used: int, slots: int, now: float) -> bool:
        """Whether one more request may begin beside `used` others, for a worker with this many slots."""
        self._slots = slots
        most = self._cap.value if self._breaker.state is _CLOSED else 1
        if used >= slots or used >= most:
            if used:
                self._saturated_at = now
            return False
        return now >= self.begins_at(used)

    def begins_at(self, used: int) -> float:
        """Until when no request may begin beside `used` others."""
        backoff_until = 0.0 if used else max(self._refused.backoff_until, self._away.backoff_until)
        return max(self.rest_until, backoff_until)

    def begin(self, used: int, now: float) -> None:
        """A request begins beside `used` others."""
        if used + 1 >= self._slots or used + 1 >= self._cap.value:
            self._saturated_at = now
        if self._throttle is not None:
            self.rest_until = max(self.rest_until, now + 1 / self._throttle.rate)
        if self._breaker.state is not _CLOSED and self._breaker.probed():
            self.changed = True

    def answered(self, began_at: float, now: float) -> None:
        """The host gave an answer, whatever it was."""
        self.answers += 1
        self._answered_at = now
        self._ended_well = True
        if self._refused.share or self._away.share:
            self._refused.answered()
            self._away.answered()
        self._latency.add(now - began_at)
        if self._breaker.failure is not None:
            self._recover(now)
        if self._throttle is not None:
            self._speed_up(self._throttle, now)
        else:
            self._grow(began_at, now)
        self.changed |= self._latency.has_moved(now)

    def refused(self, failure: TryFailed, began_at: float, now: float) -> None:
        """The host said that it is asked too much (429, 503)."""
        self._refused_at, self._refusal = now, failure.bare()
        self._refused.refused()
        if self._refused.in_a_row >= REFUSED_WAVE:
            self._refused.back_off(now)
        if began_at > self._cap.cut_at and self._breaker.is_closed and self._is_asked_too_much():
            self._refused.cut()
            self._slow_down(now - began_at, now)
        if not self.answers_others(began_at, now):
            self._count(failure, began_at, now)
        if self._throttle is not None or not self._breaker.is_closed:
            self._rest(now + min(failure.not_before_seconds, LONGEST_HOLD_SECONDS))

    def failed(self, failure: TryFailed, began_at: float, now: float) -> None:
        """A try ended without an answer, or with a broken one."""
        if failure.cause not in _WITHOUT_ANSWER:
            self.answered(began_at, now)
            self._ended_well = False
            return
        if not failure.again:  # there is no such name: nothing was asked, nothing need rest
            return
        if self.discounts(failure, began_at, now):
            self._turned_away(failure, began_at, now)
            return
        self._count(failure, began_at, now)
        if self._breaker.in_a_row >= WAVE and began_at > self._cap.cut_at:
            self._cap.halve(now)
            self.changed = True

    def discounts(self, failure: TryFailed, began_at: float, now: float) -> bool:
        """Whether a failure only says "fewer at once": the host turned it away while it served others."""
        if failure.starved:
            return self._answered_at > began_at
        if not failure.turned_away:
            return False
        if failure.beside or self.answers_others(began_at, now):
            return True
        # Other workers have slots too, and say of no failure: they are answered, for all that is known.
        return self._others_have_slots() and self.failure is None and self._away.in_a_row < OPENS_AFTER

    def crowd(self) -> None:
        """The host leaves connections waiting while it serves others."""
        self.changed |= not self.is_crowded
        self.is_crowded = True

    def limits(self, now: float) -> HostLimits:
        """The limits that all workers should share, as they are now."""
        failure = self._breaker.failure or self._refusal
        failing_since = self._breaker.failing_since
        self._told_cap = self.cap
        return HostLimits(
            cap=self.cap,
            ceiling=self._cap.ceiling,
            rate_per_second=self.rate_per_second,
            breaker=self._breaker.state,
            rest_seconds=max(0.0, self.rest_until - now),
            failed_probes=self._breaker.failed_probes,
            failing_seconds=None if failing_since is None else max(0.0, now - failing_since),
            latency_seconds=self._latency.seconds,
            is_crowded=self.is_crowded,
            cause=None if failure is None else failure.cause.value,
            detail=None if failure is None else failure.detail,
            refused_seconds=None if self._refused_at is None else max(0.0, now - self._refused_at),
        )

    def adopt(self, limits: HostLimits, now: float) -> None:
        """Take what another worker wrote; what this one knows better since then is written again."""
        if limits.cap > self.cap and limits.failing_seconds is None:
            self._answered_at = now  # or it would not have grown
        rate, before = limits.rate_per_second, self.rate_per_second
        is_faster = limits.cap > self.cap or (before is not None and (rate is None or rate > before))
        self._cap.adopt(limits.cap, limits.ceiling, now, slower=rate is not None and before is None)
        self._told_cap = limits.cap
        self._throttle = None if rate is None else Throttle(rate, is_known=True)
        self.rest_until = now + limits.rest_seconds
        self._latency.adopt(limits.latency_seconds)
        if limits.refused_seconds is not None:
            self._refused_at = max(self._refused_at or 0.0, now - limits.refused_seconds)
        self._adopt_failing(limits, now, is_faster=is_faster)
        self.is_crowded = limits.is_crowded or self.is_crowded

    def _adopt_failing(self, limits: HostLimits, now: float, *, is_faster: bool) -> None:
        """The latest answer decides whether the host fails; only that it is asked more shows an answer."""
        if limits.failing_seconds is None or limits.cause is None:
            if self._breaker.failing_since is not None:  # others are answered, and we were left waiting
                self.is_crowded |= self._breaker.failure is not None and not self._breaker.failure.refused
                self._answered_at = now
            if is_faster or self._breaker.failing_since is not None:
                self._breaker.answered()
            self._away.in_a_row = 0
            self._told_failing = False
            return
        failing_since = now - limits.failing_seconds
        if self._answered_at > failing_since:
            self.changed = True
            self._breaker.answered()
            self.rest_until = now
            return
        self._breaker.adopt(limits, remembered(limits.cause, limits.detail or ""), failing_since, now)
        self._told_failing = True

    def _others_have_slots(self) -> bool:
        return self.is_shared and self._slots < self._told_cap

    def _is_asked_too_much(self) -> bool:
        """Whether a refusal is about how much the host is asked: a few among many are about their URLs."""
        many = self._refused.share >= MANY_REFUSED or self._refused.in_a_row >= REFUSED_WAVE
        return self._throttle is not None or many

    def _slow_down(self, took_seconds: float, now: float) -> None:
        if self._throttle is not None:
            self._throttle.refused()
            self._cap.cut_at = now
        elif self.cap > 1:
            self._cap.cut(now, answered=self._answered_at > self._cap.cut_at)
        else:
            self._throttle = Throttle.first(1 / max(took_seconds, 0.001))
            self._cap.cut_at = now
        self.changed = True

    def _speed_up(self, pace: Throttle, now: float) -> None:
        pace.answered(now - self._cap.cut_at)
        if not pace.is_limit(self._latency.seconds):
            self._throttle = None
            self.changed = True
        elif pace.has_moved():
            self.changed = True

    def _turned_away(self, failure: TryFailed, began_at: float, now: float) -> None:
        """The host serves others and not this one: it bears fewer connections."""
        self._away.refused()
        self._refused_at, self._refusal = now, failure.bare()
        self._away.back_off(now)
        is_told = not self._others_have_slots() or self._answered_at > self._cap.cut_at
        if began_at <= self._cap.cut_at or (not is_told and now - self._cap.cut_at < LATELY_SECONDS):
            return  # of the wave that was answered for, or the fleet has yet to hear of it
        self._cap.cut(now, answered=self._answered_at > self._cap.cut_at)
        self.changed = True
        self.is_crowded |= failure.starved or self.cap <= CROWDED_CAP

    def _grow(self, began_at: float, now: float) -> None:
        if self._cap.stays(latency := self._latency.seconds or 0.0):
            return
        lately = self._refused_at is not None and now - self._refused_at < WELL_SECONDS
        # The slot was taken before the request began: at a cap of one nothing else says that it was the last.
        saturated = self._saturated_at >= began_at - latency and self._refused.share < FEW_REFUSED
        self.changed |= self._cap.answered(
            latency, saturated=saturated, well=self._latency.is_known and not lately
        )

    def _count(self, failure: TryFailed, began_at: float, now: float) -> None:
        """Count a failure with no answer beside it: they may open the breaker."""
        was_closed, probes = self._breaker.is_closed, self._breaker.failed_probes
        rest_seconds = self._breaker.failed(failure, began_at, now)
        if rest_seconds:
            self._rest(now + rest_seconds)
        since = self._breaker.failing_since
        is_failing = since is not None and now - since >= _FAILING_TOLD_SECONDS
        self.changed |= (
            was_closed != self._breaker.is_closed
            or probes != self._breaker.failed_probes
            or (is_failing and not self._told_failing)
        )
        self._told_failing |= is_failing

    def _recover(self, now: float) -> None:
        if self._breaker.answered():
            self.rest_until = now
            self._cap.restart()
            self.changed = True
        self.changed |= self._told_failing
        self._told_failing = False

    def _rest(self, until: float) -> None:
        if until > self.rest_until:
            self.rest_until = until
            self.changed = True
