"""Middleware before the application: authentication, Host, rate limits, and headers of every answer.

It stands outside of the framework, whose router answers unknown paths before any of its own middleware runs:
without a key, what exists must look like what does not. An open service pays for a name and some headers.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from granian.utils.proxies import wrap_asgi_with_proxy_headers
from litestar import Request, Response
from litestar.enums import MediaType, ScopeType
from litestar.status_codes import HTTP_204_NO_CONTENT, HTTP_303_SEE_OTHER, HTTP_500_INTERNAL_SERVER_ERROR
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from retailpulse.config.settings import ApiSettings
from retailpulse.domain.errors import RetailPulseError
from retailpulse.web.caller import address_of, allow_all, name_caller
from retailpulse.web.error_responses import answer_known
from retailpulse.web.errors import Forbidden, Unauthenticated
from retailpulse.web.middleware.authentication import ApiKeyCache
from retailpulse.web.middleware.body_timeout import drain, with_body_timeout
from retailpulse.web.middleware.browser_protection import (
    SECURITY_HEADERS,
    AllowedHosts,
    Cors,
    Header,
    with_headers,
)
from retailpulse.web.middleware.browsers import sign_in_first, wants_page
from retailpulse.web.middleware.rate_limit import FixedWindowRateLimiter
from retailpulse.web.middleware.scopes import COOKIES, DEBUG, HEALTH, is_below, needed_scope, routed
from retailpulse.web.session_cookie import read_cookie

DRAIN_SECONDS = 5.0
"""How long the body of a request that is refused may go on coming."""
_READ = frozenset({b"host", b"authorization", b"origin", b"sec-fetch-site"})
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})
Refusal = Callable[[Request[Any, Any, Any], RetailPulseError], Response[Any]]
"""The answer to a request that is refused."""


class SecurityMiddleware:
    """Passes on only requests that are allowed: by Host, origin, API key, scope and rate."""

    def __init__(
        self, app: ASGIApp, api_keys: ApiKeyCache, settings: ApiSettings, refusal_page: Refusal = answer_known
    ) -> None:
        """`refusal_page` answers browsers that want a page."""
        self._app = app
        self._refusal_page = refusal_page
        self._api_keys = api_keys
        self._is_loopback = settings.is_loopback()
        self._open_metrics = settings.open_metrics
        self._hosts = AllowedHosts(settings.host_names())
        self._cors = Cors(settings.origins())
        self._keys = FixedWindowRateLimiter(settings.key_requests_per_minute, "a key")
        self._addresses = FixedWindowRateLimiter(
            settings.address_requests_per_minute, "an address without a valid key"
        )
        self._body_seconds = settings.body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        named = {name: value for name, value in scope["headers"] if name in _READ}
        host, origin, site = (named.get(name, b"") for name in (b"host", b"origin", b"sec-fetch-site"))
        authorization = named.get(b"authorization")
        headers = list(SECURITY_HEADERS)
        send = with_headers(send, headers)
        try:
            self._hosts.check(host)
            if origin:
                headers += self._cors.headers(origin)
                if scope["method"] == "OPTIONS" and (allowed := self._cors.preflight_headers(origin)):
                    await _send(send, HTTP_204_NO_CONTENT, allowed)
                    return
            await self._admit(scope, authorization, headers)
            if scope["method"] not in _WITHOUT_BODY:
                if self._api_keys.is_open:
                    self._cors.check(origin, host)
                    self._cors.check_site(site, origin)
                elif authorization is None or is_below(routed(scope["path"]), COOKIES):
                    self._cors.check_own(origin, site, host)
            elif is_below(routed(scope["path"]), (DEBUG,)):
                self._cors.check_site(site, origin)  # it reads, but at a price
        except RetailPulseError as error:
            if scope["method"] not in _WITHOUT_BODY:
                await drain(receive, DRAIN_SECONDS)
            await self._refuse(Request(scope, receive, send), send, error)
            return
        if scope["method"] not in _WITHOUT_BODY:
            receive = with_body_timeout(receive, self._body_seconds)
        await self._app(scope, receive, send)

    async def _admit(self, scope: HTTPScope, authorization: bytes | None, headers: list[Header]) -> None:
        """Raises Unauthenticated, Forbidden, RateLimited or DatabaseUnavailable."""
        path = scope["path"]
        is_open = self._api_keys.is_open
        if is_open:
            allow_all(scope)
        if (is_open and self._is_loopback) or is_below(path, HEALTH):
            return  # a health check must not suffer from a neighbour behind the same proxy
        address = address_of(scope["client"])
        needed = needed_scope(scope["method"], path, open_metrics=self._open_metrics)
        if is_open or needed is None:
            self._addresses.hit(address, headers)
            return
        held = read_cookie(scope) if authorization is None else None
        may_look = not self._addresses.is_over(address)
        try:
            if held is not None and may_look:
                key = await self._api_keys.verify_session(held)
            else:
                key = await self._api_keys.verify(authorization, may_look=may_look)
        except Unauthenticated:
            self._addresses.hit(address, headers)
            raise
        self._keys.hit(key.key_id, headers)
        name_caller(scope, key)
        if not key.allows(needed):
            raise Forbidden(f"this key lacks the scope {needed}", scope=needed)

    async def _refuse(self, request: Request[Any, Any, Any], send: Send, error: RetailPulseError) -> None:
        scope = request.scope
        if not wants_page(scope):
            await _send_answer(send, answer_known(request, error))
        elif isinstance(error, Unauthenticated):
            await _send(send, HTTP_303_SEE_OTHER, [(b"location", sign_in_first(scope))])
        else:
            await _send_answer(send, self._refusal_page(request, error))


def with_security(
    app: ASGIApp, api_keys: ApiKeyCache, settings: ApiSettings, refusal_page: Refusal = answer_known
) -> ASGIApp:
    """An application behind its security middleware, and that behind the proxies that are trusted.

    `refusal_page` answers browsers whose request is refused.
    """
    secured = SecurityMiddleware(app, api_keys, settings, refusal_page)
    proxies = settings.proxies()
    return wrap_asgi_with_proxy_headers(secured, proxies) if proxies else secured


async def _send_answer(send: Send, answer: Response[Any]) -> None:
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
    content, kind = answer.content, answer.media_type
    body = content if isinstance(content, bytes) else msgspec.json.encode(content)
    media_type = b"text/html; charset=utf-8" if kind is MediaType.HTML else str(kind).encode()
    headers += [(b"content-type", media_type), (b"content-length", b"%d" % len(body))]
    await _send(send, answer.status_code or HTTP_500_INTERNAL_SERVER_ERROR, headers, body)


async def _send(send: Send, status: int, headers: list[Header], body: bytes = b"") -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
