"""When this worker last reached the database, and for how long it has without a gap.

A worker that was cut off itself cannot tell which others are dead: after an outage all look silent, until
they had their chance to say that they are not.
"""

import asyncio

LONGEST_WAIT_SECONDS = 2.0
"""How long others have after an outage to say that they are alive; they look for it more often."""


class Heartbeat:
    """The heartbeats of this worker."""

    def __init__(self, stale_seconds: float) -> None:
        self._longest_gap = stale_seconds / 2
        self._wait_seconds = min(LONGEST_WAIT_SECONDS, stale_seconds)
        self._loop = asyncio.get_running_loop()
        self._beat_at = self._steady_since = float("-inf")

    def beaten(self) -> None:
        """The database has heard a heartbeat."""
        now = self._loop.time()
        if now - self._beat_at > self._longest_gap:
            self._steady_since = now
        self._beat_at = now

    def is_steady(self) -> bool:
        """Whether this worker may take silent workers for dead."""
        now = self._loop.time()
        return now - self._beat_at <= self._longest_gap and now - self._steady_since >= self._wait_seconds
