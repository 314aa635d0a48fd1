"""Notices that this process did not run for a while: stopped, starved, or paused with its machine.

Every deadline is over when it runs again, whatever the origins did. Weak: gaps under 2 s go unnoticed.
"""

import asyncio
import time

BEAT_SECONDS = 0.5
GAP_SECONDS = 2.0
"""So long without a beat is a sleep; a busy event loop is late by less."""


class Pulse:
    """Counts the sleeps of this process; somebody must let it `beat_forever`."""

    def __init__(self) -> None:
        self._beat_at = time.monotonic()
        self._sleeps = 0

    async def beat_forever(self) -> None:
        """Keeps the pulse until it is cancelled."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            self.sleeps()

    def sleeps(self) -> int:
        """How often this process has slept, also where it woke up this very moment."""
        now = time.monotonic()
        if now - self._beat_at > GAP_SECONDS:
            self._sleeps += 1
        self._beat_at = now
        return self._sleeps
