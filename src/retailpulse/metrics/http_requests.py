"""Counts and times every HTTP request of an API process, around the whole application.

The router of the application leaves the template of the route in the scope, unless it found none.
"""

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from retailpulse.telemetry.catalogue import HTTP_REQUESTS, HTTP_SECONDS
from retailpulse.telemetry.instruments import Instruments

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

NO_ROUTE, OTHER_METHOD, BROKEN_OFF = "none", "other", "none"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def observed(application: Application, instruments: Instruments) -> Application:
    """The same application, observed."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        status = 0

        async def note_and_send(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began_at = time.monotonic()
        try:
            await application(scope, receive, note_and_send)
        finally:
            route = scope.get("path_template") or NO_ROUTE
            method = scope["method"] if scope["method"] in _METHODS else OTHER_METHOD
            instruments.count(HTTP_REQUESTS, route, method, _status_class(status))
            instruments.histogram(HTTP_SECONDS, route, method).observe(time.monotonic() - began_at)

    return call


def _status_class(status: int) -> str:
    """2xx and the like; `none` for a client that went away before an answer began."""
    return f"{status // 100}xx" if 100 <= status < 600 else BROKEN_OFF
