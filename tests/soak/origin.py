"""The origin of the soak: photos good and bad on many loopback addresses, which may be gone for a while.

One thread, so that it stays out of the way of the service; it counts how often each path was asked for.
"""

import asyncio
import errno
import socket
import threading
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, cast

from tests.measure.pictures import picture, saved
from tests.soak.plans import HOSTS, KINDS

_BACKLOG = 512
_PORT_TRIES = 20


def _answers() -> dict[str, bytes]:
    """What is sent for each kind, head and body."""
    jpeg, png = saved("JPEG", picture(94, 70)), saved("PNG", picture(32, 24))
    middle = png.index(b"IDAT") + 12
    return {
        "jpeg": _answer(jpeg),
        "png": _answer(png),
        **{kind: _answer(jpeg) for kind in ("slow", "slower", "slowest")},
        "missing": _answer(b"not here", status="404 Not Found"),
        "broken": _answer(b"", status="500 Oh No"),
        "text": _answer(b"<html>this is no photo at all, whatever its name says</html>" * 9),
        "cut": _answer(jpeg, declared_bytes=len(jpeg) + 999),
        "corrupt": _answer(png[:middle] + bytes(byte ^ 0x5A for byte in png[middle:-16]) + png[-16:]),
    }


def _answer(body: bytes, *, status: str = "200 OK", declared_bytes: int | None = None) -> bytes:
    length = len(body) if declared_bytes is None else declared_bytes
    return f"HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n".encode() + body


class SoakOrigin:
    """The server; use it in a `with`. `requests` may be read at any time."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.port = 0
        self.answers = _answers()
        self.lines: set[asyncio.Transport] = set()
        self._listeners: list[socket.socket] = []
        self._accepting: set[asyncio.Task[Any]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="soak-origin")

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._choose_port())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def leave(self) -> None:
        """Refuse every connection, and break those that are there."""
        self._do(self._leave())

    def come_back(self) -> None:
        """Take connections again, on the same port."""
        self._do(self._listen(self.port))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _choose_port(self) -> None:
        for _ in range(_PORT_TRIES):
            with socket.create_server((HOSTS[0], 0)) as probe:
                port = probe.getsockname()[1]
            try:
                await self._listen(port)
            except OSError as error:
                await self._leave()
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                self.port = port
                return
        raise OSError(errno.EADDRINUSE, "no port is free on all addresses")

    async def _listen(self, port: int) -> None:
        for host in HOSTS:
            listener = socket.create_server((host, port), backlog=_BACKLOG)
            listener.setblocking(False)
            self._listeners.append(listener)
            self._loop.add_reader(listener, self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        """Takes all connections that are there. A server of asyncio, closed now, would lose those it took."""
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.setblocking(False)
                made = self._loop.connect_accepted_socket(lambda: _Line(self), connection)
                task = self._loop.create_task(made)
                self._accepting.add(task)
                task.add_done_callback(self._accepting.discard)

    async def _leave(self) -> None:
        for listener in self._listeners:
            self._loop.remove_reader(listener)
            listener.close()
        self._listeners.clear()
        if self._accepting:
            await asyncio.wait(self._accepting)
        for transport in list(self.lines):
            transport.abort()
        await asyncio.sleep(0)  # those that were aborted close in the next round of the loop


class _Line(asyncio.Protocol):
    """One connection."""

    def __init__(self, origin: SoakOrigin) -> None:
        self._origin = origin
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._origin.lines.add(self._transport)

    def connection_lost(self, _: Exception | None) -> None:
        self._origin.lines.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head, self._received = self._received[:end], self._received[end + 4 :]
            self._answer(head.split(b" ", 2)[1].decode("latin-1"))

    def _answer(self, path: str) -> None:
        self._origin.requests[path] += 1
        kind = path.split("/")[1]
        seconds = KINDS[kind].seconds if kind in KINDS else 0.0
        if seconds:
            asyncio.get_running_loop().call_later(seconds, self._send, kind)
        else:
            self._send(kind)

    def _send(self, kind: str) -> None:
        if not self._transport.is_closing():
            self._transport.write(self._origin.answers.get(kind, self._origin.answers["missing"]))
            if kind == "cut":
                self._transport.close()
