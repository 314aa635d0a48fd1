"""Finds the header of a table: the first row that names every column that is needed.

Not here: how rows are cut into cells. Weak: a header that names the columns in words that nobody listed needs
to be told which column is which.
"""

import difflib
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from retailpulse.domain.errors import InvalidRequest
from retailpulse.domain.texts import trimmed
from retailpulse.tables.column_names import (
    ColumnSpec,
    letter,
    normalized,
    normalized_names,
    positions_named,
    shown,
    without_number,
)

MAX_ROWS = 25
"""Rows that are not empty among which the header is looked for."""
MAX_SHOWN = 20
"""Most columns that an error lists."""


@dataclass(frozen=True, kw_only=True)
class Header:
    """Which cell of a row is which column."""

    line: int
    columns: tuple[str, ...]
    positions: tuple[int | None, ...]
    """For each wanted column the place of its cell, from 0."""
    more_positions: tuple[tuple[int, ...], ...]
    """For each wanted column the places of its further cells, which numbered columns have."""
    nameless_positions: tuple[int, ...] | None
    """Cells without a name, in which a URL would be lost; None for a table without URLs."""
    names: tuple[str, ...]
    """For each wanted column its name."""
    texts: tuple[str, ...]
    """For each wanted column what the header says, empty if it has none."""
    extra_columns: tuple[str, ...]
    extra_positions: tuple[int, ...]
    cells: tuple[str, ...]
    """Its texts, up to the last that is not empty."""

    @property
    def width(self) -> int:
        """How many cells it has."""
        return len(self.cells)


class HeaderNotFound(InvalidRequest):
    """No row of a table is its header; `cells` are the texts of the row that comes next to one."""

    def __init__(self, text: str, *, cells: Sequence[str]) -> None:
        super().__init__(text)
        self.cells = tuple(cells)


