"""DNS pinning: looks names up by the system's resolver, with a cache, and pins what it found for libcurl.

A few threads ask for each name once at a time. libcurl is told which addresses a host has and looks no name
up by itself. If internal names are hidden, it is here that they and names that do not exist become the
same failure. Weak: the resolver does not say how long an answer holds, so every answer is kept for the same
time; a resolver that fails is told apart, as its images are tried again.
"""

import asyncio
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from retailpulse.concurrency.single_flight import SingleFlight
from retailpulse.concurrency.ttl_cache import TtlCache
from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause
from retailpulse.fetch.failures import TryFailed
from retailpulse.fetch.target.refused_names import RefusedNames
from retailpulse.fetch.target.ssrf_policy import SsrfPolicy, blocked_address, numeric_address
from retailpulse.fetch.target.urls import Origin

KEPT_SECONDS = 60.0
MISSING_KEPT_SECONDS = 10.0
"""How long "there is no such name" is believed."""
LOOKUPS_AT_ONCE = 16
RESOLVE_SECONDS = 10.0
"""A resolver that is down takes longer to say so, and a thread that waits for it cannot be stopped."""
TURN_SECONDS = 60.0
"""How long a name waits for a thread: many that do not answer must not fail the good ones behind them."""
MOST_KEPT = 10_000
HIDDEN = "the host name has no address that is fetched from"
"""True of a name that does not exist, and of one whose addresses may not be dialled."""
EVEN_SECONDS = 1.0
"""Failures that must look alike come a whole multiple of this many seconds after the look-up began."""

_MISSING = frozenset({socket.EAI_NONAME, socket.EAI_NODATA, socket.EAI_FAIL})


class CachingResolver:
    """The addresses of host names; close it when it is no longer asked."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUPS_AT_ONCE, thread_name_prefix="fetch-names")
        self._loop = asyncio.get_running_loop()
        self._known: TtlCache[str, tuple[str, ...]] = TtlCache(MOST_KEPT)
        self._lookups: SingleFlight[str, tuple[str, ...]] = SingleFlight()
        self._begun: dict[str, asyncio.Event] = {}  # set once a thread has taken up the look-up of a name

    async def resolve(self, host: str) -> tuple[str, ...]:
        """The addresses of a name, of both families, in the resolver's order.

        Raises TryFailed `dns`: final if there is no such name, not final if the resolver could not tell.
        """
        addresses = self._known.get(host)
        if addresses is None:
            addresses = await self._ask(host)
        if not addresses:
            raise TryFailed(Cause.DNS, "there is no such host name", unreached=True)
        return addresses

    def close(self) -> None:
        """Let the threads end when they have their answers."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _ask(self, host: str) -> tuple[str, ...]:
        addresses = self._lookups.join(host, partial(self._begin, host))
        try:
            await asyncio.wait_for(self._begun[host].wait(), TURN_SECONDS)
            return await asyncio.wait_for(asyncio.shield(addresses), RESOLVE_SECONDS)
        except TimeoutError:
            raise TryFailed(
                Cause.DNS, "the host name did not resolve in time", again=True, unreached=True
            ) from None
        except OSError:
            raise TryFailed(
                Cause.DNS, "the resolver could not tell just now", again=True, unreached=True
            ) from None

    def _begin(self, host: str) -> asyncio.Future[tuple[str, ...]]:
        begun = self._begun[host] = asyncio.Event()

        def look_up() -> tuple[str, ...]:
            self._loop.call_soon_threadsafe(begun.set)
            return _look_up(host)

        addresses = self._loop.run_in_executor(self._threads, look_up)
        addresses.add_done_callback(partial(self._keep, host))
        return addresses

    def _keep(self, host: str, done: asyncio.Future[tuple[str, ...]]) -> None:
        self._begun.pop(host).set()
        if done.cancelled() or done.exception() is not None:
            return
        kept_seconds = KEPT_SECONDS if done.result() else MISSING_KEPT_SECONDS
        self._known.put(host, done.result(), until=time.monotonic() + kept_seconds)


class PinnedResolver:
    """The addresses that libcurl gets for each host; close it after use."""

    def __init__(self, policy: SsrfPolicy, *, hides_internal_names: bool) -> None:
        self._policy = policy
        self._resolver = CachingResolver()
        self._hides = hides_internal_names
        self._refused = RefusedNames()
        self._failed: TtlCache[str, bool] = TtlCache(MOST_KEPT)  # names that fail at once

    def has_name(self, origin: Origin) -> bool:
        """Whether its addresses are looked up: not those of numbers, nor what a proxy dials."""
        return not self._policy.has_proxy and numeric_address(origin.host) is None

    async def pin(self, origin: Origin) -> str:
        """The addresses of an origin's name that may be dialled, in libcurl's form.

        Empty if no name is looked up. Raises TryFailed if the name does not resolve, and
        if none of its addresses may be dialled ImageError `blocked_address`; the same TryFailed for
        both, after the same time, if internal names are hidden.
        """
        if not self.has_name(origin):
            return ""
        return await (self._alike if self._hides else self._find)(origin)

    def close(self) -> None:
        """End the look-ups; no further name is looked up."""
        self._resolver.close()

    async def _find(self, origin: Origin) -> str:
        name = origin.host.removesuffix(".")  # libcurl takes a last dot off too
        permitted = [
            address for address in await self._resolver.resolve(name) if self._policy.permits(address)
        ]
        if not permitted:
            raise blocked_address()
        return f"+{origin.host}:{origin.port}:{','.join(permitted)}"

    async def _alike(self, origin: Origin) -> str:
        name, loop = origin.host.removesuffix("."), asyncio.get_running_loop()
        began_at = loop.time()
        if self._failed.get(name):
            raise _hidden()
        try:
            return await self._find(origin)
        except ImageError:
            self._refused.log(name)
        except TryFailed as failed:
            if failed.again:
                raise
        await asyncio.sleep(EVEN_SECONDS - (loop.time() - began_at) % EVEN_SECONDS)
        self._failed.put(name, True, until=time.monotonic() + MISSING_KEPT_SECONDS)
        raise _hidden()


def _look_up(host: str) -> tuple[str, ...]:
    """The addresses of a name, none if it does not exist; raises OSError if that cannot be told."""
    if host == ".":  # the root of all names is no host, which also holds if no name server is reached
        return ()
    try:
        found = socket.getaddrinfo(host.encode(), None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in _MISSING:
            return ()
        raise
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


def _hidden() -> TryFailed:
    return TryFailed(Cause.DNS, HIDDEN, unreached=True)
