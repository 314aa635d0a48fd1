"""The beginning of a table, for people: its columns, what each is taken for, and its first rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from retailpulse.domain.errors import InvalidRequest
from retailpulse.tables.column_names import ColumnSpec, letter, parse_column_names, positions_named
from retailpulse.tables.header import HeaderNotFound
from retailpulse.tables.rows import Row, Table

LOOKED_AT = 50
"""Rows among which the first good ones are looked for."""
SAMPLES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class LookedAtColumn:
    """A column of a file: its place from 0, its text in the header, and the wanted column that it is.

    `samples` are its first texts; of further columns of one wanted column they stand with the first.
    """

    position: int
    text: str
    wanted: str | None = None
    samples: tuple[str, ...] = ()


def peek(table: Table) -> tuple[list[LookedAtColumn], Table]:
    """The columns of a table, and the table with all its rows still to come."""
    begin = list(islice(table.rows, LOOKED_AT))
    rows = [row for row in begin if isinstance(row, Row)][:SAMPLES]
    return _columns(table, rows), replace(table, rows=chain(begin, table.rows))


def columns_without_header(error: HeaderNotFound) -> list[LookedAtColumn]:
    """The columns of a file whose header was not found: those of the row that comes next to one."""
    return [LookedAtColumn(position=at, text=text) for at, text in enumerate(error.cells) if text]


def named(column: LookedAtColumn, wanted: str, cells: Sequence[str], known: Sequence[ColumnSpec]) -> str:
    """How a caller says that a column is a wanted one: `store_id:Outlet Code`.

    It is named by its header where that names no other, else by its letter or number.
    """
    found = f"{wanted}:{letter(column.position)}"
    for name in (column.text, letter(column.position), str(column.position + 1)):
        said = f"{wanted}:{name}"
        if positions_named(name, cells) == [column.position] and _is_read_as(said, wanted, name, known):
            return said
    return found


def _is_read_as(said: str, wanted: str, name: str, known: Sequence[ColumnSpec]) -> bool:
    try:
        return parse_column_names([said], known) == {wanted: name}
    except InvalidRequest:
        return False


def _columns(table: Table, rows: Sequence[Row]) -> list[LookedAtColumn]:
    header = table.header
    wanted: dict[int, str] = {}
    samples: dict[int, tuple[str, ...]] = {}
    for place, (name, at) in enumerate(zip(header.names, header.positions, strict=True)):
        if at is not None:
            wanted |= dict.fromkeys((at, *header.more_positions[place]), name)
            samples[at] = tuple(row.cells[place] for row in rows)
    for place, at in enumerate(header.extra_positions):
        samples[at] = tuple(row.extra[place] for row in rows)
    return [
        LookedAtColumn(
            position=at,
            text=text,
            wanted=wanted.get(at),
            samples=tuple(filter(None, samples.get(at, ()))),
        )
        for at, text in enumerate(header.cells)
        if text or at in wanted
    ]
