"""What a table gives: rows, and rows that cannot be read, each with its line. Not here: how they are read."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

import msgspec

from retailpulse.domain.texts import trimmed
from retailpulse.tables.column_names import letter
from retailpulse.tables.header import Header

_NO_PHOTO = frozenset({"", "n/a", "na", "-", "--", "none", "null", "nil", "no"})
_FORMULA = "[-=+@\uff0d\uff1d\uff0b\uff20]"
_ESCAPED = re.compile(
    rf"""^'(?=[\x01-\x1f\x7f-\x9f]|[\s"]*{_FORMULA})|(?<=[;\t\r\n])'(?=[\s"]{{0,8}}{_FORMULA})"""
)
"""The apostrophes that our own exports put before what a spreadsheet would take for a formula."""

_TEXT_FORMULA = re.compile(r'="([^"]*)"').fullmatch
"""`="00123"`: how people write a CSV whose leading zeros a spreadsheet shall keep."""

_PLAIN = re.compile(r"[!$-&(-~]+").fullmatch
"""Whether cells need no closer look: nothing to trim, no apostrophe or quote, no # of a failed formula."""

_ERRORS = frozenset(
    ("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#FIELD!")
)


class Row(msgspec.Struct, frozen=True, gc=False):
    """A row that is not empty: its first line in the file, from 1, and its cells as trimmed text.

    `cells` are in the order of the wanted columns, empty where the table has no such column; `extra` in that
    of `Table.extra_columns`. What stands in several numbered columns is one text of as many lines.
    """

    line: int
    cells: tuple[str, ...]
    extra: tuple[str, ...]


class BadRow(NamedTuple):
    """A row that cannot be read: its first line, the column if it is one cell's fault, and what to do."""

    line: int
    column: str | None
    error: str
    advice: str


class Record(msgspec.Struct, frozen=True, gc=False):
    """A row as it stands in the file, before its columns are looked at."""

    line: int
    cells: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Table:
    """An open table; it can be iterated once."""

    columns: tuple[str, ...]
    """The wanted columns that were found, in the order in which they were asked for."""
    extra_columns: tuple[str, ...]
    """The names of all others, as the file writes them."""
    dialect: str
    """What was recognised, in a few plain words: `CSV, separated by semicolons, Windows-1252`."""
    header: Header
    rows: Iterator[Row | BadRow]

    def __iter__(self) -> Iterator[Row | BadRow]:
        return self.rows


def make_rows(
    records: Iterator[Record | BadRow], header: Header, *, quoting: str | None
) -> Iterator[Row | BadRow]:
    """The rows below a header; those that are empty or repeat it are left out.

    `quoting` is the advice for a row that has another number of cells than the header, and may be shifted;
    None if that cannot be, as every cell has its place.
    """
    pick, more = _picker(header.positions), any(header.more_positions)
    pick_extra = _picker(header.extra_positions) if header.extra_positions else None
    width, header_texts, has_nameless = header.width, header.texts, bool(header.nameless_positions)
    for record in records:
        if isinstance(record, BadRow):
            yield record
            continue
        line, cells = record.line, record.cells
        if has_nameless or len(cells) != width:
            if not any(map(trimmed, cells)):
                continue
            if bad := _check_places(line, cells, header, quoting):
                yield bad
                continue
            cells = [*cells[:width], *[""] * (width - len(cells))]
        wanted = pick(cells)
        text = "".join(wanted)
        if more or not _PLAIN(text):
            wanted = _joined(tuple(map(_clean, wanted)), cells, header)
            if bad := _find_error(line, wanted, header.names):
                yield bad
                continue
            text = "".join(wanted)
        if wanted == header_texts:
            continue  # files that were put together have the header of each
        if text or any(map(trimmed, cells)):
            yield Row(line, wanted, tuple(map(_clean, pick_extra(cells))) if pick_extra else ())


def _check_places(line: int, cells: Sequence[str], header: Header, quoting: str | None) -> BadRow | None:
    """What is wrong with a row that has another number of cells than the header, or cells without a name."""
    width, nameless = header.width, header.nameless_positions
    if len(cells) != width and quoting is not None and (error := _check_count(cells, width)):
        return BadRow(line, None, error, quoting)
    if nameless is not None and (lost := _find_url(cells, nameless, width)):
        return BadRow(line, None, lost, "name the column, as Photo 2 beside Photo 1, or clear the cell")
    return None


def _check_count(cells: Sequence[str], width: int) -> str | None:
    """What is wrong with the number of cells; empty ones at the end are no fault."""
    found = len(cells)
    if found < width or any(map(trimmed, cells[width:])):
        return f"it has {found} {'cell' if found == 1 else 'cells'}, the header has {width}"
    return None


def _find_url(cells: Sequence[str], nameless: Sequence[int], width: int) -> str | None:
    """What is wrong if a cell that nobody reads holds a URL, as below a header that spans two columns."""
    for at in (*nameless, *range(width, len(cells))):
        if at < len(cells) and "://" in cells[at]:
            return f"it has a URL in column {letter(at)}, which has no name"
    return None


def _find_error(line: int, cells: Sequence[str], names: Sequence[str]) -> BadRow | None:
    """What a formula gives that has failed is the text of no store."""
    for cell, name in zip(cells, names, strict=False):
        if cell in _ERRORS:
            return BadRow(line, name, f"it is {cell}: a formula failed", "mend the cell, or clear it")
    return None


def _picker(positions: Sequence[int | None]) -> Callable[[Sequence[str]], tuple[str, ...]]:
    """Picks the cells at these positions; None gives an empty one."""
    if len(positions) > 1 and None not in positions:
        return itemgetter(*positions)
    present = [at for at in positions if at is not None]
    if len(present) > 1 and None not in positions[: len(present)]:
        first, others = itemgetter(*present), ("",) * (len(positions) - len(present))
        return lambda cells: first(cells) + others
    return lambda cells: tuple("" if at is None else cells[at] for at in positions)


def _is_there(cell: str) -> bool:
    """Whether a numbered photo is there: people write n/a where there is no second one."""
    return cell.lower() not in _NO_PHOTO


def _joined(first: tuple[str, ...], cells: Sequence[str], header: Header) -> tuple[str, ...]:
    """The wanted cells; those of numbered columns become lines of one text."""
    return tuple(
        "\n".join(filter(_is_there, (cell, *(_clean(cells[at]) for at in places)))) if places else cell
        for cell, places in zip(first, header.more_positions, strict=True)
    )


def _clean(cell: str) -> str:
    """A cell without what is around it, without `="..."`, and without the apostrophes of our own exports."""
    text = trimmed(cell)
    if text.startswith('="') and (kept := _TEXT_FORMULA(text)):
        text = trimmed(kept[1])
    return _ESCAPED.sub("", text) if "'" in text else text
