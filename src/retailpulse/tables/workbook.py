"""The sheets of an XLSX or ODS workbook as records of text, for the process that reads them.

Weak: what a cell shows by its number format alone, such as leading zeros, is not in the file. A number of
more than 15 digits is written as spreadsheets show it, 1.23456789012346E+17, without digits made up.
"""

import datetime
import io
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from retailpulse.domain.errors import InvalidRequest
from retailpulse.domain.texts import trimmed
from retailpulse.tables.column_names import shown
from retailpulse.tables.header import MAX_ROWS, Candidate, closest, find_header, match, not_found, where
from retailpulse.tables.process_messages import Opened, Request
from retailpulse.tables.rows import Record
from retailpulse.tables.workbook_archive import Archive

MAX_SHEETS = 100
"""The header is sought in so many sheets."""
MAX_CELL_CHARACTERS = 100_000
"""Spreadsheets keep 32,767; what reads a cell afterwards looks at each of its characters."""
MAX_ROW_CHARACTERS = 1_000_000
EXACT_BELOW = 1e15
"""Spreadsheets keep 15 digits of a number: further ones would be invented."""
_DAMAGED = (
    "the workbook is damaged or cut off, or not one: open it and save it again, or save it as CSV UTF-8"
)
Sheet = tuple[str, Callable[[], Iterator[Record]]]
"""A sheet's name, and its rows, which can be read several times."""


def open_workbook(content: bytes, request: Request) -> tuple[Opened, Iterator[Record]]:
    """The first sheet that has the header, or the one that is asked for; raises InvalidRequest."""
    archive = Archive(content, request.unpacked_bytes)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheets = _sheets(workbook, archive, request.sheet)
        return _first_with_header(sheets, archive.kind, request)
    except PasswordError:
        raise InvalidRequest("the workbook is protected by a password: save it without one") from None
    except CalamineError as error:
        raise InvalidRequest(_DAMAGED) from error


def _sheets(workbook: CalamineWorkbook, archive: Archive, wanted: str | None) -> list[Sheet]:
    names = [
        sheet.name
        for sheet in workbook.sheets_metadata
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
    ]
    if wanted is not None:
        same = [
            name for name in workbook.sheet_names if trimmed(name).casefold() == trimmed(wanted).casefold()
        ]
        if not same:
            listed = ", ".join(map(shown, names[:20]))
            raise InvalidRequest(f"sheet: there is no sheet {shown(wanted)}; the sheets are {listed}")
        names = same[:1]
    names = list(dict.fromkeys(names))[:MAX_SHEETS]
    return [(name, lambda name=name: _records(workbook, archive, name)) for name in names]  # type: ignore[misc]


def _first_with_header(sheets: list[Sheet], kind: str, request: Request) -> tuple[Opened, Iterator[Record]]:
    best: Candidate | None = None
    best_sheet = sheets[0][0] if sheets else ""
    for name, read in sheets:
        first = (record for record in read() if any(map(trimmed, record.cells)))
        tried = [
            match(record.line, record.cells, request.wanted, request.column_names)
            for record in islice(first, MAX_ROWS)
        ]
        if any(candidate.is_complete for candidate in tried):
            _, header = find_header([tried], request.wanted, request.column_names)
            place = where(header, "row", request.column_names)
            others = ", ".join(shown(other) for other, _ in sheets[:20] if other != name)
            only = f" (not {others})" if others else ""
            dialect = f"{kind}, sheet {shown(name)}{only}{place}"
            rows = (record for record in read() if record.line > header.line)
            return Opened(header=header, dialect=dialect), rows
        found = closest([tried])
        if best is None or (found and (found.score, found.filled > 1) > (best.score, best.filled > 1)):
            best, best_sheet = found, name
    raise not_found(best, request.wanted, request.column_names, f"sheet {shown(best_sheet)}, ")


def _records(workbook: CalamineWorkbook, archive: Archive, name: str) -> Iterator[Record]:
    """All rows from the first on, each from its first column on."""
    sheet = workbook.get_sheet_by_name(name)
    if sheet.start is None:
        return
    errors = archive.error_cells(name)
    before = [""] * sheet.start[1]
    for line, row in enumerate(sheet.iter_rows(), 1):
        cells = [*before, *map(text_of, row)]
        for at in errors.get(line, ()):
            if at < len(cells):
                cells[at] = cells[at] or "#N/A"
        _check_length(line, cells)
        yield Record(line, cells)


def _check_length(line: int, cells: list[str]) -> None:
    lengths = list(map(len, cells))
    if max(lengths, default=0) > MAX_CELL_CHARACTERS or sum(lengths) > MAX_ROW_CHARACTERS:
        raise InvalidRequest(
            f"row {line} has a cell of more than {MAX_CELL_CHARACTERS} characters, or more than "
            f"{MAX_ROW_CHARACTERS} in all: shorten it"
        )


def text_of(value: Any) -> str:
    """A value of a cell as text: ISO dates, whole numbers without a point, TRUE and FALSE."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < EXACT_BELOW else f"{value:.15G}"
    if isinstance(value, datetime.date | datetime.time | datetime.timedelta):
        return _text_of_time(value)
    return "" if value is None else str(value)


def _text_of_time(value: datetime.date | datetime.time | datetime.timedelta) -> str:
    if isinstance(value, datetime.datetime):
        return _text_of_instant(value)
    return _text_of_duration(value) if isinstance(value, datetime.timedelta) else value.isoformat()


def _text_of_duration(value: datetime.timedelta) -> str:
    """Hours, minutes and seconds as a sheet shows them, also of more than a day: 30:00:00."""
    seconds = round(abs(value).total_seconds())
    sign = "-" if value < datetime.timedelta() else ""
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _text_of_instant(value: datetime.datetime) -> str:
    """Without a time of day if it is midnight, without fractions of a second that rounding left."""
    if value.tzinfo is None and value.time() == datetime.time():
        return value.date().isoformat()
    return value.isoformat(timespec="milliseconds" if value.microsecond >= 1000 else "seconds")
