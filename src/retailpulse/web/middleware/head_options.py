"""Methods that every path knows besides its own: OPTIONS, and HEAD if there is GET (RFC 9110, 9.1, 9.3).

The framework does not answer HEAD, and if several handlers share a path its OPTIONS names the methods of one
of them only. Its `Allow` is right when it refuses a method.
"""

import asyncio
from typing import Any

from litestar.enums import ScopeType
from litestar.status_codes import HTTP_204_NO_CONTENT, HTTP_405_METHOD_NOT_ALLOWED
from litestar.types import ASGIApp, HTTPResponseStartEvent, HTTPScope, Message, Receive, Scope, Send

_ALLOW = b"allow"
_NO_METHOD = "NONE"
"""What no path knows, so that the framework names all methods of the one that is asked for."""


class HeadOptionsMiddleware:
    """An application whose paths answer OPTIONS, and HEAD with what GET would answer, but no body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
        elif scope["method"] == "HEAD":
            head = _Head(receive, send)
            await self._ask("GET", scope, head.receive, head.send)
        elif scope["method"] == "OPTIONS":
            await self._ask(_NO_METHOD, scope, receive, _with_options(send))
        else:
            await self._app(scope, receive, _allowing_head(send))

    async def _ask(self, method: str, scope: HTTPScope, receive: Receive, send: Send) -> None:
        asked: Any = {**scope, "method": method}
        await self._app(asked, receive, send)


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


def _with_options(send: Send) -> Send:
    """Makes of a refusal that names the methods of a path an answer that does, and nothing more."""
    is_refused = False

    async def send_on(message: Message) -> None:
        nonlocal is_refused
        if message["type"] == "http.response.start" and message["status"] == HTTP_405_METHOD_NOT_ALLOWED:
            is_refused = True
            kept = [(name, value) for name, value in _with_head(message)["headers"] if name.lower() == _ALLOW]
            message = {**message, "status": HTTP_204_NO_CONTENT, "headers": kept}
        elif message["type"] == "http.response.body" and is_refused:
            message = {**message, "body": b""}
        await send(message)

    return send_on


def _with_head(message: HTTPResponseStartEvent) -> HTTPResponseStartEvent:
    """The beginning of an answer whose `Allow`, if it has one, names HEAD beside GET."""
    headers = list(message["headers"])
    for place, (name, value) in enumerate(headers):
        if name.lower() == _ALLOW:
            methods = {method.strip() for method in value.split(b",")}
            methods |= {b"HEAD"} if b"GET" in methods else set()
            headers[place] = (_ALLOW, b", ".join(sorted(methods)))
            return {**message, "headers": headers}
    return message
