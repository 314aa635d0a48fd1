"""What lists and reports that are also files have in common: parameters, answers, and examples of files."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response
from litestar.params import Parameter
from litestar.response import Stream

from retailpulse.api.export.csv_rows import csv_rows
from retailpulse.api.export.formats import LIST_FORMATS, asked_format
from retailpulse.api.export.records import Row, export_records, flat
from retailpulse.api.export.writer_process import Exports
from retailpulse.api.openapi.annotations import (
    CSV,
    LINK,
    XLSX,
    ContentSpec,
    ParameterSpec,
    ResponseSpec,
    documented,
)
from retailpulse.api.v1.pages import Cursors, Item, Page, PageRequest, Position, ReadPage
from retailpulse.api.v1.parameter_objects import ParameterObject
from retailpulse.schema import Record


class Safety(StrEnum):
    """The programs for which an export can be made safe."""

    SPREADSHEET = "spreadsheet"


Safe = Annotated[
    list[Safety] | None,
    Parameter(description="Of CSV. `spreadsheet`: no text can act as a formula in a spreadsheet."),
]
FORMAT = ParameterSpec(
    name="format",
    meaning="json (pages), csv or xlsx (all rows); goes before Accept.",
    shape=Literal["json", "csv", "xlsx"],
    example="json",
)


def documented_list(
    shape: type[Record], *refusals: int, meaning: str, line: type[Record] | None = None
) -> dict[str, Any]:
    """The `opt` of a handler of a list whose pages hold `shape`, and that is also a file.

    `line` is what a line of the file holds, if it is not the same.
    """
    contents = (
        ContentSpec(shape=Page[shape]),  # type: ignore[valid-type]  # made for the description
        ContentSpec(shape=str, media_type=CSV, example=_csv_example(line or shape)),
        ContentSpec(shape=bytes, media_type=XLSX),
    )
    answer = ResponseSpec(meaning=meaning, contents=contents, headers={"Link": LINK})
    return documented(None, *refusals, answers={200: answer}, params=(FORMAT,))


@dataclass(frozen=True, kw_only=True, slots=True)
class ListRequest(ParameterObject):
    """What a request asks for of a list: a page, or all of it as a file."""

    exports: Exports
    safe: Safe = None
    page: PageRequest

    async def answer(
        self,
        record: type[Row],
        cursors: Cursors[Position],
        read: ReadPage[Item, Position],
        every: AsyncIterator[Row],
        shown: Callable[[Item], Any] | None = None,
    ) -> Response[Any] | Stream:
        """A page of what `read` gives, each row as `shown` makes it, or a file of the list with `every` row.

        Raises InvalidRequest for an unknown format, NotFound if the cursor is not of this list, Busy or
        RateLimited for too many exports.
        """
        request = self.page.request
        asked, accept = request.query_params.get("format"), request.headers.get("accept", "")
        name = asked_format(asked, accept, LIST_FORMATS)
        if name == "json":
            return await self.page.answer(cursors, read, shown)
        cursors.read(self.page.cursor)
        return await export_records(
            request,
            self.exports,
            name=cursors.list_name,
            format=name,
            record=record,
            rows=every,
            for_spreadsheet=bool(self.safe),
        )


def _csv_example(record: type[Record]) -> str:
    """A file of one row, made of the examples of the fields."""
    info: Any = msgspec.json.schema(record)
    fields = info["$defs"][record.__name__]["properties"]
    row = {name: (field.get("examples") or [None])[0] for name, field in fields.items()}
    return csv_rows([list(row), [flat(value) for value in row.values()]]).decode()
