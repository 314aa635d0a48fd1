"""What a request to one host usually takes: a running median, which a few slow or quick answers do not move.

Weak: the size of what was asked for is not known here, so large photos make a host look slow.
"""

_KNOWN_AFTER = 8
"""Answers after which the usual latency is known; before, it is only that of the answers so far."""
_STEP = 0.08
"""By this share the estimate moves towards each answer: ten answers beyond it double it."""

_SHARED_MOVE, _TOLD_SECONDS = 0.25, 5.0
"""A latency that moved by this share is written for the other workers, at most once in this many seconds."""


class UsualLatency:
    """The running median of a host's answers."""

    def __init__(self) -> None:
        self.seconds: float | None = None
        self._seen = 0
        self._told: float | None = None
        self._told_at = float("-inf")

    @property
    def is_known(self) -> bool:
        """Whether enough answers were seen to rely on it."""
        return self._seen >= _KNOWN_AFTER

    def add(self, seconds: float) -> None:
        """Count one answer."""
        self._seen += 1
        if self.seconds is None:
            self.seconds = max(seconds, 1e-6)
        elif self._seen < _KNOWN_AFTER:
            self.seconds += (seconds - self.seconds) / self._seen
        elif seconds > self.seconds:
            self.seconds = min(self.seconds * (1 + _STEP), seconds)
        else:
            self.seconds = max(self.seconds * (1 - _STEP), seconds, 1e-6)

    def has_moved(self, now: float) -> bool:
        """Whether it is far from what was told last, and that some time ago; it counts as told then."""
        seconds, told = self.seconds, self._told
        if seconds is None or now - self._told_at < _TOLD_SECONDS:
            return False
        if told is not None and abs(seconds - told) <= told * _SHARED_MOVE:
            return False
        self._told, self._told_at = seconds, now
        return True

    def adopt(self, seconds: float | None) -> None:
        """Take the latency that others found; if none is known, it is learnt again."""
        self._told = seconds
        if seconds is not None:
            self.seconds, self._seen = seconds, max(self._seen, _KNOWN_AFTER)
