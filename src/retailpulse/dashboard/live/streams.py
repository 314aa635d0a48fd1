"""Answers a page's own address with a stream of its changes, for a browser that asks for events.

So whoever may read the page may follow it, and nobody else.
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import ExitStack
from typing import Self

from litestar import Request
from litestar.enums import ScopeType
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from retailpulse.config.settings import ApiSettings
from retailpulse.dashboard.live.live_page import LivePage
from retailpulse.dashboard.live.page_reader import PageAnswer, address_of_page
from retailpulse.dashboard.live.updates import LiveUpdates
from retailpulse.dashboard.live.viewers import Viewer, ViewerCheck, viewer_of
from retailpulse.service import Services
from retailpulse.web.caller import caller_of
from retailpulse.web.middleware.authentication import ApiKeyCache
from retailpulse.web.middleware.scopes import PUBLIC, is_below, routed
from retailpulse.web.quotas import Quota

SEND_SECONDS = 10.0
"""A tab that takes so little that one event waits for so long is let go."""
RETRY_MILLISECONDS = (2_000, 6_000)
"""When a browser comes back that does not run our script: each at its own time, not all at once."""
SHARE_OF_CONNECTIONS = 3
"""Live pages take at most one of so many connections of an API process."""
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"x-accel-buffering", b"no"),  # a proxy passes each event on at once
]


class LiveStreams:
    """What answers requests for events of pages, around their handlers."""

    def __init__(self, updates: LiveUpdates, settings: ApiSettings) -> None:
        self._updates = updates
        most = max(1, min(settings.max_live_pages, settings.max_connections // SHARE_OF_CONNECTIONS))
        self._quota = Quota(most, settings.key_live_pages, "live pages of one API process")

    @classmethod
    def over(
        cls, services: Services, api_keys: ApiKeyCache, settings: ApiSettings, stop: asyncio.Event
    ) -> Self:
        """Those of one API process; `stop` ends all."""
        check = ViewerCheck(services.sessions, services.keys, api_keys)
        return cls(LiveUpdates(check, stop), settings)

    def middleware(self) -> Callable[[ASGIApp], ASGIApp]:
        """What makes of the handler of a page one that also answers with events."""

        def around(app: ASGIApp) -> ASGIApp:
            async def call(scope: Scope, receive: Receive, send: Send) -> None:
                if scope["type"] == ScopeType.HTTP and _wants_events(scope):
                    await self._answer(scope, receive, send)
                else:
                    await app(scope, receive, send)

            return call

        return around  # a function, since the framework copies what it is given, but for functions

    async def _answer(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Raises RateLimited or Busy if as many streams are open as may be."""
        scope["path_template"] = f"{scope['path_template']} (live)"  # metrics time streams apart from pages
        slot = self._quota.acquire(caller_of(scope))
        try:
            whole, address = Request(scope).app, address_of_page(scope)
            page = await self._updates.find(whole, address)
            if isinstance(page, PageAnswer):
                await _refuse(send, page)
                return
            viewer = viewer_of(scope)
            with self._updates.watching(whole, address, page, viewer) as watched:
                await _stream(watched, viewer, receive, send)
        finally:
            slot.release()


def _wants_events(scope: HTTPScope) -> bool:
    if scope["method"] != "GET" or is_below(routed(scope["path"]), PUBLIC):
        return False
    return any(name == b"accept" and b"text/event-stream" in value for name, value in scope["headers"])


async def _stream(page: LivePage, viewer: Viewer, receive: Receive, send: Send) -> None:
    with ExitStack() as stack:
        gone = asyncio.ensure_future(_until_gone(receive))
        stack.callback(gone.cancel)
        gone.add_done_callback(lambda _: viewer.end())
        await send({"type": "http.response.start", "status": HTTP_200_OK, "headers": _HEADERS})
        await _send(send, b"retry: %d\n\n" % random.randint(*RETRY_MILLISECONDS))  # noqa: S311  # no secret
        while True:
            await viewer.wake.wait()
            viewer.wake.clear()
            if viewer.is_over:
                break
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    await _send(send, page.message_to(viewer))
            except TimeoutError:
                break
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(send: Send, block: bytes) -> None:
    await send({"type": "http.response.body", "body": block, "more_body": True})


async def _refuse(send: Send, answer: PageAnswer) -> None:
    """Answers as the page does; 204 tells a browser not to come back to a page that has no live part."""
    is_page = answer.status == HTTP_200_OK
    status = HTTP_204_NO_CONTENT if is_page else answer.status
    headers = [] if is_page else answer.headers
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if is_page else answer.body, "more_body": False})
