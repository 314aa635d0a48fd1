"""Ends connections whose body was given up half way, once they have their answer.

Granian has no limit of time for bodies: once more of one was asked for, it keeps the connection until more
comes, also when nobody waits for it any more, and as long as anything holds one of the connection's ends, as
the traceback of an exception does. Weak: it finds the connections among all files of the process.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Set
from pathlib import Path

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, ReceiveMessage, Scope, Send

from retailpulse.api.patience import WITHOUT_BODY

LOOK_SECONDS = 0.5
"""All that are left in this time are looked for at once."""

Client = tuple[str, int]
"""Address and port of the other end."""


class LeftBodies:
    """An application whose clients are hung up on where it did not wait for their body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._left: set[Client] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        if scope["type"] != ScopeType.HTTP or scope["method"] in WITHOUT_BODY:
            await self._app(scope, receive, send)
            return
        ends = _Ends(receive, send)
        try:
            await self._app(scope, ends.receive, ends.send)
        finally:
            ends.let_go()
            if ends.was_left and (client := scope["client"]):
                self._leave(client)

    def _leave(self, client: Client) -> None:
        if not self._left:
            asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)
        self._left.add(client)

    def _look(self) -> None:
        left, self._left = self._left, set()
        asyncio.get_running_loop().run_in_executor(None, hang_up, left)


class _Ends:
    """Both ends of a connection during one request, and whether somebody stopped waiting for its body."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._ends = [(receive, send)]
        self._is_whole = False
        self.was_left = False

    async def receive(self) -> ReceiveMessage:
        self.was_left = not self._is_whole
        message = await self._ends[0][0]()
        self.was_left = False
        self._is_whole = message["type"] != "http.request" or not message["more_body"]
        return message

    async def send(self, message: Message) -> None:
        await self._ends[0][1](message)

    def let_go(self) -> None:
        self._ends.clear()


def hang_up(clients: Set[Client]) -> None:
    """Receives nothing more from these clients; what is on its way to them still arrives."""
    for file in Path("/dev/fd").iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile, or connected to nobody
            if not file.is_socket():
                continue
            with socket.socket(fileno=os.dup(int(file.name))) as line:
                if line.family != socket.AF_UNIX and line.getpeername()[:2] in clients:
                    line.shutdown(socket.SHUT_RD)
