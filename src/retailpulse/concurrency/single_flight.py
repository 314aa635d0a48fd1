"""Single-flight: callers that want the same at the same time share one call, and its answer or error.

It keeps no answer: that is `ttl_cache`'s.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class SingleFlight(Generic[K, V]):
    """The calls that are under way, by key. A call goes on if those who wait for it are cancelled."""

    def __init__(self) -> None:
        self._flying: dict[K, asyncio.Future[V]] = {}

    async def do(self, key: K, call: Callable[[], Awaitable[V]]) -> V:
        """The answer of the call with this key that is under way, or of a new one; raises what it raises."""
        return await asyncio.shield(self.join(key, call))

    async def do_again(self, key: K, call: Callable[[], Awaitable[V]]) -> V:
        """As `do`, but never the answer of a call that began before this was asked for."""
        earlier = self._flying.get(key)
        if earlier is not None:
            await asyncio.wait([earlier])
        return await self.do(key, call)

    def join(self, key: K, call: Callable[[], Awaitable[V]]) -> asyncio.Future[V]:
        """The call that is under way, or a new one; others wait for it too, so nobody may cancel it."""
        flying = self._flying.get(key)
        if flying is None:
            flying = self._flying[key] = asyncio.ensure_future(call())
            flying.add_done_callback(partial(self._end, key))
        return flying

    def _end(self, key: K, done: asyncio.Future[V]) -> None:
        del self._flying[key]
        if not done.cancelled():
            done.exception()  # raised in those that still wait; nobody need be left
