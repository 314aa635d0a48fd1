"""The store master."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Annotated, Any

from litestar import Request, Response, put
from litestar.params import Parameter
from litestar.status_codes import HTTP_422_UNPROCESSABLE_ENTITY
from msgspec import Meta

from retailpulse.api.openapi.annotations import (
    CSV,
    ODS,
    PARQUET,
    XLSX,
    ContentSpec,
    RequestBodySpec,
    ResponseSpec,
    Tag,
    Text,
    documented,
)
from retailpulse.api.submit.row_schema import StoreRows
from retailpulse.api.v1.store_files import StoreFiles
from retailpulse.domain.errors import InvalidRequest
from retailpulse.schema import BadLine, Imported
from retailpulse.service import FinishedImport, ImportOptions, StoreImport
from retailpulse.web.problem_details import PROBLEM_TYPE, Asked, Problem, refuse


class OnBadLine(StrEnum):
    """What becomes of a store file that has bad lines."""

    REFUSE = "refuse"
    SKIP = "skip"


class ImportRefused(Problem, frozen=True, kw_only=True):
    """Lines of a store file are bad, and nothing of it is loaded."""

    loaded: bool
    added: Annotated[int, Meta(ge=0)]
    changed: Annotated[int, Meta(ge=0)]
    unchanged: Annotated[int, Meta(ge=0)]
    rejected: Annotated[int, Meta(description="Bad lines, all of them.", ge=1)]
    unlocated: Annotated[int, Meta(ge=0)]
    errors: Annotated[list[BadLine], Meta(description="The first hundred bad lines.", max_length=100)]
    dry_run: bool
    read_as: Annotated[str, Meta(description="As what the file was read.")]


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
    "unlocated": 0,
    "errors": [{"line": 3, "column": "StoreID", "error": "the store id is empty"}],
    "dry_run": False,
    "read_as": "CSV, separator comma, UTF-8",
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
        meaning="The file is loaded, or would be; with `on_bad_row=skip` perhaps not all of it: see "
        "`rejected`.",
        answers={
            422: ResponseSpec(
                meaning="Lines are bad and nothing is loaded.",
                contents=(
                    ContentSpec(shape=ImportRefused, media_type=PROBLEM_TYPE, example=REFUSED_EXAMPLE),
                ),
            )
        },
        body=RequestBodySpec(
            meaning="A table whose header names AreaCode, StoreName and StoreID, and perhaps Latitude and "
            "Longitude, by these or other usual names and in any order: CSV of any separator and "
            "encoding, XLSX, ODS or Parquet, also in gzip, "
            "as the body or as the file of a form. Its format is found by its bytes. The schema of CSV shows "
            "the plain form of a file without bad lines.",
            contents=(
                ContentSpec(shape=StoreRows, media_type=CSV, example=STORES_EXAMPLE),
                ContentSpec(shape=bytes, media_type=XLSX),
                ContentSpec(shape=bytes, media_type=ODS),
                ContentSpec(shape=bytes, media_type=PARQUET),
            ),
        ),
    ),
)
async def import_stores(
    request: Request[Any, Any, Any],
    store_import: StoreImport,
    store_files: StoreFiles,
    good_lines: Annotated[
        bool, Parameter(description="The same as `on_bad_row=skip`, as it was called first.")
    ] = False,
    on_bad_row: Annotated[
        OnBadLine, Parameter(description="`skip`: load the good lines of a file that has bad ones.")
    ] = OnBadLine.REFUSE,
    dry_run: Annotated[
        bool, Parameter(description="Say what loading the file would do, and load nothing.")
    ] = False,
    columns: Annotated[
        list[Text] | None,
        Parameter(
            description="Which column is which, by header, letter or number: `StoreID:Outlet,AreaCode:C`."
        ),
    ] = None,
    sheet: Annotated[Text | None, Parameter(description="The sheet of a workbook, by its name.")] = None,
) -> Response[dict[str, Any]]:
    """Load a store file (CSV, XLSX, ODS or Parquet): add new stores, change known ones."""
    said = _Said(good_lines=good_lines, on_bad_row=on_bad_row, dry_run=dry_run, columns=columns, sheet=sheet)
    async with store_files.receive(request) as (file, fields):
        options = said.completed(fields)
        finished = await store_import.run(
            file, options, folder=store_files.folder, unpacked_bytes=store_files.most_bytes
        )
    return _answer(request.scope, finished, options)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Said:
    """What the query says of an import; a form may say the same in fields."""

    good_lines: bool
    on_bad_row: OnBadLine
    dry_run: bool
    columns: list[str] | None
    sheet: str | None

    def completed(self, fields: Mapping[str, str]) -> ImportOptions:
        """The options, with what a form adds; raises InvalidRequest."""
        skips_bad = self.good_lines or self.on_bad_row is OnBadLine.SKIP
        on_bad_row = fields.get("on_bad_row", OnBadLine.REFUSE)
        if on_bad_row not in set(OnBadLine):
            raise InvalidRequest(f"on_bad_row: {on_bad_row[:100]!r} is none of {', '.join(OnBadLine)}")
        skips_bad = skips_bad or on_bad_row == OnBadLine.SKIP or _is_true(fields, "good_lines")
        columns = self.columns or ([fields["columns"]] if fields.get("columns") else [])
        return ImportOptions(
            skips_bad=skips_bad,
            is_dry=self.dry_run or _is_true(fields, "dry_run"),
            columns=tuple(columns),
            sheet=self.sheet or fields.get("sheet") or None,
        )


def _is_true(fields: Mapping[str, str], name: str) -> bool:
    text = fields.get(name, "false").strip().lower()
    if text not in {"true", "1", "false", "0", ""}:
        raise InvalidRequest(f"{name}: {text[:100]!r} is neither true nor false")
    return text in {"true", "1"}


def _answer(scope: Asked, finished: FinishedImport, options: ImportOptions) -> Response[dict[str, Any]]:
    summary = finished.summary
    done = asdict(summary) | {"dry_run": options.is_dry, "read_as": finished.read_as}
    if options.skips_bad or not summary.rejected:
        return Response(done)
    count = summary.rejected
    text = f"{count} {'line is' if count == 1 else 'lines are'} bad: nothing is loaded"
    return refuse(scope, HTTP_422_UNPROCESSABLE_ENTITY, text, members=done)