@dataclass(kw_only=True)
class Candidate:
    """A row that may be the header, and what keeps it from it."""

    line: int
    cells: list[str]
    found: dict[str, int] = field(default_factory=dict)
    more: dict[str, list[int]] = field(default_factory=dict)
    ambiguous: dict[str, list[int]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    conflict: str | None = None
    """Why it cannot be the header, although the columns that a caller named are there."""

    @property
    def is_complete(self) -> bool:
        """Whether it names all that is needed."""
        return not (self.missing or self.ambiguous or self.conflict)

    @property
    def score(self) -> tuple[int, int]:
        """How near it comes to a header by the names that are known."""
        return len(self.found) + len(self.ambiguous), len(self.ambiguous)

    @property
    def filled(self) -> int:
        """How many of its cells say something; a title above a table has one."""
        return sum(map(bool, self.cells))

    @property
    def width(self) -> int:
        """Its cells up to the last that says something."""
        return max((at + 1 for at, cell in enumerate(self.cells) if cell), default=0)

    @property
    def used(self) -> set[int]:
        """The places of all cells that are wanted columns."""
        return {*self.found.values(), *(at for places in self.more.values() for at in places)}

    def _places(self, name: str) -> list[int]:
        return [self.found[name], *self.more.get(name, ())] if name in self.found else []

    def _nameless(self, width: int) -> tuple[int, ...]:
        return tuple(at for at, cell in enumerate(self.cells[:width]) if not cell)

    def header(self, wanted: Sequence[ColumnSpec]) -> Header:
        """The header that it is."""
        used = self.used
        width = self.width
        extra = [at for at, cell in enumerate(self.cells) if at not in used and cell]
        return Header(
            line=self.line,
            columns=tuple(column.name for column in wanted if column.name in self.found),
            positions=tuple(self.found.get(column.name) for column in wanted),
            more_positions=tuple(tuple(self.more.get(column.name, ())) for column in wanted),
            nameless_positions=self._nameless(width) if any(one.may_be_numbered for one in wanted) else None,
            names=tuple(column.name for column in wanted),
            texts=tuple("\n".join(self.cells[at] for at in self._places(column.name)) for column in wanted),
            extra_columns=tuple(self.cells[at] for at in extra),
            extra_positions=tuple(extra),
            cells=tuple(self.cells[:width]),
        )


def match(
    line: int, row: Sequence[str], wanted: Sequence[ColumnSpec], column_names: Mapping[str, str]
) -> Candidate:
    """Looks for the wanted columns in a row: those that the caller named, exact names, then other names."""
    candidate = Candidate(line=line, cells=[trimmed(cell) for cell in row])
    names = [normalized(cell) for cell in candidate.cells]
    for column in wanted:
        if column.name in column_names and candidate.filled > 1:  # the letters of a title name nothing
            places = positions_named(column_names[column.name], candidate.cells)
        elif column.name in column_names:
            places = []
        else:
            places = _places(names, frozenset((normalized(column.name),)), column, set())
            if not places:
                continue
        _resolve(candidate, column, places)
    _match_others(candidate, names, [column for column in wanted if column.name not in column_names])
    if column_names and any("://" in candidate.cells[at] for at in candidate.used):
        candidate.conflict = (
            f"line {line} holds a URL, so that it is no header: put a row with the columns' names above it"
        )
    return candidate


def _match_others(candidate: Candidate, names: list[str], wanted: Sequence[ColumnSpec]) -> None:
    """Gives the columns left over to those that may be called so; one that fits one alone goes first."""
    open_columns = [c for c in wanted if c.name not in candidate.found and c.name not in candidate.ambiguous]
    while open_columns:
        used = candidate.used
        places = {
            column.name: _places(names, normalized_names(column), column, used) for column in open_columns
        }
        column = next((one for one in open_columns if len(places[one.name]) == 1), open_columns[0])
        _resolve(candidate, column, places[column.name])
        open_columns.remove(column)


def _places(names: list[str], known: frozenset[str], column: ColumnSpec, used: set[int]) -> list[int]:
    """Where the names are that a column may have, numbered or not."""
    free = [(at, name) for at, name in enumerate(names) if at not in used]
    return [
        at for at, name in free if name in known or (column.may_be_numbered and without_number(name) in known)
    ]


def _are_numbered(candidate: Candidate, places: list[int]) -> bool:
    """Whether columns differ by their number alone."""
    names = {normalized(candidate.cells[at]) for at in places}
    return len(names) == len(places) and len(set(map(without_number, names))) == 1


def _resolve(candidate: Candidate, column: ColumnSpec, places: list[int]) -> None:
    if len(places) > 1 and column.may_be_numbered and _are_numbered(candidate, places):
        candidate.more[column.name] = places[1:]
        places = places[:1]
    if len(places) == 1:
        same = [other for other, place in candidate.found.items() if place == places[0]]
        if same:
            candidate.conflict = f"{same[0]} and {column.name} cannot both be column {letter(places[0])}"
        candidate.found[column.name] = places[0]
    elif places:
        candidate.ambiguous[column.name] = places
    elif column.is_required:
        candidate.missing.append(column.name)


def where(header: Header, kind: str, column_names: Mapping[str, str]) -> str:
    """What is said of the header: its place, and its texts if a caller named columns, as it may be data."""
    texts = f": {_listed(header.texts)}" if column_names else ""
    return f", the header in {kind} {header.line}{texts}" if header.line > 1 or texts else ""


def find_header(
    readings: Sequence[Sequence[Candidate]], wanted: Sequence[ColumnSpec], column_names: Mapping[str, str]
) -> tuple[Candidate, Header]:
    """The first candidate that is a header, of one line that with the most cells; raises InvalidRequest.

    A file may be read in several ways, of which each has its own candidates.
    """
    tried = sorted((one for rows in readings for one in rows), key=lambda one: (one.line, -len(one.cells)))
    for candidate in tried:
        if candidate.is_complete:
            return candidate, candidate.header(wanted)
    raise not_found(closest(readings), wanted, column_names)


def closest(readings: Sequence[Sequence[Candidate]]) -> Candidate | None:
    """The row that comes next to a header: by the names that are known, else by its width."""
    shaped = max(filter(None, map(_shaped_as_header, readings)), key=lambda one: one.filled, default=None)
    tried = sorted((one for rows in readings for one in rows), key=lambda one: (one.line, -len(one.cells)))
    return max(tried, key=lambda one: (one.score, one is shaped), default=None)


def _shaped_as_header(rows: Sequence[Candidate]) -> Candidate | None:
    """The first row of words that is as wide as most of those below it, as titles are narrower.

    If there is none, since rows have more cells than the header, it is the first of two cells.
    """
    widths = [row.width for row in rows]
    full = [(at, row) for at, row in enumerate(rows, 1) if row.filled > 1]
    wide = (row for at, row in full if row.width >= statistics.mode(widths[at:] or [0]))
    return next((row for row in wide if not any(map(_is_data, row.cells))), full[0][1] if full else None)


def _is_data(cell: str) -> bool:
    """Whether a cell is a URL or begins with a digit, as names of columns hardly do."""
    return "://" in cell or cell[:1].isdigit()


def not_found(
    best: Candidate | None, wanted: Sequence[ColumnSpec], column_names: Mapping[str, str], place: str = ""
) -> HeaderNotFound:
    """The error that says why the row that comes next to a header is none; `place` goes before it."""
    text = place + explain(best, wanted, column_names)
    return HeaderNotFound(text, cells=[] if best is None else best.cells)


def explain(best: Candidate | None, wanted: Sequence[ColumnSpec], column_names: Mapping[str, str]) -> str:
    """Why the row that comes next to a header is none, and what to do."""
    required = [column.name for column in wanted if column.is_required]
    needed = f"the header must name the columns {','.join(required)}"
    if best is None or not any(best.cells):
        return f"line {best.line if best else 1}: {needed}; the file has no row"
    if best.conflict:
        return f"columns: {best.conflict}"
    begin = f"line {best.line}: {needed}; "
    if best.ambiguous:
        name, places = next(iter(best.ambiguous.items()))
        fitting = " and ".join(f"{shown(best.cells[at])} (column {letter(at)})" for at in places[:5])
        return f"{begin}{name} may be {fitting}. Say which: columns={name}:{letter(places[0])}"
    said = [name for name in best.missing if name in column_names]
    if said:
        return (
            f"{begin}there is no column {shown(column_names[said[0]])} for {said[0]}. "
            f"The columns are {_listed(best.cells)}"
        )
    return f"{begin}{', '.join(best.missing)} not found. {_advise(best, wanted)}"


def _advise(best: Candidate, wanted: Sequence[ColumnSpec]) -> str:
    used = set(best.found.values())
    free = {normalized(cell): at for at, cell in enumerate(best.cells) if cell and at not in used}
    name = best.missing[0]
    spec = next(column for column in wanted if column.name == name)
    near = difflib.get_close_matches(normalized(name), free, 1, 0.6) or next(
        (
            some
            for alias in spec.aliases
            if (some := difflib.get_close_matches(normalized(alias), free, 1, 0.75))
        ),
        [],
    )
    columns = f"The columns are {_listed(best.cells)}"
    if near:
        cell = shown(best.cells[free[near[0]]])
        return f"{columns}. Is it {cell}? Then say columns={name}:{cell}"
    example = letter(next(iter(free.values()), 0))
    return f"{columns}. Say which it is by its header or its letter: columns={name}:{example}"


def _listed(cells: Sequence[str]) -> str:
    names = [shown(cell) for cell in cells if cell]
    more = f" and {len(names) - MAX_SHOWN} more" if len(names) > MAX_SHOWN else ""
    return ", ".join(names[:MAX_SHOWN]) + more
