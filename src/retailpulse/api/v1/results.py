"""The results of a job: JSON pages, or all that are wanted as CSV, NDJSON, Parquet or XLSX."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from enum import StrEnum
from functools import partial
from importlib.util import find_spec
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.params import Parameter
from litestar.response import Stream

from retailpulse.api.export.columns import RESULT_COLUMNS, RESULT_KINDS, parquet_layout, workbook_layout
from retailpulse.api.export.formats import MEDIA_TYPES, asked_format, attachment
from retailpulse.api.export.writer_process import Exports, written_by
from retailpulse.api.openapi.annotations import (
    CSV,
    LINK,
    NDJSON,
    PARQUET,
    XLSX,
    ContentSpec,
    ParameterSpec,
    ResponseSpec,
    Tag,
    documented,
)
from retailpulse.api.v1.filters import texts
from retailpulse.api.v1.list_files import Safe
from retailpulse.api.v1.pages import (
    MAX_LIMIT,
    Cursors,
    CursorText,
    Limit,
    Page,
    PageRequest,
    RowNumber,
)
from retailpulse.api.v1.paths import known_id
from retailpulse.api.v1.result_examples import RESULTS_CSV, RESULTS_NDJSON
from retailpulse.domain.errors import InvalidRequest
from retailpulse.domain.flags import Flag
from retailpulse.domain.images import Cause, Outcome
from retailpulse.domain.reviews import ReviewState
from retailpulse.schema import RESULT_EXAMPLES, Result
from retailpulse.service import Results
from retailpulse.storage.results.pages import PageFormat, ResultFilter, ResultForm
from retailpulse.web.caller import caller_of
from retailpulse.web.closing_stream import ClosingStream
from retailpulse.web.errors import NotAvailable
from retailpulse.web.quotas import QuotaSlot

EXPORTED_AS = {
    "csv": PageFormat.CSV_WITH_HEADER,
    "ndjson": PageFormat.JSON_ROWS,
    "parquet": PageFormat.FLAT_JSON_ROWS,
    "xlsx": PageFormat.FLAT_JSON_ROWS,
}
WRITTEN_BY_PROCESS = frozenset({"parquet", "xlsx"})
CURSORS: Cursors[int] = Cursors("results", RowNumber)
"""A position is the number of the image that a page begins after."""


class AskedOutcome(StrEnum):
    """An outcome as a filter names it."""

    MEASURED = "measured"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNSETTLED = "unsettled"


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
                    ContentSpec(shape=bytes, media_type=XLSX),
                ),
                headers={"Link": LINK},
            )
        },
        params=(
            ParameterSpec(
                name="format",
                meaning="json (pages), csv, ndjson, parquet or xlsx (all rows); goes before Accept.",
                shape=Literal["json", "csv", "ndjson", "parquet", "xlsx"],
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
    exports: Exports,
    job_id: str,
    outcome: Annotated[
        list[AskedOutcome] | None,
        Parameter(description="Only images that ended so; `unsettled`: those without a result yet."),
    ] = None,
    cause: Annotated[list[Cause] | None, Parameter(description="Only images with this cause.")] = None,
    store_id: Annotated[list[str] | None, Parameter(description="Only images of this store.")] = None,
    flag: Annotated[list[Flag] | None, Parameter(description="Only images with this flag.")] = None,
    review: Annotated[
        list[ReviewState] | None,
        Parameter(
            description="Only images on which this decision stands; `undecided`: flagged ones with none."
        ),
    ] = None,
    include: Annotated[
        list[str] | None, Parameter(description="`earlier`: also the outcomes that retries took back.")
    ] = None,
    safe: Safe = None,
    cursor: CursorText = None,
    limit: Limit = MAX_LIMIT,
) -> Response[Page[msgspec.Raw]] | Stream:
    """Give the results of a job in the order of the submit, one row per image.

    A JSON page, or every row that is wanted as CSV, NDJSON, Parquet or XLSX.
    """
    known = known_id(job_id)
    wanted = _filter(request, outcome or (), cause or (), store_id, flag or (), review or ())
    name = asked_format(request.query_params.get("format"), request.headers.get("accept", ""), MEDIA_TYPES)
    form = _form(name, with_earlier=_with_earlier(include), for_spreadsheet=bool(safe) and name == "csv")
    if name != "json":
        slot = _export_slot(request, exports, name) if name in WRITTEN_BY_PROCESS else None
        rows = results.all(known, wanted, form)
        return await _export(known, name, rows, form, slot, exports.folder)
    page = PageRequest(request=request, cursor=cursor, limit=limit)
    read = partial(results.page, known, wanted, form)
    return await page.answer(CURSORS, read, lambda line: msgspec.Raw(line.rstrip(b"\n")))


def _suspect(request: Request[Any, Any, Any]) -> bool | None:
    """What is asked of `suspect`; the framework would take `null` for None."""
    asked = set(request.query_params.getall("suspect", []))
    if not asked <= {"true", "false"} or len(asked) > 1:
        raise InvalidRequest("suspect: write true or false")
    return {"true": True, "false": False}[asked.pop()] if asked else None


def _filter(
    request: Request[Any, Any, Any],
    asked: Sequence[AskedOutcome],
    causes: Sequence[Cause],
    store_id: list[str] | None,
    flags: Sequence[Flag],
    reviews: Sequence[ReviewState],
) -> ResultFilter:
    return ResultFilter(
        outcomes=tuple(Outcome(name) for name in asked if name is not AskedOutcome.UNSETTLED),
        unsettled=AskedOutcome.UNSETTLED in asked,
        causes=tuple(causes),
        store_ids=texts("store_id", store_id),
        suspect=_suspect(request),
        flags=tuple(flags),
        reviews=tuple(dict.fromkeys(reviews)),
    )


def _form(name: str, *, with_earlier: bool, for_spreadsheet: bool) -> ResultForm:
    page_format = EXPORTED_AS.get(name, PageFormat.JSON_ROWS)
    return ResultForm(page_format=page_format, with_earlier=with_earlier, for_spreadsheet=for_spreadsheet)


async def _export(
    job_id: UUID,
    name: str,
    rows: AsyncIterator[bytes],
    form: ResultForm,
    slot: QuotaSlot | None,
    folder: str | None,
) -> Stream:
    first = await anext(rows, b"")  # an unknown job is refused before the answer begins
    blocks = _chain(first, rows)
    if name == "ndjson":
        blocks = _line_by_line(blocks)
    elif slot is not None:
        columns = [each for each in RESULT_COLUMNS if each != "earlier" or form.with_earlier]
        program, layout = _writer(name, columns, folder)
        blocks = written_by(program, layout, blocks, slot)
    # The framework adds the charset to what is text.
    headers = attachment(f"results-{job_id}.{name}")
    return ClosingStream(blocks, media_type=MEDIA_TYPES[name], headers=headers)


async def _chain(first: bytes, rest: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    yield first
    async for block in rest:
        yield block


def _writer(name: str, columns: Sequence[str], folder: str | None) -> tuple[str, str]:
    """The program that writes a format, and what it is told of the columns."""
    if name == "parquet":
        return "parquet_writer.py", parquet_layout(columns)
    return "xlsx_writer.py", workbook_layout(
        "results", {each: RESULT_KINDS[each] for each in columns}, folder
    )


def _export_slot(request: Request[Any, Any, Any], exports: Exports, name: str) -> QuotaSlot:
    if name == "parquet" and find_spec("arro3") is None:
        raise NotAvailable(
            "format: this service has no Parquet: install the extra (pip install 'retailpulse[parquet]'), "
            "or ask for xlsx, csv or ndjson"
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
