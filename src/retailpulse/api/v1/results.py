"""The results of a job: JSON pages, or all that are wanted as CSV, NDJSON or Parquet."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from enum import StrEnum
from importlib.util import find_spec
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.params import Parameter
from litestar.response import Stream

from retailpulse.api.openapi.annotations import (
    CSV,
    JSON,
    LINK,
    NDJSON,
    PARQUET,
    ContentSpec,
    ParameterSpec,
    ResponseSpec,
    Tag,
    documented,
)
from retailpulse.api.v1.filters import texts
from retailpulse.api.v1.pages import (
    MAX_LIMIT,
    Cursors,
    CursorText,
    Limit,
    Page,
    RowNumber,
    page_response,
    write_cursor,
)
from retailpulse.api.v1.parquet import write_parquet
from retailpulse.api.v1.paths import known_id
from retailpulse.api.v1.result_examples import RESULTS_CSV, RESULTS_NDJSON
from retailpulse.domain.errors import InvalidRequest
from retailpulse.domain.images import Cause, Outcome
from retailpulse.schema import RESULT_EXAMPLES, Result
from retailpulse.service import Results
from retailpulse.storage.results.pages import PageFormat, ResultFilter, ResultForm
from retailpulse.web.caller import caller_of
from retailpulse.web.closing_stream import ClosingStream
from retailpulse.web.errors import NotAvailable
from retailpulse.web.quotas import Quota, QuotaSlot

FORMATS = {JSON: "json", CSV: "csv", NDJSON: "ndjson", PARQUET: "parquet"}
TYPES = {name: media_type for media_type, name in FORMATS.items()}
EXPORTED_AS = {
    "csv": PageFormat.CSV_WITH_HEADER,
    "ndjson": PageFormat.JSON_ROWS,
    "parquet": PageFormat.FLAT_JSON_ROWS,
}
CURSORS: Cursors[int] = Cursors("results", RowNumber)
"""A position is the number of the image that a page begins after."""


class AskedOutcome(StrEnum):
    """An outcome as a filter names it."""

    MEASURED = "measured"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNSETTLED = "unsettled"


class Safety(StrEnum):
    """The programs for which an export can be made safe."""

    SPREADSHEET = "spreadsheet"


@get(
    "/api/v1/jobs/{job_id:str}/results",
    operation_id="listResults",
    summary="The results of a job",
    tags=[Tag.RESULTS],
    opt=documented(
        None,
        404,
        406,
        answers={
            200: ResponseSpec(
                meaning="A page of rows, or every row as a file.",
                contents=(
                    ContentSpec(shape=Page[Result], example={"items": list(RESULT_EXAMPLES), "next": None}),
                    ContentSpec(shape=str, media_type=CSV, example=RESULTS_CSV),
                    ContentSpec(shape=str, media_type=NDJSON, example=RESULTS_NDJSON),
                    ContentSpec(shape=bytes, media_type=PARQUET),
                ),
                headers={"Link": LINK},
            )
        },
        params=(
            ParameterSpec(
                name="format",
                meaning="json (pages), csv, ndjson or parquet (all rows); goes before the Accept header.",
                shape=Literal["json", "csv", "ndjson", "parquet"],
                example="json",
            ),
            ParameterSpec(
                name="suspect",
                meaning="true: only measured images that look damaged; false: only all others.",
                shape=bool,
            ),
        ),
    ),
)
async def job_results(
    request: Request[Any, Any, Any],
    results: Results,
    parquet_exports: Quota,
    job_id: str,
    outcome: Annotated[
        list[AskedOutcome] | None,
        Parameter(description="Only images that ended so; `unsettled`: those without a result yet."),
    ] = None,
    cause: Annotated[list[Cause] | None, Parameter(description="Only images with this cause.")] = None,
    store_id: Annotated[list[str] | None, Parameter(description="Only images of this store.")] = None,
    include: Annotated[
        list[str] | None, Parameter(description="`earlier`: also the outcomes that retries took back.")
    ] = None,
    safe: Annotated[
        list[Safety] | None,
        Parameter(description="Of CSV. `spreadsheet`: no text can act as a formula in a spreadsheet."),
    ] = None,
    cursor: CursorText = None,
    limit: Limit = MAX_LIMIT,
) -> Response[Page[msgspec.Raw]] | Stream:
    """Give the results of a job in the order of the submit, one row per image.

    A JSON page, or every row that is wanted as CSV, NDJSON or Parquet.
    """
    known = known_id(job_id)
    wanted = _filter(outcome or (), cause or (), texts("store_id", store_id), _suspect(request))
    name = request.query_params.get("format") or _accepted(request.headers.get("accept", ""))
    form = _form(name, with_earlier=_with_earlier(include), for_spreadsheet=bool(safe) and name == "csv")
    if name != "json":
        slot = _parquet_slot(request, parquet_exports) if name == "parquet" else None
        return await _export(known, name, results.all(known, wanted, form), form, slot)
    lines, following = await results.page(known, wanted, form, after=CURSORS.read(cursor) or 0, limit=limit)
    rows = [msgspec.Raw(line.rstrip(b"\n")) for line in lines]
    return page_response(request, rows, write_cursor(CURSORS, following), limit)


def _suspect(request: Request[Any, Any, Any]) -> bool | None:
    """What is asked of `suspect`; the framework would take `null` for None."""
    asked = set(request.query_params.getall("suspect", []))
    if not asked <= {"true", "false"} or len(asked) > 1:
        raise InvalidRequest("suspect: write true or false")
    return {"true": True, "false": False}[asked.pop()] if asked else None


def _filter(
    asked: Sequence[AskedOutcome], causes: Sequence[Cause], store_ids: tuple[str, ...], suspect: bool | None
) -> ResultFilter:
    return ResultFilter(
        outcomes=tuple(Outcome(name) for name in asked if name is not AskedOutcome.UNSETTLED),
        unsettled=AskedOutcome.UNSETTLED in asked,
        causes=tuple(causes),
        store_ids=store_ids,
        suspect=suspect,
    )


def _form(name: str, *, with_earlier: bool, for_spreadsheet: bool) -> ResultForm:
    if name not in TYPES:
        raise InvalidRequest(f"format: {name[:100]!r} is not one of json, csv, ndjson, parquet")
    page_format = EXPORTED_AS.get(name, PageFormat.JSON_ROWS)
    return ResultForm(page_format=page_format, with_earlier=with_earlier, for_spreadsheet=for_spreadsheet)


async def _export(
    job_id: UUID, name: str, rows: AsyncIterator[bytes], form: ResultForm, slot: QuotaSlot | None
) -> Stream:
    first = await anext(rows, b"")  # an unknown job is refused before the answer begins
    blocks = _chain(first, rows)
    if name == "ndjson":
        blocks = _line_by_line(blocks)
    elif slot is not None:
        columns = [each for each in Result.__struct_fields__ if each != "earlier" or form.with_earlier]
        blocks = write_parquet(blocks, columns, slot)
    attachment = f'attachment; filename="results-{job_id}.{name}"'
    # The framework adds the charset to what is text.
    return ClosingStream(blocks, media_type=TYPES[name], headers={"Content-Disposition": attachment})


async def _chain(first: bytes, rest: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    yield first
    async for block in rest:
        yield block


def _parquet_slot(request: Request[Any, Any, Any], exports: Quota) -> QuotaSlot:
    if find_spec("arro3") is None:
        raise NotAvailable(
            "format: this service has no Parquet: install the extra (pip install 'retailpulse[parquet]'), "
            "or ask for csv or ndjson"
        )
    return exports.acquire(caller_of(request.scope))


async def _line_by_line(blocks: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """NDJSON in which only a line feed ends a line, also for readers that break at Unicode's other ends."""
    async for block in blocks:
        plain = block
        for character in "\x85\u2028\u2029":
            plain = plain.replace(character.encode(), b"\\u%04x" % ord(character))
        yield plain


def _with_earlier(include: list[str] | None) -> bool:
    for name in include or ():
        if name != "earlier":
            raise InvalidRequest(f"include: {name[:100]!r} is not earlier")
    return bool(include)


def _accepted(header: str) -> str:
    """The format that an Accept header names first; JSON if it names no known one."""
    for part in header.split(","):
        media_type = part.partition(";")[0].strip().lower()
        if media_type in FORMATS:
            return FORMATS[media_type]
    return "json"
