"""The slow origin's event loop: many hosts at loopback addresses, and a port for those who ask what they saw.

`/2000/any.jpg` is answered after 2,000 ms, `/1000-3000/any.jpg` after anything between. A proxy's requests
(`GET http://name/2000/any.jpg`) are answered as those for the address they come to. Weak: reads GET alone.
"""

import asyncio
import io
import random
import resource
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from ipaddress import IPv4Address
from typing import cast

import msgspec
import uvloop
from PIL import Image

from tests.slow_origin.manners import SlowHost, host_of

FIRST_ADDRESS = IPv4Address("127.0.1.1")
_BACKLOG = 4_096
_END = b"\r\n\r\n"
_PORT_TRIES = 50
_REFUSAL = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"
_rng = random.Random(7)


def address_of(number: int) -> str:
    """The address of the host with this number, from 0."""
    return str(FIRST_ADDRESS + number)


def _photo_answer() -> bytes:
    written = io.BytesIO()
    Image.effect_noise((64, 48), 20).convert("RGB").save(written, "JPEG", quality=40)
    body = written.getvalue()
    return (b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(body)) + body


class Connection(asyncio.Protocol):
    """One connection of a photo host."""

    def __init__(self, host: SlowHost, answer: bytes) -> None:
        self._host = host
        self._answer = answer
        self._received = b""
        self._served = False
        self._timers: set[asyncio.TimerHandle] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The host says whether it is served."""
        self.transport = cast(asyncio.Transport, transport)
        self._host.opened(self)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        """Whatever was not answered yet is aborted."""
        for timer in self._timers:
            timer.cancel()
        self._host.count.in_flight -= len(self._timers)
        self._host.count.aborted += len(self._timers)
        self._host.closed(self)

    def serve(self) -> None:
        """Answer what was asked so far, and from now on."""
        self._served = True
        self._read()

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole, once this connection is served."""
        self._received += data
        if self._served:
            self._read()

    def _read(self) -> None:
        while (end := self._received.find(_END)) >= 0:
            head, self._received = self._received[:end], self._received[end + len(_END) :]
            self._accept(_path(head))

    def _accept(self, path: str) -> None:
        answer = self._answer if self._host.admits(path, time.monotonic()) else _REFUSAL
        seconds = 0.0 if answer is _REFUSAL else _latency_seconds(path)
        loop = asyncio.get_running_loop()

        def reply() -> None:
            self._timers.discard(timer)
            self._host.count.in_flight -= 1
            self._host.count.answered += answer is not _REFUSAL
            self.transport.write(answer)

        timer = loop.call_later(seconds, reply)
        self._timers.add(timer)


def _path(head: bytes) -> str:
    """The path of a request's head, without the scheme and host that a proxy is told."""
    target = head.split(b" ", 2)[1].decode("latin-1")
    return target if target.startswith("/") else "/" + target.partition("://")[2].partition("/")[2]


def _latency_seconds(path: str) -> float:
    least, _, most = path.split("/", 2)[1].partition("-")
    return _rng.uniform(float(least), float(most or least)) / 1_000


class Control(asyncio.Protocol):
    """One connection of who asks for the counts: `/_stats`, `/_arrivals`, `/_reset`."""

    def __init__(self, hosts: Sequence[SlowHost]) -> None:
        self._hosts = hosts
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember whom to answer."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer a request that is whole."""
        self._received += data
        while (end := self._received.find(_END)) >= 0:
            head, self._received = self._received[:end], self._received[end + len(_END) :]
            body = msgspec.json.encode(self._report(_path(head)))
            line = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            self._transport.write(line % len(body) + body)

    def _report(self, path: str) -> object:
        if path == "/_stats":
            return [host.count for host in self._hosts]
        if path == "/_arrivals":
            return [list(host.arrivals) for host in self._hosts]
        for host in self._hosts:
            host.count.reset()
            host.arrivals.clear()
        return []


def listen(hosts: int) -> list[socket.socket]:
    """Listens at so many addresses, on one port that is free on all of them."""
    for _ in range(_PORT_TRIES):
        sockets = [socket.create_server((address_of(0), 0), backlog=_BACKLOG)]
        port = sockets[0].getsockname()[1]
        try:
            for number in range(1, hosts):
                sockets.append(socket.create_server((address_of(number), port), backlog=_BACKLOG))
        except OSError:
            for one in sockets:
                one.close()
            continue
        return sockets
    raise OSError("no port is free on all addresses")


async def serve(sockets: Sequence[socket.socket], control: socket.socket, manners: Mapping[int, str]) -> None:
    """Serves all hosts until standard input ends."""
    loop = asyncio.get_running_loop()
    answer = _photo_answer()
    hosts = [host_of(manners.get(number, "")) for number in range(len(sockets))]
    for host, listener in zip(hosts, sockets, strict=True):
        await loop.create_server(partial(Connection, host, answer), sock=listener, backlog=_BACKLOG)
    await loop.create_server(lambda: Control(hosts), sock=control)
    print(sockets[0].getsockname()[1], control.getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.buffer.read)


def run(hosts: int, manners: Mapping[int, str]) -> None:
    """Serves so many hosts; `manners` are those of the hosts that are not plain, by number."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    sockets = listen(hosts)
    control = socket.create_server(("127.0.0.1", 0))
    uvloop.run(serve(sockets, control, manners))
