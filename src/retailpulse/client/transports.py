"""How requests travel: httpx, blocking or suspending. All that the two clients do not share is here.

The coroutines of SyncTransport never suspend; that is what lets the sync client run them on the spot.
"""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import anyio
import anyio.to_thread
import httpx

T = TypeVar("T")

Params = list[tuple[str, str]]
Blocks = Callable[[], Iterator[bytes]]
"""Gives the blocks of a body, from its start, each time that it is called."""


LONG_SECONDS = 900.0
"""How long the service may be silent over what touches each image of a job: there may be millions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpRequest:
    """One request, which may be sent more than once.

    `is_repeatable` is False if doing it twice is not the same as doing it once; `read_seconds` is how
    long the service may be silent; `also_answers` are codes beyond success whose bodies are answers, not
    problems.
    """

    method: str
    path: str
    params: Params = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    content: bytes | None = field(default=None, repr=False)
    blocks: Blocks | None = None
    is_repeatable: bool = True
    read_seconds: float | None = None
    also_answers: frozenset[int] = frozenset()


class Transport(Protocol):
    """What an exchange needs of a way to travel; errors are those of httpx."""

    async def open(self, request: HttpRequest) -> httpx.Response:
        """Sends a request; the answer's body is still to be read, and the answer to be closed."""

    async def read(self, response: httpx.Response) -> bytes:
        """The whole body of an answer."""

    def blocks(self, response: httpx.Response) -> AsyncIterator[bytes]:
        """The body of an answer as it comes."""

    async def close(self, response: httpx.Response) -> None:
        """Closes an answer, read or not."""

    async def pause(self, seconds: float) -> None:
        """Waits for `seconds`."""

    async def run(self, work: Callable[[], T]) -> T:
        """Does work that blocks, such as reading a file."""

    async def leave(self) -> None:
        """Closes all connections."""


class SyncTransport:
    """Blocks while it waits, and never suspends."""

    def __init__(self, **options: Any) -> None:
        self._http = httpx.Client(**options)

    async def open(self, request: HttpRequest) -> httpx.Response:
        """Sends a request."""
        content = request.blocks() if request.blocks else request.content
        return self._http.send(_built(self._http, request, content), stream=True)

    async def read(self, response: httpx.Response) -> bytes:
        """The whole body of an answer."""
        return response.read()

    async def blocks(self, response: httpx.Response) -> AsyncIterator[bytes]:
        """The body of an answer as it comes."""
        for block in response.iter_bytes():
            yield block

    async def close(self, response: httpx.Response) -> None:
        """Closes an answer."""
        response.close()

    async def pause(self, seconds: float) -> None:
        """Waits for `seconds`."""
        time.sleep(seconds)  # noqa: ASYNC251  # nothing but this thread waits here

    async def run(self, work: Callable[[], T]) -> T:
        """Does work that blocks."""
        return work()

    async def leave(self) -> None:
        """Closes all connections."""
        self._http.close()


class AsyncTransport:
    """Suspends while it waits, under asyncio or trio; files are read in threads."""

    def __init__(self, **options: Any) -> None:
        self._http = httpx.AsyncClient(**options)

    async def open(self, request: HttpRequest) -> httpx.Response:
        """Sends a request."""
        content = _in_threads(request.blocks()) if request.blocks else request.content
        return await self._http.send(_built(self._http, request, content), stream=True)

    async def read(self, response: httpx.Response) -> bytes:
        """The whole body of an answer."""
        return await response.aread()

    async def blocks(self, response: httpx.Response) -> AsyncIterator[bytes]:
        """The body of an answer as it comes."""
        async for block in response.aiter_bytes():
            yield block

    async def close(self, response: httpx.Response) -> None:
        """Closes an answer."""
        await response.aclose()

    async def pause(self, seconds: float) -> None:
        """Waits for `seconds`."""
        await anyio.sleep(seconds)

    async def run(self, work: Callable[[], T]) -> T:
        """Does work that blocks."""
        return await anyio.to_thread.run_sync(work)

    async def leave(self) -> None:
        """Closes all connections."""
        await self._http.aclose()


def _built(http: httpx.Client | httpx.AsyncClient, request: HttpRequest, content: Any) -> httpx.Request:
    timeout = http.timeout
    if request.read_seconds is not None:
        timeout = httpx.Timeout(
            connect=timeout.connect, read=request.read_seconds, write=timeout.write, pool=timeout.pool
        )
    # An empty list of parameters would take the query of the path away.
    return http.build_request(
        request.method,
        request.path,
        params=httpx.QueryParams(tuple(request.params)) if request.params else None,
        headers=request.headers,
        content=content,
        timeout=timeout,
    )


async def _in_threads(blocks: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (block := await anyio.to_thread.run_sync(next, blocks, None)) is not None:
        yield block
