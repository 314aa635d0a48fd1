"""What lists and reports that are also files have in common: their parameters, and examples of files."""

from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request
from litestar.params import Parameter

from retailpulse.api.export.csv_rows import csv_rows
from retailpulse.api.export.formats import LIST_FORMATS, asked_format
from retailpulse.api.export.records import flat
from retailpulse.api.openapi.annotations import (
    CSV,
    LINK,
    XLSX,
    ContentSpec,
    ParameterSpec,
    ResponseSpec,
    documented,
)
from retailpulse.api.v1.pages import Page
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


def list_format(request: Request[Any, Any, Any]) -> str:
    """The format of a list that a request asks for; raises InvalidRequest."""
    return asked_format(request.query_params.get("format"), request.headers.get("accept", ""), LIST_FORMATS)


def _csv_example(record: type[Record]) -> str:
    """A file of one row, made of the examples of the fields."""
    info: Any = msgspec.json.schema(record)
    fields = info["$defs"][record.__name__]["properties"]
    row = {name: (field.get("examples") or [None])[0] for name, field in fields.items()}
    return csv_rows([list(row), [flat(value) for value in row.values()]]).decode()
