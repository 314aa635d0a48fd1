"""Reads jobs that come as rows, CSV or one JSON visit per line, into a spool; memory is bounded by a line.

The first line that cannot be accepted ends it: a job is taken as a whole or not at all.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import IO

import msgspec

from retailpulse.api.submit.parse_json import explain
from retailpulse.domain.errors import InvalidRequest
from retailpulse.domain.times import parse_visit_time
from retailpulse.storage.jobs.spool import Spool
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


class _Visit(msgspec.Struct, gc=False):
    store_id: str
    image_url: list[str] | str
    visit_time: str


_DECODER = msgspec.json.Decoder(_Visit)


def read_rows(file: IO[bytes], row_format: RowFormat, spool: Spool, max_images: int) -> None:
    """Reads a whole file into a spool; raises InvalidRequest naming the line, TooLarge over `max_images`."""
    _READERS[row_format](file, _Filling(spool, max_images))
    if not spool.visits:
        raise InvalidRequest("there is no visit; a job needs at least one")
    spool.finish()


class _Filling:
    """Puts visits that are checked into a spool."""

    def __init__(self, spool: Spool, max_images: int) -> None:
        self._spool = spool
        self._max_images = max_images

    def begin(self, line: int, store_id: str, visit_time: str) -> None:
        for field, text in (("store_id", store_id), ("visit_time", visit_time)):
            if not text:
                raise _refused(line, f"{field}: it is empty")
            if "\0" in text:
                raise _refused(line, f"{field}: it holds a NUL character")
        self._spool.begin_visit(store_id, visit_time, parse_visit_time(visit_time))

    def add(self, line: int, urls: Sequence[str]) -> None:
        """Adds images to the visit; `line` is that of the last of them."""
        if "" in urls:
            raise _refused(line, "image_url: it is empty")
        if any("\0" in url for url in urls):
            raise _refused(line, "image_url: it holds a NUL character")
        self._spool.add_images(urls)
        if self._spool.images > self._max_images:
            raise TooLarge(f"the job has more than {self._max_images} images: split it into several jobs")


def _read_csv(file: IO[bytes], filling: _Filling) -> None:
    """Consecutive rows of the same store and time are one visit."""
    lines = _RecordLines(file)
    rows = csv.reader(lines, strict=True)
    store_no, url_no, time_no = _read_header(rows)
    visit: tuple[str, str] | None = None
    urls: list[str] = []
    try:
        for row in rows:
            lines.end_record()
            line = rows.line_num
            if not row:
                continue
            if len(row) <= max(store_no, url_no, time_no):
                raise _refused(line, f"too few columns: {len(row)}")
            store_id, url, following = row[store_no].strip(), row[url_no].strip(), row[time_no]
            if not url or "\0" in url:
                filling.add(line, [url])
            if visit != (store_id, following) or len(urls) == _GATHERED:
                if urls:
                    filling.add(line, urls)
                    urls.clear()
                if visit != (store_id, following):
                    filling.begin(line, store_id, following)
                    visit = store_id, following
            urls.append(url)
        if urls:
            filling.add(rows.line_num, urls)
    except csv.Error as error:
        raise _refused(rows.line_num, f"it is no CSV: {error}") from None


def _read_header(rows: Iterator[list[str]]) -> tuple[int, int, int]:
    try:
        names = [name.strip().lower() for name in next(rows, [])]
    except csv.Error as error:
        raise _refused(1, f"it is no CSV: {error}") from None
    missing = [column for column in COLUMNS if column not in names]
    if missing:
        raise _refused(
            1, f"the header must name the columns {','.join(COLUMNS)}; no {', '.join(missing)} there"
        )
    store_no, url_no, time_no = (names.index(column) for column in COLUMNS)
    return store_no, url_no, time_no


def _read_ndjson(file: IO[bytes], filling: _Filling) -> None:
    for line, text in enumerate(_lines(file), 1):
        if not text.strip():
            continue
        try:
            visit = _DECODER.decode(text)
        except msgspec.ValidationError as error:
            raise _refused(line, explain(str(error))) from error
        except (msgspec.DecodeError, RecursionError) as error:
            raise _refused(line, f"it is not JSON: {error}") from error
        urls = [visit.image_url] if isinstance(visit.image_url, str) else visit.image_url
        if not urls:
            raise _refused(line, "image_url: it is empty; a visit needs at least one image")
        filling.begin(line, visit.store_id, visit.visit_time)
        filling.add(line, urls)


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


_READERS: dict[RowFormat, Callable[[IO[bytes], _Filling], None]] = {
    RowFormat.CSV: _read_csv,
    RowFormat.NDJSON: _read_ndjson,
}
