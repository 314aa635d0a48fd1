"""Reads jobs that come as rows, CSV or one JSON visit per line, into a spool; memory is bounded by a line.

Every row that cannot be accepted is noted, and reading goes on: what becomes of the job is decided at its
end. What breaks a file off, such as a line that is too long, ends it at once.
"""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import IO, Any

import msgspec

from retailpulse.api.submit.extra_columns import without_results
from retailpulse.api.submit.lenient_json import read_visit
from retailpulse.api.submit.row_errors import RowKind
from retailpulse.api.submit.visit_validator import VisitValidator, cleaned_id
from retailpulse.domain.errors import InvalidRequest
from retailpulse.storage.jobs.spool import Spool
from retailpulse.tables import split_urls
from retailpulse.web.errors import TooLarge

COLUMNS = ("store_id", "image_url", "visit_time")
MAX_LINE_BYTES = 4_000_000
"""Most bytes of a line, and of a record of CSV, which may go over many lines."""
MAX_COMMAS = 100_000
"""Most commas in a record of CSV: each may end a field, which is an object."""
_GATHERED = 1_000
"""Images of a visit that are handed on at once."""


class RowFormat(StrEnum):
    """The format of a submit that comes as rows."""

    CSV = "csv"
    NDJSON = "ndjson"


class _Visit(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    store_id: str
    image_url: list[str] | str
    visit_time: str
    extra: dict[str, Any] | None = None


_DECODER = msgspec.json.Decoder(_Visit)
_Row = tuple[int, str, str, str, Mapping[str, str]]
"""Line, store, URLs, time, and the sender's own columns."""


def read_rows(
    file: IO[bytes],
    row_format: RowFormat,
    spool: Spool,
    max_images: int,
    validator: VisitValidator | None = None,
) -> None:
    """Reads a whole file into a spool; raises InvalidRequest naming the lines, TooLarge over `max_images`."""
    validator = validator or VisitValidator(RowKind.LINE)
    _READERS[row_format](file, _Filling(spool, max_images, validator), validator)
    is_empty = not (spool.visits or validator.errors.error_count)
    validator.finish(spool.visits, "there is no visit; a job needs at least one" if is_empty else None)
    spool.finish()


class _Filling:
    """Puts visits that are checked into a spool; rows of the same store and time in a row are one visit."""

    def __init__(self, spool: Spool, max_images: int, validator: VisitValidator) -> None:
        self._spool = spool
        self._max_images = max_images
        self._validator = validator
        self._visit: tuple[str, str] | None = None
        self._urls: list[str] = []
        self._extras: list[str | None] = []

    def add_row(self, row: _Row) -> None:
        """Adds the images of one row, if it is good."""
        line, store_id, cell, visit_time, extra = row
        visit = cleaned_id(store_id), visit_time
        before = self._validator.errors.error_count
        if visit != self._visit:
            self._validator.check_head(line, *visit)
        urls = self._validator.urls(line, split_urls(cell)) or ()
        kept = self._validator.own_columns(line, extra) if extra else None
        if self._validator.errors.error_count > before:
            return
        if visit != self._visit:
            self.end_visit()
            self._spool.begin_visit(*visit, self._validator.instant(line, visit_time))
            self._visit = visit
        self._urls += urls
        self._extras += [kept] * len(urls)
        if len(self._urls) >= _GATHERED:
            self._add_images()

    def add_visit(self, visit: Any, urls: Sequence[str]) -> None:
        """Adds a whole visit."""
        self._spool.begin_visit(visit.store_id, visit.visit_time, visit.visited_at)
        self._urls += urls
        self._extras += [visit.extra] * len(urls)
        self._add_images()

    def end_visit(self) -> None:
        """Says that the visit has no more rows."""
        if self._urls:
            self._add_images()

    def _add_images(self) -> None:
        self._spool.add_images(self._urls, self._extras if any(self._extras) else None)
        self._urls.clear()
        self._extras.clear()
        if self._spool.images > self._max_images:
            raise TooLarge(f"the job has more than {self._max_images} images: split it into several jobs")


def _read_csv(file: IO[bytes], filling: _Filling, validator: VisitValidator) -> None:
    for row in _csv_rows(file, validator):
        filling.add_row(row)
    filling.end_visit()


def _csv_rows(file: IO[bytes], validator: VisitValidator) -> Iterator[_Row]:
    lines = _RecordLines(file)
    rows = csv.reader(lines, strict=True)
    names, (store_no, url_no, time_no) = _read_header(rows)
    own = {place: name for place, name in enumerate(names) if place not in {store_no, url_no, time_no}}
    try:
        for row in rows:
            lines.end_record()
            if not any(map(str.strip, row)):
                continue
            if len(row) <= max(store_no, url_no, time_no):
                validator.errors.add(rows.line_num, None, f"too few columns: {len(row)}")
                continue
            extra = {name: row[place] for place, name in own.items() if place < len(row)}
            yield rows.line_num, row[store_no], row[url_no], row[time_no], without_results(extra)
    except csv.Error as error:
        raise validator.errors.refusal(f"line {rows.line_num}: it is no CSV: {error}") from None


def _read_header(rows: Iterator[list[str]]) -> tuple[list[str], tuple[int, int, int]]:
    try:
        given = [name.strip() for name in next(rows, [])]
    except csv.Error as error:
        raise _refused(1, f"it is no CSV: {error}") from None
    names = [name.lower() for name in given]
    missing = [column for column in COLUMNS if column not in names]
    if missing:
        raise _refused(
            1, f"the header must name the columns {','.join(COLUMNS)}; no {', '.join(missing)} there"
        )
    store_no, url_no, time_no = (names.index(column) for column in COLUMNS)
    return given, (store_no, url_no, time_no)


def _read_ndjson(file: IO[bytes], filling: _Filling, validator: VisitValidator) -> None:
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
            filling.add_visit(visit, visit.image_urls)


def _read_line(line: int, text: str, validator: VisitValidator) -> Any:
    try:
        return read_visit(text, line, validator, is_row=True)
    except (msgspec.DecodeError, RecursionError) as error:
        validator.errors.add(line, None, f"it is not JSON: {error}")
        return None


class _RecordLines:
    """The lines of a CSV; refuses a record that would fill the memory before its fields are made."""

    def __init__(self, file: IO[bytes]) -> None:
        self._lines = _lines(file)
        self._line = 0
        self.end_record()

    def end_record(self) -> None:
        """Says that a record has ended: what follows belongs to the next."""
        self._characters = self._commas = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        text = next(self._lines)
        self._line += 1
        self._characters += len(text)
        self._commas += text.count(",")
        if self._characters > MAX_LINE_BYTES:
            raise _refused(self._line, f"its record has more than {MAX_LINE_BYTES} characters")
        if self._commas > MAX_COMMAS:
            raise _refused(self._line, f"its record has more than {MAX_COMMAS} commas")
        return text


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


_READERS: dict[RowFormat, Callable[[IO[bytes], _Filling, VisitValidator], None]] = {
    RowFormat.CSV: _read_csv,
    RowFormat.NDJSON: _read_ndjson,
}
