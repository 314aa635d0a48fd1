"""Middleware before the application: authentication, Host, rate limits, and headers of every answer.

It stands outside of the framework, whose router answers unknown paths before any of its own middleware runs:
without a key, what exists must look like what does not. An open service pays for a name and some headers.
"""

from urllib.parse import quote

import msgspec
from granian.utils.proxies import wrap_asgi_with_proxy_headers
from litestar import Request
from litestar.enums import ScopeType
from litestar.status_codes import HTTP_204_NO_CONTENT, HTTP_303_SEE_OTHER, HTTP_500_INTERNAL_SERVER_ERROR
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from retailpulse.config.settings import ApiSettings
from retailpulse.domain.errors import RetailPulseError
from retailpulse.web.caller import address_of, name_caller
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
from retailpulse.web.middleware.rate_limit import FixedWindowRateLimiter
from retailpulse.web.middleware.scopes import (
    HEALTH,
    SESSIONS,
    SIGN_IN,
    is_below,
    is_page,
    needed_scope,
    routed,
)
from retailpulse.web.session_cookie import read_cookie

DRAIN_SECONDS = 5.0
"""How long the body of a request that is refused may go on coming."""
_READ = frozenset({b"host", b"authorization", b"origin", b"sec-fetch-site", b"accept"})
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})


class SecurityMiddleware:
    """Passes on only requests that are allowed: by Host, origin, API key, scope and rate."""

    def __init__(self, app: ASGIApp, api_keys: ApiKeyCache, settings: ApiSettings) -> None:
        self._app = app
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
                elif authorization is None or is_below(routed(scope["path"]), SESSIONS):
                    self._cors.check_own(origin, site, host)
        except RetailPulseError as error:
            if scope["method"] not in _WITHOUT_BODY:
                await drain(receive, DRAIN_SECONDS)
            elif isinstance(error, Unauthenticated) and _wants_page(scope, named.get(b"accept", b"")):
                await _send(send, HTTP_303_SEE_OTHER, [(b"location", _sign_in_first(scope))])
                return
            await _refuse(scope, receive, send, error)
            return
        if scope["method"] not in _WITHOUT_BODY:
            receive = with_body_timeout(receive, self._body_seconds)
        await self._app(scope, receive, send)

    async def _admit(self, scope: HTTPScope, authorization: bytes | None, headers: list[Header]) -> None:
        """Raises Unauthenticated, Forbidden, RateLimited or DatabaseUnavailable."""
        path = scope["path"]
        is_open = self._api_keys.is_open
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


def with_security(app: ASGIApp, api_keys: ApiKeyCache, settings: ApiSettings) -> ASGIApp:
    """An application behind its security middleware, and that behind the proxies that are trusted."""
    secured = SecurityMiddleware(app, api_keys, settings)
    proxies = settings.proxies()
    return wrap_asgi_with_proxy_headers(secured, proxies) if proxies else secured


def _wants_page(scope: HTTPScope, accept: bytes) -> bool:
    return b"text/html" in accept and is_page(scope["path"])


def _sign_in_first(scope: HTTPScope) -> bytes:
    query = scope["query_string"].decode("latin-1")
    wanted = scope["path"] + (f"?{query}" if query else "")
    return f"{SIGN_IN}?to={quote(wanted, safe='')}".encode()


async def _refuse(scope: HTTPScope, receive: Receive, send: Send, error: RetailPulseError) -> None:
    answer = answer_known(Request(scope, receive, send), error)
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
    body = msgspec.json.encode(answer.content)
    headers += [(b"content-type", str(answer.media_type).encode()), (b"content-length", b"%d" % len(body))]
    await _send(send, answer.status_code or HTTP_500_INTERNAL_SERVER_ERROR, headers, body)


async def _send(send: Send, status: int, headers: list[Header], body: bytes = b"") -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
