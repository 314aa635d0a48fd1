"""Looks host names up by the system's resolver: in a few threads, each name once at a time, with a cache.

Which of the addresses may be dialled is not decided here. Weak: the resolver does not say how long an answer
holds, so every answer is kept for the same time.
"""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from retailpulse.domain.images import Cause
from retailpulse.fetch.failures import TryFailed

KEPT_SECONDS = 60.0
MISSING_KEPT_SECONDS = 10.0
"""How long "there is no such name" is believed."""
LOOKUPS_AT_ONCE = 16
PATIENCE_SECONDS = 10.0
"""A resolver that is down takes longer to say so, and a thread that waits for it cannot be stopped."""
TURN_SECONDS = 60.0
"""How long a name waits for a thread: many that do not answer must not fail the good ones behind them."""
MOST_KEPT = 10_000

_MISSING = frozenset({socket.EAI_NONAME, socket.EAI_NODATA, socket.EAI_FAIL})


@dataclass(frozen=True, slots=True)
class _Known:
    addresses: tuple[str, ...]
    until: float


@dataclass(frozen=True, slots=True)
class _Lookup:
    begun: asyncio.Event  # a thread has taken it up, or it is over
    addresses: asyncio.Future[tuple[str, ...]]


class Names:
    """The addresses of host names; close it when it is no longer asked."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUPS_AT_ONCE, thread_name_prefix="fetch-names")
        self._loop = asyncio.get_running_loop()
        self._known: dict[str, _Known] = {}
        self._asking: dict[str, _Lookup] = {}

    async def find(self, host: str) -> tuple[str, ...]:
        """The addresses of a name, of both families, in the resolver's order.

        Raises TryFailed `dns`: final where there is no such name, not where the resolver could not tell.
        """
        known = self._known.get(host)
        if known is None or known.until <= self._loop.time():
            addresses = await self._ask(host)
        else:
            addresses = known.addresses
        if not addresses:
            raise TryFailed(Cause.DNS, "there is no such host name", unreached=True)
        return addresses

    def close(self) -> None:
        """Let the threads end when they have their answers."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _ask(self, host: str) -> tuple[str, ...]:
        lookup = self._asking.get(host) or self._begin(host)
        try:
            await asyncio.wait_for(lookup.begun.wait(), TURN_SECONDS)
            return await asyncio.wait_for(asyncio.shield(lookup.addresses), PATIENCE_SECONDS)
        except TimeoutError:
            raise TryFailed(
                Cause.DNS, "the host name did not resolve in time", again=True, unreached=True
            ) from None
        except OSError:
            raise TryFailed(
                Cause.DNS, "the resolver could not tell just now", again=True, unreached=True
            ) from None

    def _begin(self, host: str) -> _Lookup:
        begun = asyncio.Event()

        def look_up() -> tuple[str, ...]:
            self._loop.call_soon_threadsafe(begun.set)
            return _look_up(host)

        lookup = _Lookup(begun, self._loop.run_in_executor(self._threads, look_up))
        self._asking[host] = lookup
        lookup.addresses.add_done_callback(lambda done: self._keep(host, done))
        return lookup

    def _keep(self, host: str, done: asyncio.Future[tuple[str, ...]]) -> None:
        self._asking.pop(host).begun.set()
        if done.cancelled() or done.exception() is not None:
            return
        self._known.pop(host, None)  # so that the order of the dictionary is that of age
        if len(self._known) >= MOST_KEPT:
            del self._known[next(iter(self._known))]
        kept_seconds = KEPT_SECONDS if done.result() else MISSING_KEPT_SECONDS
        self._known[host] = _Known(done.result(), self._loop.time() + kept_seconds)


def _look_up(host: str) -> tuple[str, ...]:
    """The addresses of a name, none where it does not exist; raises OSError where that cannot be told."""
    if host == ".":  # the root of all names is no host, which also holds where no name server is reached
        return ()
    try:
        found = socket.getaddrinfo(host.encode(), None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in _MISSING:
            return ()
        raise
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))
