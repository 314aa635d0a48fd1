"""The results of a job: JSON pages, or all of them as CSV or NDJSON."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.response import Stream

from retailpulse.api.v1.pages import MAX_LIMIT, Cursors, CursorText, Limit, Page, RowNumber, page_response
from retailpulse.api.v1.paths import known_id
from retailpulse.domain.errors import InvalidRequest
from retailpulse.service import Results
from retailpulse.storage.results import PageFormat

CSV = "text/csv"  # the framework adds the charset to what is text
NDJSON = "application/x-ndjson"
FORMATS = {"application/json": "json", "text/csv": "csv", NDJSON: "ndjson"}
STREAMED = {"csv": (PageFormat.CSV_WITH_HEADER, CSV), "ndjson": (PageFormat.JSON_ROWS, NDJSON)}


CURSORS = Cursors("results", RowNumber)
"""A position is the number of the image that a page begins after."""


@get("/api/v1/jobs/{job_id:str}/results")
async def job_results(
    request: Request[Any, Any, Any],
    results: Results,
    job_id: str,
    cursor: CursorText = None,
    limit: Limit = MAX_LIMIT,
) -> Response[Page[msgspec.Raw]] | Stream:
    """Give the results of a job: a JSON page, or the whole job as CSV or NDJSON."""
    known = known_id(job_id)
    name = request.query_params.get("format") or _accepted(request.headers.get("accept", ""))
    if name in STREAMED:
        page_format, media_type = STREAMED[name]
        rows = results.all(known, page_format)
        first = await anext(rows)  # an unknown job is told before the answer begins
        blocks = _chain(first, rows)
        return Stream(_line_by_line(blocks) if name == "ndjson" else blocks, media_type=media_type)
    if name != "json":
        raise InvalidRequest(f"format: {name!r} is none of json, csv, ndjson")
    lines, following = await results.page(
        known, after=CURSORS.read(cursor) or 0, limit=limit, page_format=PageFormat.JSON_ROWS
    )
    after = None if following is None else CURSORS.write(following)
    return page_response(request, [msgspec.Raw(line) for line in lines], after, limit)


async def _chain(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for block in rest:
        yield block


async def _line_by_line(blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """NDJSON in which only a line feed ends a line, also for readers that break at Unicode's other ends."""
    async for block in blocks:
        plain = block
        for character in "\x85\u2028\u2029":
            plain = plain.replace(character.encode(), b"\\u%04x" % ord(character))
        yield plain


def _accepted(header: str) -> str:
    """The format that an Accept header names first; JSON where it names none of ours."""
    for part in header.split(","):
        media_type = part.partition(";")[0].strip().lower()
        if media_type in FORMATS:
            return FORMATS[media_type]
    return "json"
