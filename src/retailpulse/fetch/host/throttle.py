"""The pace of a host that refuses even one request at a time: a throttle in requests per second.

Only the number is here; `limiter` decides when a pace begins and which requests it delays.
"""

SLOWEST_RATE, FIRST_RATE, FREE_RATE = 0.1, 50.0, 200.0
"""Requests a second: the lowest, the highest at first, and the one from which on a host needs no pace."""
_FIRST_SLOWER, _SLOWER = 0.5, 0.7
"""By these a refusal changes the pace: before the first answer at it, and later."""
_MORE_PER_SECOND, _MOST_FASTER = 0.15, 1.07
"""What answers add to the pace: a part in each second, growing with the seconds since the last refusal, and
never more than this many times at once."""
_SHARED_MOVE = 0.1
"""A pace that moved by this share is worth telling the other workers."""


class Throttle:
    """The pace of a host, in requests a second."""

    def __init__(self, rate: float, *, is_known: bool = False) -> None:
        self.rate = rate
        self._is_known = is_known  # the host answered at this pace
        self._told_rate = rate

    @classmethod
    def first(cls, so_far_per_second: float) -> "Throttle":
        """The pace of a host that refuses some requests at the given rate, in requests a second."""
        return cls(max(min(so_far_per_second, FIRST_RATE) * _FIRST_SLOWER, SLOWEST_RATE))

    def answered(self, quiet_seconds: float) -> None:
        """The host answered, so long after its last refusal."""
        self._is_known = True
        more = _MORE_PER_SECOND * (1 + quiet_seconds) / self.rate
        self.rate = min(self.rate + more, self.rate * _MOST_FASTER)

    def refused(self) -> None:
        """The host refused a request at this pace."""
        self.rate = max(self.rate * (_SLOWER if self._is_known else _FIRST_SLOWER), SLOWEST_RATE)

    def is_limit(self, latency_seconds: float | None) -> bool:
        """Whether it holds anything back: one request after the other may be slower than it."""
        return self.rate < FREE_RATE and (latency_seconds is None or self.rate < 1 / latency_seconds)

    def has_moved(self) -> bool:
        """Whether it is far from what was told last; it counts as told then."""
        if abs(self.rate - self._told_rate) <= self._told_rate * _SHARED_MOVE:
            return False
        self._told_rate = self.rate
        return True
