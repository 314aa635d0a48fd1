"""The newer endpoints: where a job stands, its results, and the store master."""

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

from litestar import MediaType, Request, Response, get, post, put
from litestar.params import Parameter
from litestar.response import Stream

from retailpulse.api.submitting import Submits
from retailpulse.config.settings import ApiSettings
from retailpulse.domain.errors import InvalidRequest, NotFound, TooLarge
from retailpulse.domain.ids import parse_job_id
from retailpulse.service import JobReport, Service
from retailpulse.storage.results import PageFormat

CSV = "text/csv"  # the framework adds the charset to what is text
NDJSON = "application/x-ndjson"
MAX_PAGE = 1_000
FORMATS = {"application/json": "json", "text/csv": "csv", NDJSON: "ndjson"}
STREAMED = {"csv": (PageFormat.CSV_WITH_HEADER, CSV), "ndjson": (PageFormat.JSON_ROWS, NDJSON)}


@post("/api/v1/jobs", status_code=201)
async def submit(request: Request[Any, Any, Any], submits: Submits) -> Response[dict[str, str]]:
    """Accept a job; it is on disk and queued when this answers."""
    job_id = await submits.take(request)
    location = f"/api/v1/jobs/{job_id}"
    return Response({"job_id": str(job_id)}, status_code=201, headers={"Location": location})


@post("/api/v1/jobs/{job_id:str}/cancel", status_code=200)
async def cancel(service: Service, job_id: str) -> dict[str, Any]:
    """End a job: images without a result get the outcome `cancelled`, all others keep theirs."""
    known = _known_id(job_id)
    await service.cancel(known)
    return _render(await service.report(known))


@get("/api/v1/jobs/{job_id:str}")
async def job(service: Service, job_id: str) -> dict[str, Any]:
    """Say all about where a job stands."""
    return _render(await service.report(_known_id(job_id)))


@get("/api/v1/jobs/{job_id:str}/results")
async def job_results(
    request: Request[Any, Any, Any],
    service: Service,
    job_id: str,
    cursor: str | None = None,
    limit: Annotated[int, Parameter(ge=1, le=MAX_PAGE)] = MAX_PAGE,
) -> Response[bytes] | Stream:
    """Give the results of a job: a JSON page, or the whole job as CSV or NDJSON."""
    known = _known_id(job_id)
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
    return Response(
        {
            "loaded": summary.loaded,
            "added": summary.added,
            "changed": summary.changed,
            "unchanged": summary.unchanged,
            "rejected": summary.rejected,
            "errors": [{"line": error.line, "error": error.error} for error in summary.errors],
        },
        status_code=200 if summary.loaded else 422,
    )


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


def _known_id(text: str) -> UUID:
    job_id = parse_job_id(text)
    if job_id is None:
        raise NotFound(f"there is no job {text[:100]}")
    return job_id


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


def _render(report: JobReport) -> dict[str, Any]:
    job = report.job
    return {
        "job_id": str(job.job_id),
        "status": job.status,
        "depth": job.depth,
        "images": {
            "total": job.images,
            "settled": job.settled,
            "measured": job.measured,
            "failed": job.failed,
            "cancelled": job.cancelled,
        },
        "causes": report.causes,
        "stores": [
            {"store_id": store.store_id, "images": store.images, "failed": store.failed, "error": store.error}
            for store in report.stores
        ],
        "submitted_at": job.submitted_at,
        "finished_at": job.finished_at,
        "images_per_second": report.images_per_second,
        "seconds_left": report.seconds_left,
    }
