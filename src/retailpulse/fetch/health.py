"""What a host's answers say about how it may be asked: how many requests at once, how often, or not now.

A state machine without a clock or a queue of its own: every time comes from the caller, in seconds.
Weak: each worker process learns for itself what a host bears.

    free     as many at once as the setting allows; a failed wave halves that, and a refused one does where
             many of the last requests were refused (429, 503)
    paced    down to four at once and still refused: so many a second, more after each answer
    troubled only failures, one after the other: left alone, then probed by one request after a growing rest
"""

from random import SystemRandom

from retailpulse.domain.images import Cause
from retailpulse.fetch.failures import TryFailed

TROUBLED_AFTER = 10
"""Failures of one kind in a row, without an answer between them, after which a host is left alone."""
WAVE = 3
"""Failures in a row that halve a host's slots."""
GIVEN_UP_AFTER = 2
"""Probes in a row after which a host that cannot be reached fails everyone who waits for it."""
LONGEST_REST_SECONDS = 10.0
LONGEST_REFUSED_REST_SECONDS = 2.0
REST_PER_WORK = 8.0
"""A troubled host that can be reached rests so many times as long as its failure took: who fails at once
holds no slot from others, and may as well fail each image by its own try."""
SHORTEST_REST_SECONDS = 0.05
LONGEST_HOLD_SECONDS = 30.0
"""How long a host's Retry-After holds those who were not themselves told to wait."""
SHARE_WEIGHT = 1 / 16
FEW_REFUSED, MANY_REFUSED = 0.2, 0.35
"""Shares of the last requests: below one a host may be asked more, above the other it is asked less. In
between, and so for some URLs that are always refused, it is left as it is."""
PACED_FROM = 4
"""So few at once cannot be halved finely enough: from here on refusals set how many a second."""
FIRST_RATE, SLOWEST_RATE, FREE_RATE = 50.0, 0.1, 200.0
"""Requests a second: the highest at first, the lowest, and the one from which on a host needs no pace."""
FIRST_SLOWER, SLOWER = 0.5, 0.7
"""By these a refusal changes the pace: before the first answer at it, and later."""
MORE_PER_SECOND, MOST_FASTER = 0.15, 1.07
"""What answers add to the pace: so much in each second, growing with the seconds since the last refusal, and
never more than so many times at once. As it goes by time and not by what is asked, processes that share a
host's limit come to equal shares of it."""
QUIET_SECONDS = 0.3

_random = SystemRandom()
_WITHOUT_ANSWER = frozenset({Cause.DNS, Cause.CONNECT, Cause.TLS, Cause.TIMEOUT, Cause.STALLED})


