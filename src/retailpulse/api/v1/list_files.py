"""What lists and reports that are also files have in common: their parameters, and examples of files."""

from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
from litestar.params import Parameter

from retailpulse.api.export.csv_rows import csv_rows
from retailpulse.api.export.records import flat
from retailpulse.api.openapi.annotations import ParameterSpec
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


def csv_example(record: type[Record]) -> str:
    """A file of one row, made of the examples of the fields."""
    info: Any = msgspec.json.schema(record)
    fields = info["$defs"][record.__name__]["properties"]
    row = {name: (field.get("examples") or [None])[0] for name, field in fields.items()}
    return csv_rows([list(row), [flat(value) for value in row.values()]]).decode()
