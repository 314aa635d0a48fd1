"""Notices that this process did not run for a while: stopped, starved, or paused with its machine.

Every deadline is over when it runs again, whatever the origins did. Weak: gaps under 2 s go unnoticed.
"""

import asyncio
import time

BEAT_SECONDS = 0.5
GAP_SECONDS = 2.0
"""So long without a beat is a sleep; a busy event loop is late by less."""


class SuspendDetector:
    """Counts the sleeps of this process; somebody must let it `beat_forever`."""

    def __init__(self) -> None:
        self._beat_at = time.monotonic()
        self._cpu_seconds = time.thread_time()
        self._sleeps = 0
        self._busy_seconds = 0.0

    async def beat_forever(self) -> None:
        """Keeps the suspend_detector until it is cancelled."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            self.suspensions()

    def suspensions(self) -> int:
        """How often this process has slept, also where it woke up this very moment."""
        now, cpu_seconds = time.monotonic(), time.thread_time()
        gap_seconds, used_seconds = now - self._beat_at, cpu_seconds - self._cpu_seconds
        if gap_seconds > GAP_SECONDS:
            self._sleeps += 1
            self._busy_seconds = max(self._busy_seconds, used_seconds)
        self._beat_at, self._cpu_seconds = now, cpu_seconds
        return self._sleeps

    def busy_seconds(self) -> float:
        """The most CPU time of the loop in one gap since this was last asked: of a sleep it is little."""
        self.suspensions()
        longest, self._busy_seconds = self._busy_seconds, 0.0
        return longest
