"""Refusals among the last requests to one host: how large their share is, how many came in a row.

What follows from that is `limiter`'s.
"""

from retailpulse.domain.backoff import Backoff

_WEIGHT = 1 / 16
_FORGOTTEN_SHARE = 0.001
_BACKOFF = Backoff(first_seconds=0.05, longest_seconds=1.6, jitter=(0.5, 1.0))
"""How long a worker that has no other request at a host waits after a refusal."""


class RefusalRate:
    """Refusals of one kind, and the backoff that they ask for.

    Those that come `in_waves` ask for it once a wave, and no longer than until an answer.
    """

    def __init__(self, *, in_waves: bool = False) -> None:
        self._in_waves = in_waves
        self.share = 0.0  # of the last requests; 0 if an answer would change nothing
        self.in_a_row = 0  # without an answer between them
        self.backoff_until = 0.0
        self._backoffs = 0

    def answered(self) -> None:
        """A request was answered."""
        self.share -= self.share * _WEIGHT
        if self.share < _FORGOTTEN_SHARE:
            self.share = 0.0
        self.in_a_row = self._backoffs = 0
        if self._in_waves:
            self.backoff_until = 0.0

    def refused(self) -> None:
        """A request was refused."""
        self.share += (1 - self.share) * _WEIGHT
        self.in_a_row += 1

    def cut(self) -> None:
        """The host is asked less from now on: what it refused before says less."""
        self.share /= 2
        self.in_a_row = 0

    def back_off(self, now: float) -> None:
        """Wait, so that the fleet hears of it first; exponential, with jitter."""
        if self._in_waves and now < self.backoff_until:
            return
        self.backoff_until = now + _BACKOFF.draw_seconds(self._backoffs)
        self._backoffs += 1
