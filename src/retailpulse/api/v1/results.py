"""The results of a job: JSON pages, or all of them as CSV or NDJSON."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from litestar import MediaType, Request, Response, get
from litestar.params import Parameter
from litestar.response import Stream

from retailpulse.api.v1.paths import known_id
from retailpulse.domain.errors import InvalidRequest
from retailpulse.service import Service
from retailpulse.storage.results import PageFormat

CSV = "text/csv"  # the framework adds the charset to what is text
NDJSON = "application/x-ndjson"
MAX_PAGE = 1_000
FORMATS = {"application/json": "json", "text/csv": "csv", NDJSON: "ndjson"}
STREAMED = {"csv": (PageFormat.CSV_WITH_HEADER, CSV), "ndjson": (PageFormat.JSON_ROWS, NDJSON)}


@get("/api/v1/jobs/{job_id:str}/results")
async def job_results(
    request: Request[Any, Any, Any],
    service: Service,
    job_id: str,
    cursor: str | None = None,
    limit: Annotated[int, Parameter(ge=1, le=MAX_PAGE)] = MAX_PAGE,
) -> Response[bytes] | Stream:
    """Give the results of a job: a JSON page, or the whole job as CSV or NDJSON."""
    known = known_id(job_id)
    name = request.query_params.get("format") or _accepted(request.headers.get("accept", ""))
    if name in STREAMED:
        page_format, media_type = STREAMED[name]
        rows = service.all_results(known, page_format)
        first = await anext(rows)  # an unknown job is told before the answer begins
        blocks = _chain(first, rows)
        return Stream(_line_by_line(blocks) if name == "ndjson" else blocks, media_type=media_type)
    if name != "json":
        raise InvalidRequest(f"format: {name!r} is none of json, csv, ndjson")
    lines, following = await service.results_page(
        known, after=_read_cursor(cursor), limit=limit, page_format=PageFormat.JSON_ROWS
    )
    after = b'"%d"' % following if following else b"null"
    body = b'{"results":[' + b",".join(line.rstrip(b"\n") for line in lines) + b'],"next":' + after + b"}"
    return Response(body, media_type=MediaType.JSON)


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


def _read_cursor(text: str | None) -> int:
    if text is None:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InvalidRequest(f"cursor: {text[:100]!r} is no cursor; use the `next` of the page before")
    return int(text)
