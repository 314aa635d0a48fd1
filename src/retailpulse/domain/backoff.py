"""Exponential back-off with jitter: how long to wait before the next try of something that failed.

No clock and no count: a caller says how many failures there were, and waits by itself.
"""

import math
from dataclasses import dataclass
from random import SystemRandom

_MOST_DOUBLINGS = 60

_random = SystemRandom()


@dataclass(frozen=True, kw_only=True, slots=True)
class Backoff:
    """Waits of `first_seconds`, doubled up to `longest_seconds`, each times a factor drawn from `jitter`."""

    first_seconds: float
    longest_seconds: float = math.inf
    jitter: tuple[float, float] = (1.0, 1.0)

    def bound_seconds(self, failures: int) -> float:
        """The wait without jitter, after so many failures before the latest one."""
        return min(self.first_seconds * 2.0 ** min(failures, _MOST_DOUBLINGS), self.longest_seconds)

    def spread(self, seconds: float) -> float:
        """A wait with jitter, so that many that failed at one moment do not all come back at one moment."""
        least, most = self.jitter
        return _random.uniform(least * seconds, most * seconds)

    def draw_seconds(self, failures: int) -> float:
        """The wait with jitter, after so many failures before the latest one."""
        return self.spread(self.bound_seconds(failures))
