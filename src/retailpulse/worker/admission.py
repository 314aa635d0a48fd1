"""Decides when the next transfer may begin: not while bodies pile up unmeasured, not while stopping."""

import asyncio
import contextlib
from collections.abc import Awaitable


class Draining(Exception):
    """The worker is stopping: this image is left for another worker."""


class Admission:
    """Holds transfers back while more than `max_bytes` wait to be measured."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._waiting_bytes = 0
        self._changed = asyncio.Event()
        self._draining = asyncio.Event()

    def admit(self) -> Awaitable[None] | None:
        """None where a transfer may begin now, else what to wait for; raises Draining."""
        if self._draining.is_set():
            raise Draining
        return self._hold() if self._waiting_bytes > self._max_bytes else None

    async def _hold(self) -> None:
        while not self._draining.is_set() and self._waiting_bytes > self._max_bytes:
            self._changed.clear()
            await self._changed.wait()
        if self._draining.is_set():
            raise Draining

    def arrived(self, size_bytes: int) -> None:
        """Counts a body that now waits to be measured."""
        self._waiting_bytes += size_bytes

    def left(self, size_bytes: int) -> None:
        """Counts off a body that was measured."""
        self._waiting_bytes -= size_bytes
        if self._waiting_bytes <= self._max_bytes:
            self._changed.set()

    def is_ahead(self) -> bool:
        """Whether so much waits to be measured that fetching need not hurry."""
        return self._waiting_bytes > self._max_bytes // 8

    def drain(self) -> None:
        """Lets no further transfer begin."""
        self._draining.set()
        self._changed.set()

    def is_draining(self) -> bool:
        """Whether nothing may begin any more."""
        return self._draining.is_set()

    async def pause(self, seconds: float) -> None:
        """Waits, but no longer once nothing may begin any more."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._draining.wait(), seconds)
