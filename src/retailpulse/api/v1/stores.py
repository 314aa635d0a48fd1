"""The store master."""

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated, Any

from litestar import Request, Response, put
from litestar.params import Parameter
from litestar.status_codes import HTTP_422_UNPROCESSABLE_ENTITY
from msgspec import Meta

from retailpulse.api.openapi.annotations import (
    CSV,
    ContentSpec,
    RequestBodySpec,
    ResponseSpec,
    Tag,
    documented,
)
from retailpulse.api.submit.row_schema import StoreRows
from retailpulse.config.settings import ApiSettings
from retailpulse.domain.errors import InvalidRequest
from retailpulse.domain.stores import ImportSummary
from retailpulse.schema import BadLine, Imported
from retailpulse.service import StoreImport
from retailpulse.web.errors import TooLarge
from retailpulse.web.problem_details import PROBLEM_TYPE, Asked, Problem, refuse


class ImportRefused(Problem, frozen=True, kw_only=True):
    """Lines of a store file are bad, and nothing of it is loaded."""

    loaded: bool
    added: Annotated[int, Meta(ge=0)]
    changed: Annotated[int, Meta(ge=0)]
    unchanged: Annotated[int, Meta(ge=0)]
    rejected: Annotated[int, Meta(description="Bad lines, all of them.", ge=1)]
    errors: Annotated[list[BadLine], Meta(description="The first hundred bad lines.", max_length=100)]


STORES_EXAMPLE = """\
AreaCode,StoreName,StoreID
7100015,"Corner Shop, Harbour Street",RP00001
7100015,Market Hall,RP00002
"""
REFUSED_EXAMPLE = {
    "type": "/problems/unprocessable",
    "title": "Cannot be processed",
    "status": 422,
    "detail": "1 line is bad: nothing is loaded",
    "instance": "/api/v1/stores",
    "loaded": False,
    "added": 0,
    "changed": 0,
    "unchanged": 0,
    "rejected": 1,
    "errors": [{"line": 3, "error": "the store id is empty"}],
}


@put(
    "/api/v1/stores",
    status_code=200,
    request_max_body_size=None,
    operation_id="importStores",
    summary="Load the store master",
    tags=[Tag.STORES],
    opt=documented(
        Imported,
        meaning="The file is loaded; with `good_lines` perhaps not all of it: see `rejected`.",
        answers={
            422: ResponseSpec(
                meaning="Lines are bad and nothing is loaded.",
                contents=(
                    ContentSpec(shape=ImportRefused, media_type=PROBLEM_TYPE, example=REFUSED_EXAMPLE),
                ),
            )
        },
        body=RequestBodySpec(
            meaning="CSV whose header names AreaCode, StoreName and StoreID, in any order; others are "
            "ignored. The schema shows the plain form of a file without bad lines.",
            contents=(ContentSpec(shape=StoreRows, media_type=CSV, example=STORES_EXAMPLE),),
        ),
    ),
)
async def import_stores(
    request: Request[Any, Any, Any],
    store_import: StoreImport,
    api_settings: ApiSettings,
    good_lines: Annotated[
        bool, Parameter(description="Load the good lines of a file that has bad ones.")
    ] = False,
) -> Response[dict[str, Any]]:
    """Load a store file (CSV): add new stores, change known ones."""
    blocks = _limited(request.stream(), api_settings.max_stores_bytes)
    raw = io.BufferedReader(_Body(blocks, asyncio.get_running_loop()), buffer_size=1 << 20)
    # A byte that is not UTF-8 becomes a lone surrogate, so that its line can be told.
    lines = io.TextIOWrapper(raw, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        summary = await store_import.run(lines, good_lines=good_lines)
    except InvalidRequest:
        async for _ in blocks:  # a client that is cut off while it sends would never read why
            pass
        raise
    return _answer(request.scope, summary)


def _answer(scope: Asked, summary: ImportSummary) -> Response[dict[str, Any]]:
    done = asdict(summary)
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
