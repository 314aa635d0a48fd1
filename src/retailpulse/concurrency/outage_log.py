"""What a loop logs while its database is away: few lines, whatever the loop tries meanwhile.

The first failure has a line, then one after 10 s, 20 s, 40 s and so on, at most ten minutes apart; the end of
the outage has one. An outage soon after another goes on with the pauses of that, so that a database which
comes and goes fills no log. Weak: it is said at the next failure, so a loop that seldom tries says it late.
"""

import time
from collections.abc import Callable, Mapping
from typing import Protocol

from retailpulse.domain.backoff import Backoff
from retailpulse.domain.errors import DatabaseUnavailable

PAUSES = Backoff(first_seconds=10.0, longest_seconds=600.0)
CALM_SECONDS = 60.0
"""After so long without a failure the next one is the first of its kind again."""


class Say(Protocol):
    """A method of a logger, such as `logger.warning`."""

    def __call__(self, message: str, /, *values: object, extra: Mapping[str, object] | None = None) -> object:
        """Writes a line with fields, if its level is logged."""


class OutageLog:
    """The lines of one loop about the database that it waits for."""

    def __init__(self, say: Say, subject: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`subject` is who waits, in the singular, such as "the sweep"."""
        self._say = say
        self.subject = subject
        self._clock = clock
        self._lines = 0
        self._quiet_until = 0.0
        self._began_at: float | None = None
        self._failed_at = float("-inf")
        self._is_said = False

    def failed(self, error: DatabaseUnavailable, **fields: object) -> None:
        """The database refused or was not reached; `fields` go with the line, if it is due."""
        now = self._clock()
        if now - self._failed_at >= CALM_SECONDS and self._began_at is None:
            self._lines, self._quiet_until = 0, now
        self._failed_at = now
        if self._began_at is None:
            self._began_at = now
        if now < self._quiet_until:
            return
        since = f", for {now - self._began_at:.0f} s now" if now > self._began_at else ""
        self._say("%s waits for the database%s: %s", self.subject, since, error, extra=fields)
        self._is_said = True
        self._quiet_until = now + PAUSES.bound_seconds(self._lines)
        self._lines += 1

    def ended(self) -> None:
        """The database did what it was asked; called after each success, outage or not."""
        if self._began_at is None:
            return
        if self._is_said:
            away_seconds = self._clock() - self._began_at
            self._say("%s has the database again, after %.1f s", self.subject, away_seconds)
        self._began_at, self._is_said = None, False
