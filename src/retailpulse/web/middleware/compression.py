"""Compresses answers with gzip for clients that take it (RFC 9110, 12.5.3): text of over a kilobyte.

Event streams stay as they are, so that each event goes out at once; so do files that are compressed already,
and the three old endpoints. Weak: one coding, at one level; of a stream each block is flushed.
"""

import asyncio
import re
import zlib
from collections.abc import Iterable

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, Message, Receive, Scope, Send

from retailpulse.web.middleware.scopes import KEYS, is_below, routed
from retailpulse.web.problem_details import LEGACY_PATHS

LEVEL = 1
"""Higher levels cost several times as much, for a tenth of the size."""
LEAST_BYTES = 1_000
"""A smaller answer fits into one packet as it is."""
THREAD_BYTES = 100_000
"""A larger block is compressed beside the event loop."""
_GZIP_WINDOW = 31
_COMPRESSIBLE = re.compile(
    rb"\s*(text/(?!event-stream)|image/svg|application/(json|problem\+json|x-ndjson|javascript|openmetrics-text))"
)
_QUALITY = re.compile(r"q\s*=\s*([01](?:\.\d{0,3})?)")
_NEVER = frozenset({204, 206, 304})


class CompressionMiddleware:
    """An application whose answers are compressed for clients that take it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        if scope["type"] != ScopeType.HTTP or _stays_plain(scope["path"]):
            await self._app(scope, receive, send)
            return
        accepted = (value for name, value in scope["headers"] if name == b"accept-encoding")
        accepts = scope["method"] != "HEAD" and accepts_gzip(accepted)
        await self._app(scope, receive, _Answer(send, accepts_gzip=accepts).send)


def _stays_plain(path: str) -> bool:
    """Whether answers are never compressed: the old ones, and the page that shows a new key."""
    return path.rstrip("/") in LEGACY_PATHS or is_below(routed(path), (KEYS,))


def accepts_gzip(accepted: Iterable[bytes]) -> bool:
    """Whether the values of Accept-Encoding allow gzip: by its name, or else by `*`."""
    qualities: dict[str, float] = {}
    for part in b",".join(accepted).decode("latin-1").lower().split(","):
        coding, _, parameters = part.partition(";")
        quality = _QUALITY.search(parameters)
        qualities[coding.strip()] = float(quality[1]) if quality else 1.0
    quality_of_gzip = [qualities[name] for name in ("gzip", "x-gzip", "*") if name in qualities]
    return bool(quality_of_gzip and quality_of_gzip[0] > 0)


class _Answer:
    """One answer on its way: its beginning waits for its body only if that comes whole."""

    def __init__(self, send: Send, *, accepts_gzip: bool) -> None:
        self._send = send
        self._accepts_gzip = accepts_gzip
        self._compressor: zlib._Compress | None = None
        self._waiting: HTTPResponseStartEvent | None = None

    async def send(self, message: Message) -> None:
        """Passes on what the application sends."""
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif message["type"] == "http.response.body" and self._compressor is not None:
            is_last = not message.get("more_body", False)
            packed = await self._pack(self._compressor, message["body"], is_last=is_last)
            if self._waiting is not None:
                length = [(b"content-length", b"%d" % len(packed))] if is_last else []
                beginning, self._waiting = self._waiting, None
                await self._send({**beginning, "headers": [*beginning["headers"], *length]})
            await self._send({**message, "body": packed})
        else:
            await self._send(message)

    async def _begin(self, message: HTTPResponseStartEvent) -> None:
        named = {name.lower(): value for name, value in message["headers"]}
        if b"content-encoding" in named or not _COMPRESSIBLE.match(named.get(b"content-type", b"")):
            await self._send(message)
            return
        headers = [*message["headers"], (b"vary", b"Accept-Encoding")]
        length = named.get(b"content-length")
        is_small = length is not None and int(length) < LEAST_BYTES
        if is_small or message["status"] in _NEVER or not self._accepts_gzip:
            await self._send({**message, "headers": headers})
            return
        self._compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
        headers = [_as_compressed(*header) for header in headers if header[0].lower() != b"content-length"]
        begun: HTTPResponseStartEvent = {**message, "headers": [*headers, (b"content-encoding", b"gzip")]}
        if length is None:
            await self._send(begun)
        else:
            self._waiting = begun

    async def _pack(self, compressor: "zlib._Compress", body: bytes, *, is_last: bool) -> bytes:
        def pack() -> bytes:
            return compressor.compress(body) + compressor.flush(
                zlib.Z_FINISH if is_last else zlib.Z_SYNC_FLUSH
            )

        return await asyncio.to_thread(pack) if len(body) > THREAD_BYTES else pack()


def _as_compressed(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """A header of the compressed form: a strong ETag names the bytes of the plain one (RFC 9110, 8.8.1)."""
    if name.lower() == b"etag" and not value.startswith(b"W/"):
        return name, b"W/" + value
    return name, value
