"""Methods that every path knows besides its own: HEAD where there is GET (RFC 9110, 9.1).

The framework answers OPTIONS and refuses other methods by itself; it knows nothing of HEAD.
"""

import asyncio
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, Message, Receive, Scope, Send

_ALLOW = b"allow"


class Methods:
    """An application whose GET paths answer HEAD too, with what GET would answer, but no body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
        elif scope["method"] == "HEAD":
            head = _Head(receive, send)
            asked: Any = {**scope, "method": "GET"}
            await self._app(asked, head.receive, head.send)
        else:
            await self._app(scope, receive, _allowing_head(send))


class _Head:
    """The two ends of a request whose answer ends after its headers."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._is_answered = asyncio.Event()

    async def receive(self) -> Any:
        """What the client sends; once it has its answer it is gone, so that an endless one ends."""
        if not self._is_answered.is_set():
            coming = asyncio.ensure_future(self._receive())
            answered = asyncio.ensure_future(self._is_answered.wait())
            try:
                await asyncio.wait({coming, answered}, return_when=asyncio.FIRST_COMPLETED)
                if coming.done():
                    return coming.result()
            finally:
                coming.cancel()
                answered.cancel()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Passes the beginning of the answer on, and nothing of its body."""
        if message["type"] == "http.response.start":
            await self._send(_with_head(message))
        elif message["type"] == "http.response.body" and not self._is_answered.is_set():
            self._is_answered.set()
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def _allowing_head(send: Send) -> Send:
    async def send_on(message: Message) -> None:
        await send(_with_head(message) if message["type"] == "http.response.start" else message)

    return send_on


def _with_head(message: HTTPResponseStartEvent) -> HTTPResponseStartEvent:
    """The beginning of an answer whose `Allow`, where it has one, names HEAD beside GET."""
    headers = list(message["headers"])
    for place, (name, value) in enumerate(headers):
        if name.lower() == _ALLOW:
            methods = {method.strip() for method in value.split(b",")}
            methods |= {b"HEAD"} if b"GET" in methods else set()
            headers[place] = (_ALLOW, b", ".join(sorted(methods)))
            return {**message, "headers": headers}
    return message
