"""The requests that run at one host, and whether most are left waiting, without a byte, beside others.

So a host behaves that serves few connections, each for as long as it is kept alive. Keeping none alive helps
it on to the next. Weak: if most of what is asked for is slow and the rest is not, that looks alike.
"""

from typing import Protocol

SILENT_SECONDS, _SILENT_LATENCIES, _CROWDED_ANSWERS = 1.0, 8.0, 8
"""A request is left waiting if it got no byte for this many seconds, latencies and answers to others."""
_LOOK_SECONDS = 0.1
"""How often the requests of a host are looked through, at most."""


class Running(Protocol):
    """A running request."""

    @property
    def is_silent(self) -> bool:
        """Whether no byte of an answer has come."""

    def close_after(self) -> None:
        """Close the connection after this request."""


class InFlight:
    """Requests in the order in which they began."""

    def __init__(self) -> None:
        self._starts: dict[Running, tuple[float, int]] = {}  # when, and how many answers the host had given
        self._looked_at = 0.0

    def __len__(self) -> int:
        return len(self._starts)

    def began(self, request: Running, now: float, answers: int) -> None:
        """A request begins, at a host that has given `answers` answers so far."""
        self._starts[request] = (now, answers)

    def has_older(self, request: Running) -> bool:
        """Whether another one still runs that began before it."""
        return next(iter(self._starts)) is not request

    def ended(self, request: Running) -> None:
        """A request ended."""
        del self._starts[request]

    def is_crowded(self, now: float, latency_seconds: float, answers: int) -> bool:
        """Whether at least half are left waiting; asked when one more was answered."""
        if not self._starts or now - self._looked_at < _LOOK_SECONDS:
            return False
        self._looked_at = now
        return 2 * self._waiting(now, latency_seconds, answers, _CROWDED_ANSWERS) > len(self._starts)

    def is_forgotten(self, now: float, latency_seconds: float, answers: int) -> bool:
        """Whether all are left waiting: perhaps for a connection that is kept alive unused."""
        return 0 < len(self._starts) == self._waiting(now, latency_seconds, answers, 1)

    def are_silent(self) -> bool:
        """Whether at least half have had no byte."""
        silent = sum(request.is_silent for request in self._starts)
        return 2 * silent >= len(self._starts)

    def close_after(self) -> None:
        """Close the connections of all running requests after them."""
        for request in self._starts:
            request.close_after()

    def _waiting(self, now: float, latency_seconds: float, answers: int, beside: int) -> int:
        """How many got no byte for long, while the host gave answers to others."""
        began_by = now - max(SILENT_SECONDS, _SILENT_LATENCIES * latency_seconds)
        count = 0
        for request, (began_at, answers_before) in self._starts.items():
            if began_at > began_by or answers - answers_before < beside:
                break  # the others began later still
            count += request.is_silent
        return count
