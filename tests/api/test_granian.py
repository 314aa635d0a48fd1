"""What of Granian is overridden though it is private: that it is still asked for, and does what it is for.

Its minor version is pinned for the same reason. What clients notice of it is in `test_slow_clients.py`.
"""

import asyncio
import os
import socket
import tomllib
from pathlib import Path
from typing import Any

import pytest
from granian.server.embed import Server
from litestar.types import Receive, Scope, Send

from retailpulse.config.settings import ApiSettings
from retailpulse.web import server
from tests.running import free_port
from tests.waiting import within


async def nothing(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def test_the_socket_that_granian_listens_on_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[int] = []

    class Recording(server.GranianServer):
        def _init_shared_socket(self) -> None:
            super()._init_shared_socket()
            held: Any = self._sfd
            with socket.socket(fileno=os.dup(held)) as listening:
                limits.append(listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT))

    monkeypatch.setattr(server, "GranianServer", Recording)
    stop, port = asyncio.Event(), free_port()
    serving = asyncio.create_task(
        server.serve_app(nothing, ApiSettings(host="127.0.0.1", port=port, answer_seconds=7), stop)
    )
    try:
        assert await within(_status(port)) == b"HTTP/1.1 204 No Content"
        assert limits == [7_000]
    finally:
        stop.set()
        await within(serving)


def test_granian_has_what_is_overridden() -> None:
    assert any("_init_shared_socket" in vars(base) for base in Server.__mro__)


def test_granian_is_held_to_one_minor_version() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    [pinned] = [text for text in project["optional-dependencies"]["server"] if text.startswith("granian")]
    least, most = (part.removeprefix("granian").lstrip("<>=").split(".") for part in pinned.split(","))
    assert (least[0], int(least[1]) + 1) == (most[0], int(most[1]))


async def _status(port: int) -> bytes:
    """The status line of an answer, once anything listens."""
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.02)
            continue
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        line = await reader.readline()
        writer.close()
        return line.strip()
