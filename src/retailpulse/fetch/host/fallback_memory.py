"""The simpler ways of asking (`fallbacks`) that a host turned out to need, for an hour.

A host that only fails is asked in a simpler way as well, or its circuit breaker would fail images before any
has its last try. Weak: a host that needs two of them must break in both ways before both are known.
"""

from retailpulse.domain.images import Cause
from retailpulse.fetch.failures import TryFailed
from retailpulse.fetch.fallbacks import CLASSICAL_KEYS, HTTP_1_1

BELIEVED_SECONDS = 3_600.0
"""So long the usual way is not tried again."""
_NOT_SPOKEN = frozenset({Cause.BAD_RESPONSE, Cause.CONNECT, Cause.TLS, Cause.TIMEOUT, Cause.STALLED})
"""How a request over HTTP/1.1 may fail at a host that speaks HTTP/2 alone."""


class FallbackMemory:
    """How one host is asked; times come from the caller, in seconds."""

    def __init__(self) -> None:
        self._ways = 0
        self._until = float("-inf")

    def ways(self, now: float) -> int:
        """The fallbacks to ask it with."""
        return self._ways if now < self._until else 0

    def worked(self, ways: int, now: float) -> None:
        """The host answered when it was asked in these ways."""
        if simpler := ways & (HTTP_1_1 | CLASSICAL_KEYS):
            self._ask(simpler, now)

    def failed(self, failure: TryFailed, ways: int, now: float, *, only_fails: bool) -> None:
        """The host was asked in some ways and failed: forget which were in vain.

        If it answers nobody, it is asked next in those that may help.
        """
        self._ways = self.ways(now) & ~_in_vain(failure, ways)
        if only_fails and failure.remedies & ~ways:
            self._ask(failure.remedies & ~ways, now)

    def _ask(self, ways: int, now: float) -> None:
        self._ways |= ways
        self._until = now + BELIEVED_SECONDS


def usual_failure(failure: TryFailed, ways: int, before: TryFailed | None) -> TryFailed:
    """The failure of a try that was made in some ways: the one before it, if the host did not take those.

    What a host that speaks HTTP/2 alone says to HTTP/1.1 is no HTTP, and would be final.
    """
    if failure.cause is not Cause.BAD_RESPONSE or not _in_vain(failure, ways):
        return failure
    if before is None:
        return TryFailed(Cause.CONNECT, "the HTTP/2 connection broke", again=True)
    return before.bare()


def _in_vain(failure: TryFailed, ways: int) -> int:
    vain = HTTP_1_1 if failure.cause in _NOT_SPOKEN else 0
    return ways & (vain | (failure.remedies & CLASSICAL_KEYS))
