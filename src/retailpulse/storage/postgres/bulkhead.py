"""A bulkhead: the connections of a pool are shared out, so that no kind of work takes what others need.

Each share may use a number of connections, together with all that is less important. A request without a
place waits for as long as for a connection, then is refused for now. Weak: of fewer than four connections
some are in several shares.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from enum import Enum

from retailpulse.domain.errors import Busy

PAGE_WAIT_SECONDS = 60.0
"""So long the next page of an answer that has begun waits for its turn: a refusal would break it off."""


class Share(Enum):
    """The use of a connection; the value names it in the text of a refusal."""

    VITAL = "keys and readiness"
    """At any time, up to all connections: readiness, API keys, and what this process does once at a time."""
    STATUS = "questions about jobs"
    """All connections but one: the state of a job."""
    OTHER = "requests"
    """All connections but two, together with those that follow."""
    WRITES = "submits and changes of jobs"
    """Two thirds of these."""
    READS = "searches, lists and exports"
    """A third of these, and each statement ends after a time."""


class Bulkhead:
    """The places of each share among `connections`; after `wait_seconds` a request is refused with Busy."""

    def __init__(self, connections: int, wait_seconds: float) -> None:
        self._wait_seconds = wait_seconds
        others = max(connections - 2, 1)
        guests = asyncio.Semaphore(max(connections - 1, 1))
        ordinary = asyncio.Semaphore(others)
        # The narrowest first: a request that waits there keeps no other from the wider ones.
        self._places: dict[Share, tuple[asyncio.Semaphore, ...]] = {
            Share.VITAL: (),
            Share.STATUS: (guests,),
            Share.OTHER: (ordinary, guests),
            Share.WRITES: (asyncio.Semaphore(max(others * 2 // 3, 1)), ordinary, guests),
            Share.READS: (asyncio.Semaphore(max(others // 3, 1)), ordinary, guests),
        }

    @contextlib.asynccontextmanager
    async def place(self, share: Share, wait_seconds: float | None = None) -> AsyncIterator[float]:
        """A place during the block, and how many seconds of waiting are left; raises Busy."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + (self._wait_seconds if wait_seconds is None else wait_seconds)
        async with contextlib.AsyncExitStack() as held:
            try:
                async with asyncio.timeout_at(ends_at):
                    for semaphore in self._places[share]:
                        await held.enter_async_context(semaphore)
            except TimeoutError:
                raise Busy(
                    f"as many {share.value} are under way as the service takes at once; try again later"
                ) from None
            # A request that had to wait has waited for a connection: one is free, or soon will be.
            yield max(ends_at - loop.time(), self._wait_seconds / 2)
