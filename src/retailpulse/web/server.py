"""Serves the application over HTTP, and closes connections that clients keep without using them."""

import asyncio
import contextlib
import os
import resource
import socket
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.net import SocketHolder, SocketSpec  # type: ignore[attr-defined]  # made in Rust, without types
from granian.server.embed import Server
from litestar.enums import ScopeType
from litestar.status_codes import HTTP_404_NOT_FOUND
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from retailpulse.config.settings import ApiSettings
from retailpulse.web.middleware.scopes import HEALTH, is_below
from retailpulse.web.ports import BACKLOG, Sockets, check_port

CLOSE_SECONDS = 5.0
"""How long requests in flight may take once a stop is asked for; kept-alive connections wait no longer."""
HEALTH_CONNECTIONS = 32
"""Connections at once to the port for health alone."""
OTHER_FILES = 200
"""Files that are kept for what is no connection of a client: the database, spooled bodies, pipes."""


class GranianServer(Server):
    """Granian with a limit to how long a client may take nothing of its answer.

    The server has no such limit of its own; the kernel has, for every connection of a listening socket
    (tcp(7), TCP_USER_TIMEOUT: also if a window stays closed).
    """

    answer_seconds = 60.0
    socket_fd: int | None = None

    def _init_shared_socket(self) -> None:
        holder: Any = SocketHolder
        held: Any = (
            SocketSpec(self.bind_addr, self.bind_port, self.backlog).build()
            if self.socket_fd is None
            else holder(self.socket_fd, False, self.backlog)  # False: no Unix socket
        )
        self._shd, self._sfd = held, held.get_fd()
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            with socket.socket(fileno=os.dup(held.get_fd())) as listening:
                milliseconds = int(self.answer_seconds * 1000)
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)


async def serve_app(
    app: ASGIApp, settings: ApiSettings, stop: asyncio.Event, sockets: Sockets | None = None
) -> None:
    """Serves until `stop` is set, then finishes what is in flight; raises ConfigError for a busy port.

    `sockets`: what listens already.
    """
    sockets = sockets or Sockets()
    check_port(settings, sockets)
    servers = [_server(app, settings, settings.port, settings.max_connections)]
    servers[0].socket_fd = sockets.all
    if settings.health_port:
        servers.append(_server(health_alone(app), settings, settings.health_port, HEALTH_CONNECTIONS))
        servers[1].socket_fd = sockets.health
    serving = [asyncio.create_task(server.serve()) for server in servers]
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({*serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    for server, served in zip(servers, serving, strict=True):
        if not served.done():
            server.stop()  # type: ignore[no-untyped-call]  # Granian names no types here
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.gather(*serving), CLOSE_SECONDS)


def _server(app: ASGIApp, settings: ApiSettings, port: int, connections: int) -> GranianServer:
    server = GranianServer(
        releasing_connections(app),
        address=settings.host,
        port=port,
        interface=Interfaces.ASGINL,
        # Beside HTTP/1 alone: while it waits to see which HTTP a client speaks, it waits for ever.
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=int(settings.header_seconds * 1000)),
        backlog=BACKLOG,
        backpressure=_room_for(connections),
        websockets=False,
        log_enabled=False,
    )
    server.answer_seconds = settings.answer_seconds
    return server


def health_alone(app: ASGIApp) -> ASGIApp:
    """The same application, of which only /health is there."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and not is_below(scope["path"], HEALTH):
            await send({"type": "http.response.start", "status": HTTP_404_NOT_FOUND, "headers": []})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        await app(scope, receive, send)

    return call


def releasing_connections(app: ASGIApp) -> ASGIApp:
    """The same application, which holds no connection once it has answered, whatever it still holds itself.

    Granian ends a connection whose body was not read to its end once nothing can ask for more of it; but what
    an exception went through may stay in memory, and could.
    """

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        ends: list[Any] = [receive, send]
        del receive, send

        def receive_on() -> Any:
            return ends[0]()

        def send_on(message: Message) -> Any:
            return ends[1](message)

        try:
            await app(scope, receive_on, send_on)
        finally:
            ends.clear()

    return call


def _room_for(connections: int) -> int:
    """How many connections this process may have: it asks for files for all of them, and may get fewer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = connections + OTHER_FILES
    if hard != resource.RLIM_INFINITY:
        files = min(files, hard)
    if soft != resource.RLIM_INFINITY and soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return max(1, min(connections, files - OTHER_FILES))
