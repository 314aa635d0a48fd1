"""Notices that this process did not run for a while: stopped, starved, or paused with its machine.

Every deadline is over when it runs again, whatever the origins did. Weak: gaps under 2 s go unnoticed.
"""

import asyncio
import time

BEAT_SECONDS = 0.5
CPU_SECONDS = 0.1
"""How old the CPU time of the last beat may be: asking the kernel for it takes longer than all else here."""
GAP_SECONDS = 2.0
"""So long without a beat is a sleep; a busy event loop is late by less."""


class SuspendDetector:
    """Counts the suspensions of this process; works only while a task runs `beat_forever`."""

    def __init__(self) -> None:
        self._beat_at = time.monotonic()
        self._cpu_at, self._cpu_seconds = self._beat_at, time.thread_time()
        self._sleeps = 0
        self._busy_seconds = 0.0

    async def beat_forever(self) -> None:
        """Checks the clock at a steady pace until it is cancelled."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            self.suspensions()

    def suspensions(self) -> int:
        """How often this process has slept, also if it woke up this very moment."""
        now = time.monotonic()
        if now - self._beat_at > GAP_SECONDS:
            self._sleeps += 1
            self._busy_seconds = max(self._busy_seconds, time.thread_time() - self._cpu_seconds)
        self._beat_at = now
        if now - self._cpu_at > CPU_SECONDS:
            self._cpu_at, self._cpu_seconds = now, time.thread_time()
        return self._sleeps

    def busy_seconds(self) -> float:
        """The most CPU time of the loop in one gap since this was last asked: of a sleep it is little."""
        self.suspensions()
        longest, self._busy_seconds = self._busy_seconds, 0.0
        return longest
