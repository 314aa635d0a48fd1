"""The store master."""

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

from litestar import Request, Response, put
from litestar.status_codes import HTTP_422_UNPROCESSABLE_ENTITY

from retailpulse.api.problems import Asked, refuse
from retailpulse.config.settings import ApiSettings
from retailpulse.domain.errors import InvalidRequest, TooLarge
from retailpulse.domain.stores import ImportSummary
from retailpulse.service import Service


@put("/api/v1/stores", status_code=200, request_max_body_size=None)
async def import_stores(
    request: Request[Any, Any, Any],
    service: Service,
    api_settings: ApiSettings,
    good_lines: bool = False,
) -> Response[dict[str, Any]]:
    """Load a store file (CSV): add new stores, change known ones."""
    blocks = _limited(request.stream(), api_settings.max_stores_bytes)
    raw = io.BufferedReader(_Body(blocks, asyncio.get_running_loop()), buffer_size=1 << 20)
    # A byte that is not UTF-8 becomes a lone surrogate, so that its line can be told.
    lines = io.TextIOWrapper(raw, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        summary = await service.import_stores(lines, good_lines=good_lines)
    except InvalidRequest:
        async for _ in blocks:  # a client that is cut off while it sends would never read why
            pass
        raise
    return _answer(request.scope, summary)


def _answer(scope: Asked, summary: ImportSummary) -> Response[dict[str, Any]]:
    done = {
        "loaded": summary.loaded,
        "added": summary.added,
        "changed": summary.changed,
        "unchanged": summary.unchanged,
        "rejected": summary.rejected,
        "errors": [{"line": error.line, "error": error.error} for error in summary.errors],
    }
    if summary.loaded:
        return Response(done)
    count = summary.rejected
    text = f"{count} {'line is' if count == 1 else 'lines are'} bad: nothing is loaded"
    return refuse(scope, HTTP_422_UNPROCESSABLE_ENTITY, text, members=done)


class _Body(io.RawIOBase):
    """A request's body as a file that a thread reads while the event loop receives it."""

    def __init__(self, blocks: AsyncIterator[bytes], loop: asyncio.AbstractEventLoop) -> None:
        self._blocks = blocks
        self._loop = loop
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left:
            following = asyncio.run_coroutine_threadsafe(_next(self._blocks), self._loop).result()
            if following is None:
                return 0
            self._left = following
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


async def _next(blocks: AsyncIterator[bytes]) -> bytes | None:
    return await anext(blocks, None)


async def _limited(blocks: AsyncIterator[bytes], most: int) -> AsyncIterator[bytes]:
    size = 0
    async for block in blocks:
        size += len(block)
        if size > most:
            raise TooLarge(f"the store file is larger than {most} bytes; send it in parts")
        yield block
