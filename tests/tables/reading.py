"""What a table gives, for tests that compare it."""

import io
from collections.abc import Mapping, Sequence

import pytest

from retailpulse.domain.errors import InvalidRequest
from retailpulse.tables import VISIT_COLUMNS, BadRow, ColumnSpec, Row, open_table

HEADER = "store_id,image_url,visit_time\n"


def rows(
    content: bytes, columns: Mapping[str, str] | None = None, wanted: Sequence[ColumnSpec] = VISIT_COLUMNS
) -> list[tuple[int, tuple[str, ...]]]:
    """The good rows, none of which may be bad."""
    found = []
    for row in everything(content, columns, wanted):
        assert isinstance(row, Row), row
        found.append((row.line, row.cells))
    return found


def everything(
    content: bytes, columns: Mapping[str, str] | None = None, wanted: Sequence[ColumnSpec] = VISIT_COLUMNS
) -> list[Row | BadRow]:
    with open_table(io.BytesIO(content), wanted, column_names=columns or {}) as table:
        return list(table)


def bad(content: bytes) -> dict[int, str]:
    """The bad rows: their lines and errors."""
    return {row.line: row.error for row in everything(content) if isinstance(row, BadRow)}


def dialect(content: bytes) -> str:
    with open_table(io.BytesIO(content), VISIT_COLUMNS) as table:
        return table.dialect


def refusal(
    content: bytes, columns: Mapping[str, str] | None = None, wanted: Sequence[ColumnSpec] = VISIT_COLUMNS
) -> str:
    with pytest.raises(InvalidRequest) as refused:
        everything(content, columns, wanted)
    return str(refused.value)
