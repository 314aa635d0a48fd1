"""Asks why a host name did not resolve: libcurl says only that it did not.

The system's resolver has just been asked, so the second answer mostly comes from its cache.
Weak: a name that has no address of any kind is only known by what the resolver says now.
"""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

# A resolver that is down takes 10 s and more to say so, and a thread that waits for it cannot be stopped.
_PATIENCE_SECONDS = 2.0
_FINAL = frozenset({socket.EAI_NONAME, socket.EAI_NODATA, socket.EAI_FAIL})


class Names:
    """A few threads that ask the system's resolver."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="fetch-names")

    async def does_not_exist(self, host: str) -> bool:
        """Whether the resolver says for certain that a name has no address."""
        asking = asyncio.get_running_loop().run_in_executor(self._threads, _error_of, host)
        try:
            return await asyncio.wait_for(asking, _PATIENCE_SECONDS) in _FINAL
        except TimeoutError:
            return False

    def close(self) -> None:
        """Let the threads end when they have their answers."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _error_of(host: str) -> int | None:
    try:
        socket.getaddrinfo(host.encode(), None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        return error.errno
    return None
