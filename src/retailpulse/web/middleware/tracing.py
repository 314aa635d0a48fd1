"""A span for each request that is traced: a new trace, or that of the client's `traceparent`.

Health checks and scrapes, which come all the time, begin none.
"""

import re

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from retailpulse.telemetry.tracing import SpanName, Tracer, within
from retailpulse.web.middleware.access_log import masked

_TRACEPARENT = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_UNTRACED = ("/health/", "/metrics")


class TracingMiddleware:
    """An application whose requests are traced."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        if scope["type"] != ScopeType.HTTP or scope["path"].startswith(_UNTRACED):
            await self._app(scope, receive, send)
            return
        attributes = {"http.request.method": scope["method"][:20], "url.path": masked(scope)}
        span = self._tracer.begin(SpanName.REQUEST, _traceparent(scope), attributes)
        if span is None:
            await self._app(scope, receive, send)
            return

        async def note_and_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                span.set({"http.response.status_code": message["status"]})
            await send(message)

        with within(span):
            await self._app(scope, receive, note_and_send)


def _traceparent(scope: HTTPScope) -> str | None:
    """The client's, if it is one (W3C Trace Context, version 00)."""
    given = next((value for name, value in scope["headers"] if name == b"traceparent"), b"")
    return given.decode("ascii") if _TRACEPARENT.fullmatch(given) else None
