"""Backpressure: when the next transfer may begin.

Not while bodies pile up unmeasured, not while the worker stops, and not while its heartbeat is so old that
others may take it for dead: what it had would be theirs by then.
"""

import asyncio
from collections.abc import Awaitable

from retailpulse.concurrency.stoppable_sleep import stoppable_sleep

_LEAST_BYTES = 128_000
"""What a body counts at least: many small ones keep the decoders as busy."""


class Draining(Exception):
    """The worker is stopping: this image is left for another worker."""


class Backpressure:
    """Holds transfers back while more than `max_bytes` wait to be measured."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._waiting_bytes = 0
        self._alive_until = float("inf")
        self._changed = asyncio.Event()
        self._draining = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def admit(self) -> Awaitable[None] | None:
        """None if a transfer may begin now, else what to wait for; raises Draining."""
        if self._draining.is_set():
            raise Draining
        return None if self._is_open() else self._hold()

    def _is_open(self) -> bool:
        return self._waiting_bytes <= self._max_bytes and self._loop.time() < self._alive_until

    async def _hold(self) -> None:
        while not self._draining.is_set() and not self._is_open():
            self._changed.clear()
            await self._changed.wait()
        if self._draining.is_set():
            raise Draining

    def arrived(self, size_bytes: int) -> None:
        """Counts a body that now waits to be measured."""
        self._waiting_bytes += max(size_bytes, _LEAST_BYTES)

    def left(self, size_bytes: int) -> None:
        """Counts off a body that was measured."""
        self._waiting_bytes -= max(size_bytes, _LEAST_BYTES)
        if self._waiting_bytes <= self._max_bytes:
            self._changed.set()

    def alive_until(self, when: float) -> None:
        """Sets until when, by the loop's clock, no other worker takes this one for dead."""
        self._alive_until = when
        self._changed.set()

    def drain(self) -> None:
        """Lets no further transfer begin."""
        self._draining.set()
        self._changed.set()

    def is_draining(self) -> bool:
        """Whether nothing may begin any more."""
        return self._draining.is_set()

    async def pause(self, seconds: float) -> None:
        """Waits, but no longer once nothing may begin any more."""
        await stoppable_sleep(seconds, self._draining)