class Health:
    """How one host may be asked now."""

    def __init__(self, per_host: int) -> None:
        self.capacity = per_host
        self.failure: TryFailed | None = None  # of the last try, where all since the last answer failed
        self.rest_until = 0.0
        self.answers = 0  # so far; refusals are none
        self._per_host = per_host
        self._in_a_row = 0
        self._failing_since: float | None = None
        self._troubled_at: float | None = None
        self._probes = 0
        self._round = 0
        self._rate: float | None = None
        self._rate_known = False  # the host answered at this pace
        self._cut_at = -1.0
        self._refused_share = 0.0
        self._ended_well = False
        self._last_sign_at: float | None = None

    @property
    def is_troubled(self) -> bool:
        """Whether the host only fails and is left alone, but for a probe now and then."""
        return self._troubled_at is not None

    @property
    def is_limited(self) -> bool:
        """Whether a refusal is about all that the host is asked, not about one URL."""
        slowed = self._rate is not None or self.capacity < self._per_host
        return slowed or self._refused_share > FEW_REFUSED

    @property
    def is_given_up(self) -> bool:
        """Whether nobody needs to wait for the next probe: the host cannot be reached at all."""
        return self.failure is not None and self.failure.unreached and self._probes >= GIVEN_UP_AFTER

    @property
    def is_plain(self) -> bool:
        """Whether nothing of all this would be lost if the host were forgotten."""
        return self.capacity == self._per_host and self._in_a_row == 0 and self._rate is None

    @property
    def is_proven(self) -> bool:
        """Whether the host's last try ended with an answer, and one that could be read to its end."""
        return self._ended_well and self.failure is None

    def allows(self, used: int, now: float) -> bool:
        """Whether one more request may begin beside those in work."""
        most = self.capacity if self._troubled_at is None else 1
        return used < most and now >= self.rest_until

    def is_stuck(self, used: int, now: float) -> bool:
        """Whether who waits for this host will wait long, so that others should get on."""
        if self.is_troubled or self._rate is not None or now < self.rest_until:
            return True
        return used > 0 and self._last_sign_at is not None and now - self._last_sign_at > QUIET_SECONDS

    def failing_seconds(self, since: float, now: float) -> float:
        """How much of the time since then the host has only failed; refusals count once it is troubled."""
        return 0.0 if self._failing_since is None else now - max(since, self._failing_since)

    def begin(self, used: int, now: float) -> None:
        """A request begins beside `used` others."""
        if not used or self._last_sign_at is None:
            self._last_sign_at = now
        if self._rate is not None:
            self.rest_until = max(self.rest_until, now + 1 / self._rate)

    def answered(self, now: float) -> None:
        """The host gave an answer, whatever it was."""
        self._last_sign_at = now
        self._refused_share -= self._refused_share * SHARE_WEIGHT
        self._ended_well = True
        self.answers += 1
        if self.failure is not None:
            self._recover(now)
        if self.capacity < self._per_host:
            self._grow()
        if self._rate is not None:
            self._speed_up(self._rate, now - self._cut_at)

    def _grow(self) -> None:
        """One slot more for every round of answers, unless many are refused beside them."""
        self._round += self._refused_share < FEW_REFUSED
        if self._round >= self.capacity:
            self._round = 0
            self.capacity = min(self.capacity + 1, self._per_host)

    def refused(self, failure: TryFailed, began_at: float, now: float) -> None:
        """The host said that it is asked too much (429, 503)."""
        self._last_sign_at = now
        self._refused_share += (1 - self._refused_share) * SHARE_WEIGHT
        if began_at > self._cut_at and not self.is_troubled and self._is_asked_too_much():
            self._cut_at = now
            self._refused_share /= 2  # what it was before says less about the new pace
            self._slow_down(now - began_at)
        self._count(failure, began_at, now)
        if self._rate is not None or self.is_troubled:
            hold_seconds = min(failure.not_before_seconds, LONGEST_HOLD_SECONDS)
            self.rest_until = max(self.rest_until, now + hold_seconds)

    def failed(self, failure: TryFailed, began_at: float, now: float) -> None:
        """A try ended without an answer, or with a broken one."""
        if failure.cause not in _WITHOUT_ANSWER:
            self.answered(now)
            self._ended_well = False
            return
        if not failure.again:  # there is no such name: nothing was asked, nothing need rest
            return
        self._count(failure, began_at, now)
        if self._in_a_row >= WAVE and began_at > self._cut_at:
            self._cut_at = now
            self.capacity = max(1, self.capacity // 2)

    def _is_asked_too_much(self) -> bool:
        """Whether a refusal is about how much the host is asked: a few among many are about their URLs."""
        return self._rate is not None or self._refused_share >= MANY_REFUSED

    def _speed_up(self, rate: float, quiet_seconds: float) -> None:
        self._rate_known = True
        more = MORE_PER_SECOND * (1 + quiet_seconds) / rate
        faster = min(rate + more, rate * MOST_FASTER)
        self._rate = faster if faster < FREE_RATE else None

    def _slow_down(self, took_seconds: float) -> None:
        if self._rate is not None:
            self._rate = max(self._rate * (SLOWER if self._rate_known else FIRST_SLOWER), SLOWEST_RATE)
        elif self.capacity > PACED_FROM:
            self.capacity //= 2
        else:
            so_far = self.capacity / max(took_seconds, 0.001)
            self._rate = min(so_far, FIRST_RATE) * FIRST_SLOWER
            self._rate_known = False

    def _count(self, failure: TryFailed, began_at: float, now: float) -> None:
        same = self.failure is not None and self.failure.cause is failure.cause
        self._in_a_row = self._in_a_row + 1 if same else 1
        self.failure = failure.bare()
        if self._failing_since is None and (self.is_troubled or not failure.refused):
            self._failing_since = now
        if self._troubled_at is not None:
            self._probes += began_at >= self._troubled_at
        elif self._in_a_row >= TROUBLED_AFTER:
            self._troubled_at = now
            if self._failing_since is None:
                self._failing_since = now
        else:
            return
        rest_seconds = self._rest_seconds(failure, now - began_at) * _random.uniform(0.5, 1.0)
        self.rest_until = max(self.rest_until, now + rest_seconds)

    def _rest_seconds(self, failure: TryFailed, took_seconds: float) -> float:
        growing = min(2.0**self._probes, LONGEST_REST_SECONDS)
        if failure.unreached:
            return growing
        if failure.refused:
            return min(growing, LONGEST_REFUSED_REST_SECONDS)
        return min(max(took_seconds * REST_PER_WORK, SHORTEST_REST_SECONDS), LONGEST_REST_SECONDS)

    def _recover(self, now: float) -> None:
        if self._troubled_at is not None:
            self.rest_until = now
        self._troubled_at = self._failing_since = None
        self._in_a_row = self._probes = 0
        self.failure = None
