"""What the process that reads workbooks is asked, and what it answers: a line of JSON each."""

from typing import Any

import msgspec

from retailpulse.tables.column_names import ColumnSpec
from retailpulse.tables.formats import TableFormat
from retailpulse.tables.header import Header


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """The one argument of the process; the file is its standard input."""

    table_format: TableFormat
    wanted: tuple[ColumnSpec, ...]
    column_names: dict[str, str]
    sheet: str | None
    memory_bytes: int
    cpu_seconds: int
    unpacked_bytes: int


class Opened(msgspec.Struct, frozen=True, kw_only=True, tag="opened"):
    """The first answer: where the columns are, and what was read."""

    header: Header
    dialect: str


class Rows(msgspec.Struct, frozen=True, kw_only=True, tag="rows"):
    """Rows below the header, each with its number; the process has ended well only after an `is_last`."""

    rows: list[tuple[int, list[str]]]
    is_last: bool = False


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag="refused"):
    """What keeps the file from being read; the last answer.

    `cells` are those of the row that comes next to a header, None if it is not the header that is missing.
    """

    error: str
    cells: tuple[str, ...] | None = None


Answer = Opened | Rows | Refused
_ANSWERS: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Opened | Rows | Refused)


def decode_answer(line: bytes) -> Answer:
    """An answer from its line; raises msgspec.DecodeError."""
    answer: Answer = _ANSWERS.decode(line)
    return answer
