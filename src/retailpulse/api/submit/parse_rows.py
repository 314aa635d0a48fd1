"""Reads jobs that come as rows, a table or one JSON visit per line, into a spool; memory is bounded by a row.

Every row that cannot be accepted is noted, and reading goes on: what becomes of the job is decided at its
end. What breaks a file off, such as a line that is too long, ends it at once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import IO, Any

import msgspec

from retailpulse.api.submit.extra_columns import expanded, without_results
from retailpulse.api.submit.lenient_json import read_visit
from retailpulse.api.submit.row_errors import RowKind
from retailpulse.api.submit.spool_filling import SpoolFilling
from retailpulse.api.submit.visit_validator import VisitValidator
from retailpulse.domain.errors import InvalidRequest
from retailpulse.domain.jobs import Visit
from retailpulse.storage.jobs.spool import Spool
from retailpulse.tables import VISIT_COLUMNS, BadRow, LookedAtColumn, Table, open_table, peek

OnOpened = Callable[[list[LookedAtColumn]], None]
"""Gets the columns of a table once it is open."""
MAX_LINE_BYTES = 4_000_000
"""Most bytes of a line of NDJSON."""


class RowFormat(StrEnum):
    """What a submit that comes as rows is; a table is of any format that `tables` reads."""

    CSV = "csv"
    NDJSON = "ndjson"


@dataclass(frozen=True, kw_only=True, slots=True)
class TableOptions:
    """How a table is to be read: which of its columns is which, by header, letter or number; of which sheet.

    One of gzip is unpacked in `folder`, up to `unpacked_bytes`.
    """

    column_names: Mapping[str, str] = field(default_factory=dict)
    sheet: str | None = None
    folder: str | None = None
    unpacked_bytes: int = 256_000_000
    on_opened: OnOpened | None = None


class _Visit(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    store_id: str
    image_url: list[str] | str
    visit_time: str
    extra: dict[str, Any] | None = None


_DECODER = msgspec.json.Decoder(_Visit)


def read_rows(
    file: IO[bytes],
    row_format: RowFormat,
    spool: Spool,
    max_images: int,
    validator: VisitValidator | None = None,
    options: TableOptions | None = None,
) -> None:
    """Reads a whole file into a spool; raises InvalidRequest naming the lines, TooLarge over `max_images`."""
    validator = validator or VisitValidator(RowKind.LINE)
    filling = SpoolFilling(spool, max_images, validator)
    try:
        if row_format is RowFormat.NDJSON:
            _read_ndjson(file, filling, validator)
        else:
            options = options or TableOptions()
            with _opened(file, options) as table:
                validator.errors.read_as = table.dialect
                _read_table(_announced(table, options.on_opened), filling, validator)
    except InvalidRequest as error:
        if validator.errors.error_count:
            raise validator.errors.refusal(str(error)) from error
        raise
    is_empty = not (spool.visits or validator.errors.error_count)
    validator.finish(spool.visits, "there is no visit; a job needs at least one" if is_empty else None)
    spool.finish()


def _opened(file: IO[bytes], options: TableOptions) -> AbstractContextManager[Table]:
    return open_table(
        file,
        VISIT_COLUMNS,
        column_names=options.column_names,
        sheet=options.sheet,
        folder=options.folder,
        unpacked_bytes=options.unpacked_bytes,
    )


def _announced(table: Table, on_opened: OnOpened | None) -> Table:
    """The same table, whose columns are told if it is asked for."""
    if on_opened is None:
        return table
    columns, whole = peek(table)
    on_opened(columns)
    return whole


def _read_table(table: Table, filling: SpoolFilling, validator: VisitValidator) -> None:
    names = list(_distinct(table.extra_columns))
    for row in table:
        if isinstance(row, BadRow):
            validator.errors.add(row.line, row.column, f"{row.error}; {row.advice}")
            continue
        store_id, cell, visit_time = row.cells
        own: Mapping[str, str] = {}
        if names and any(row.extra):
            own = expanded(without_results(dict(zip(names, row.extra, strict=True))))
        filling.add_row(row.line, store_id, visit_time, cell, own)
    filling.end_visit()


def _distinct(names: Sequence[str]) -> Iterator[str]:
    """The names of columns, of which no two may be the same: a second one has its number behind it."""
    used: set[str] = set()
    last: dict[str, int] = {}
    for name in names:
        free = name
        while free in used:
            last[name] = last.get(name, 1) + 1
            free = f"{name} ({last[name]})"
        used.add(free)
        yield free


def _read_ndjson(file: IO[bytes], filling: SpoolFilling, validator: VisitValidator) -> None:
    for line, text in enumerate(_lines(file), 1):
        if not text.strip():
            continue
        try:
            found = _DECODER.decode(text)
            urls = [found.image_url] if isinstance(found.image_url, str) else found.image_url
            visit = validator.visit(line, found.store_id, found.visit_time, urls, found.extra)
        except (msgspec.MsgspecError, RecursionError):
            visit = _read_line(line, text, validator)
        if visit is not None:
            filling.add_visit(visit)


def _read_line(line: int, text: str, validator: VisitValidator) -> Visit | None:
    try:
        return read_visit(text, line, validator, is_row=True)
    except (msgspec.DecodeError, RecursionError) as error:
        validator.errors.add(line, None, f"it is not JSON: {error}")
        return None


def _lines(file: IO[bytes]) -> Iterator[str]:
    number = 0
    while block := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(block) > MAX_LINE_BYTES:
            raise _refused(number, f"it has more than {MAX_LINE_BYTES} bytes")
        try:
            text = block.decode()
        except UnicodeDecodeError:
            raise _refused(number, "it is not UTF-8") from None
        yield text.removeprefix("\ufeff") if number == 1 else text


def _refused(line: int, reason: str) -> InvalidRequest:
    return InvalidRequest(f"line {line}: {reason}")
