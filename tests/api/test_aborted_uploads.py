"""A client whose body is given up half way is told, and its connection ends, whoever still holds it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from retailpulse.config.settings import ApiSettings
from retailpulse.web.server import serve_app
from tests.running import free_port

HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"
CLIENTS = 20
Connect = Callable[[], AbstractAsyncContextManager[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


@asynccontextmanager
async def served(application: Any) -> AsyncIterator[Connect]:
    """Serves an application; gives what connects to it."""
    stop = asyncio.Event()
    port = free_port()
    serving = asyncio.create_task(serve_app(application, ApiSettings(port=port), stop))

    @asynccontextmanager
    async def connected() -> AsyncIterator[Any]:
        ends = None
        while ends is None:
            with contextlib.suppress(ConnectionRefusedError):
                ends = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.sleep(0.02)
        try:
            yield ends
        finally:
            ends[1].close()
            with contextlib.suppress(ConnectionError):
                await ends[1].wait_closed()

    yield connected
    stop.set()
    await serving


async def answer(send: Any) -> None:
    await send({"type": "http.response.start", "status": 408, "headers": [(b"content-length", b"20000")]})
    await send({"type": "http.response.body", "body": b"x" * 20_000})


async def read_answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    return head + await reader.readexactly(20_000)


@pytest.mark.parametrize("trickles", [False, True])
@pytest.mark.parametrize("first", [b"", b"a"])
async def test_who_is_not_waited_for_is_told_and_let_go_of(first: bytes, trickles: bool) -> None:
    held: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        held.append((scope, receive, send))  # as the traceback of an exception does
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                while True:
                    await receive()
        await answer(send)

    async def is_let_go_of(connected: Connect) -> None:
        async with connected() as (reader, writer), asyncio.TaskGroup() as tasks:
            writer.write(HEAD + first)

            async def trickle() -> None:
                while trickles:
                    await asyncio.sleep(0.03)
                    writer.write(b"1")

            trickling = tasks.create_task(trickle())
            assert (await read_answer(reader)).startswith(b"HTTP/1.1 408 ")
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
            trickling.cancel()

    async with asyncio.timeout(30), served(application) as connected:
        await asyncio.gather(*[is_let_go_of(connected) for _ in range(CLIENTS)])
    assert len(held) == CLIENTS
