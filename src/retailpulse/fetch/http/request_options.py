"""Sets on a handle what a request differs in from the one before it: most differ in nothing but the URL."""

import pycurl

from retailpulse.fetch.fallbacks import CLASSICAL_KEYS, HTTP_1_1, KEEP_CERTIFICATES
from retailpulse.fetch.http.curl_handles import HTTP_VERSION, IDENTITY
from retailpulse.fetch.http.messages import Request
from retailpulse.fetch.http.post_request import load
from retailpulse.fetch.http.ranges import Span
from retailpulse.fetch.target.urls import NO_HEADERS, SecretHeaders

_HTTP_1_1 = pycurl.CURL_HTTP_VERSION_1_1
_CLASSICAL_CURVES = "X25519:P-256:P-384"


class RequestOptions:
    """The options of a libcurl handle for one request."""

    def __init__(self, handle: pycurl.Curl, *, has_proxy: bool = False) -> None:
        self._handle = handle
        self._has_proxy = has_proxy
        self._has_target = False
        self._cookie = ""
        self._limits: tuple[int, int] | None = None
        self._span: Span | None = None
        self._is_pinned = False
        self._headers = NO_HEADERS
        self._closes = False
        self._fallbacks = 0
        self.keeps_alive = True

    def set(self, request: Request) -> None:
        """Set the handle's options for this request."""
        if request.post is not None:
            load(self._handle, request.post)
        self._handle.setopt(pycurl.URL, request.url)
        # libcurl would write escapes in capitals and leave out segments of dots, which breaks signatures.
        # Once told what to ask for, a handle is told each time: this option cannot be taken back.
        if self._has_target or "%" in request.url or "/." in request.url:
            self._handle.setopt(pycurl.REQUEST_TARGET, self._target(request.url))
            self._has_target = True
        if request.cookie != self._cookie:
            self._send_cookie(request.cookie)
        self._limit(max(1, round(request.timeout_seconds * 1_000)), request.max_content_length)
        if request.pin or self._is_pinned:
            # libcurl forgets addresses after a minute, so it gets them every time.
            self._handle.setopt(pycurl.RESOLVE, [request.pin] if request.pin else [])
            self._is_pinned = bool(request.pin)
        if request.span != self._span:
            self._ask_for(request.span)
        if request.fallbacks != self._fallbacks:
            self._fall_back(request.fallbacks)
        if request.keeps_alive != self.keeps_alive:
            self._keep_alive(keeps_alive=request.keeps_alive)
        if request.headers is not self._headers or self._closes is request.keeps_alive:
            self._send_headers(request.headers, closes=not request.keeps_alive)

    def close_after(self) -> None:
        """Close the connection after the running request."""
        if self.keeps_alive:
            self._handle.setopt(pycurl.FORBID_REUSE, 1)
            self.keeps_alive = False

    def _limit(self, timeout_ms: int, max_content_length: int) -> None:
        limits = (timeout_ms, max_content_length)
        if limits != self._limits:
            self._handle.setopt(pycurl.TIMEOUT_MS, timeout_ms)
            self._handle.setopt(pycurl.MAXFILESIZE_LARGE, max_content_length)
            self._limits = limits

    def _target(self, url: str) -> str:
        """What the request line names: a proxy that is asked for a plain URL wants all of it."""
        if self._has_proxy and url.startswith("http:"):
            return url
        return url[url.index("/", len("https://")) :]

    def _send_cookie(self, cookie: str) -> None:
        if cookie:
            self._handle.setopt(pycurl.COOKIE, cookie)
        else:
            self._handle.unsetopt(pycurl.COOKIE)
        self._cookie = cookie

    def _ask_for(self, span: Span | None) -> None:
        if span is None:
            self._handle.unsetopt(pycurl.RANGE)
        else:
            self._handle.setopt(pycurl.RANGE, str(span))
        self._span = span

    def _fall_back(self, fallbacks: int) -> None:
        self._handle.setopt(pycurl.HTTP_VERSION, _HTTP_1_1 if fallbacks & HTTP_1_1 else HTTP_VERSION)
        if fallbacks & CLASSICAL_KEYS:
            self._handle.setopt(pycurl.SSL_EC_CURVES, _CLASSICAL_CURVES)
        else:
            self._handle.unsetopt(pycurl.SSL_EC_CURVES)
        self._handle.setopt(pycurl.OPT_CERTINFO, bool(fallbacks & KEEP_CERTIFICATES))
        self._fallbacks = fallbacks

    def _keep_alive(self, *, keeps_alive: bool) -> None:
        self._handle.setopt(pycurl.FORBID_REUSE, not keeps_alive)
        self.keeps_alive = keeps_alive

    def _send_headers(self, headers: SecretHeaders, *, closes: bool) -> None:
        # The host closes first then, and the port on our side is free again at once.
        closing = ["Connection: close"] if closes else []
        self._handle.setopt(pycurl.HTTPHEADER, [IDENTITY, *closing, *headers.lines])
        self._headers, self._closes = headers, closes
