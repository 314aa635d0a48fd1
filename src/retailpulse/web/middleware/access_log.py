"""The access log, where it is asked for: a line for each request once its answer has ended.

Values in a query are never logged, as they may hold tokens of a client's own URLs.
"""

import logging
import re
import time

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from retailpulse.web.caller import key_of

logger = logging.getLogger(__name__)

MOST_CHARACTERS = 300
_NAME = re.compile(r"[A-Za-z_]{1,40}")


class AccessLogMiddleware:
    """An application whose requests are logged."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        status = size_bytes = 0

        async def count_and_send(message: Message) -> None:
            nonlocal status, size_bytes
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                size_bytes += len(message["body"])
            await send(message)

        began_at = time.monotonic()
        try:
            await self._app(scope, receive, count_and_send)
        finally:
            fields = {
                "method": scope["method"][:20],
                "path": masked(scope),
                "status": status or None,
                "milliseconds": round((time.monotonic() - began_at) * 1_000, 1),
                "bytes": size_bytes,
                "key": key_of(scope),
            }
            logger.info("request answered", extra=fields)


def masked(scope: HTTPScope) -> str:
    """The path and query of a request, without the values in the query."""
    path = scope["raw_path"].decode("latin-1")[:MOST_CHARACTERS]
    pairs = scope["query_string"].decode("latin-1").split("&") if scope["query_string"] else []
    names = [name if _NAME.fullmatch(name := pair.partition("=")[0]) else "*" for pair in pairs]
    query = "&".join(f"{name}=*" for name in names)[:MOST_CHARACTERS]
    return _printable(f"{path}?{query}" if query else path)


def _printable(text: str) -> str:
    return "".join(character if "!" <= character <= "~" else "?" for character in text)
