"""Cuts the lines of a CSV file into records, whatever its separator; memory is bounded by a record.

Not here: which separator it is. A record is bounded before its cells are made.
"""

import csv
import io
import re
from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import IO

from retailpulse.domain.errors import InvalidRequest
from retailpulse.domain.times import is_ambiguous_date, parse_visit_time
from retailpulse.tables.encodings import BLOCK_BYTES, Encoding
from retailpulse.tables.rows import BadRow, Record

MAX_LINE_CHARACTERS = 4_000_000
"""Most characters of a line, and of a record, which may go over many lines."""
MAX_SEPARATORS = 100_000
"""Most separators in a record: each may end a cell, which is an object."""
_QUOTES = (
    'quote a cell that holds a separator, a quote or a line break, and double the quotes in it: "5"" screen"'
)

_BLOCK_CHARACTERS = 32_768
_MOST_OF_BLOCK = 2 * _BLOCK_CHARACTERS
"""Characters of a block of lines at most; fewer than any limit of a line, a record or a cell."""
_OPEN_QUOTE = "a quote in it is not closed: a cell goes on over further rows"
_DATE_MARK = re.compile(r"\d[-/. :]\d")
_MAX_PARTS = 50
_BEGINS_WITH_URL = re.compile(r"\s*[a-z0-9]{2,5}://", re.IGNORECASE)


class Lines:
    """The lines of a text, with their ends; raises InvalidRequest for one that would fill the memory."""

    def __init__(self, file: IO[bytes], encoding: Encoding, separator: str) -> None:
        file.seek(encoding.bom_bytes)
        # A byte that is not UTF-8 becomes a lone surrogate, so that its line can be named.
        errors = "surrogateescape" if encoding.codec == "utf-8" else "strict"
        raw = io.BufferedReader(_Unclosed(file), BLOCK_BYTES)
        self._text = io.TextIOWrapper(raw, encoding.codec, errors=errors, newline="")
        self._separator = separator
        self._read_ahead = io.StringIO()
        self.number = 0
        self.begin_record()

    def begin_record(self) -> None:
        """Says that what follows belongs to the next record; it need not be said after a plain line."""
        self.is_counted = False
        """Whether the record goes over several lines, or could; one without quotes is one line."""
        self._characters = self._separators = 0

    def plain_blocks(self) -> Iterator[io.StringIO]:
        """The lines up to the first quote, in blocks of whole lines, none of which need be counted.

        Iterating gives the lines after those; `number` is to be set by who reads the blocks.
        """
        while block := self._text.read(_BLOCK_CHARACTERS) + self._text.readline(MAX_LINE_CHARACTERS):
            lines = io.StringIO(block, newline="")
            if '"' in block or len(block) > _MOST_OF_BLOCK:
                self._read_ahead = lines
                return
            yield lines

    def __iter__(self) -> Iterator[str]:
        read = partial(self._text.readline, MAX_LINE_CHARACTERS)
        for number, line in enumerate(chain(self._read_ahead, iter(read, "")), self.number + 1):
            self.number = number
            if self.is_counted or '"' in line or len(line) > MAX_SEPARATORS:  # the lowest of the limits
                self._count(line)
            yield line

    def _count(self, line: str) -> None:
        self.is_counted = True
        self._characters += len(line)
        self._separators += line.count(self._separator)
        if len(line) >= MAX_LINE_CHARACTERS:
            raise InvalidRequest(f"line {self.number} is longer than {MAX_LINE_CHARACTERS} characters")
        if self._characters > MAX_LINE_CHARACTERS:
            raise InvalidRequest(
                f"line {self.number}: its record is longer than {MAX_LINE_CHARACTERS} characters"
            )
        if self._separators > MAX_SEPARATORS:
            what = "commas" if self._separator == "," else "separators"
            raise InvalidRequest(f"line {self.number}: its record has more than {MAX_SEPARATORS} {what}")


def read_records(lines: Lines, separator: str, *, is_clean: bool) -> Iterator[Record | BadRow]:
    """Every record that is not an empty line, with its first line; one that is no CSV as BadRow."""
    make_reader = partial(csv.reader, strict=True, delimiter=separator, skipinitialspace=True)
    for block in lines.plain_blocks() if is_clean else ():
        for line, cells in enumerate(make_reader(block), lines.number + 1):
            lines.number = line
            if cells:
                yield Record(line, cells)
    reader = make_reader(lines)
    line = lines.number + 1
    while True:
        try:
            for cells in reader:
                if lines.number > line and _holds_a_row(cells, separator):
                    yield BadRow(line, None, _OPEN_QUOTE, _QUOTES)
                elif not is_clean and (bad := _check_characters(line, cells)):
                    yield bad
                elif cells:
                    yield Record(line, cells)
                if lines.is_counted:
                    lines.begin_record()
                line = lines.number + 1
        except csv.Error as error:
            read = f", read up to line {lines.number}" if lines.number > line else ""
            yield BadRow(line, None, f"it is not CSV: {error}{read}", _QUOTES)
            lines.begin_record()
            line = lines.number + 1
        else:
            return


def _holds_a_row(cells: list[str], separator: str) -> bool:
    """Whether a cell has swallowed a row of visits: a line of it has a URL and a date, as two parts.

    Or a further line has a URL behind a separator: several URLs in a cell begin their lines.
    """
    row = re.compile(rf"[^\r\n]*{re.escape(separator)}\"?[a-z0-9]{{2,5}}://", re.IGNORECASE)
    several = [lines for cell in cells if "://" in cell and len(lines := cell.splitlines()) > 1]
    return any(
        _has_date(line, separator) or (at and row.match(line) and not _BEGINS_WITH_URL.match(line))
        for lines in several
        for at, line in enumerate(lines)
    )


def _has_date(line: str, separator: str) -> bool:
    """Whether a part of a line that has a URL is a date, as in a row of visits."""
    parts = [part.strip(' "') for part in line.split(separator)] if "://" in line else []
    dates = (part for part in parts[:_MAX_PARTS] if _DATE_MARK.search(part))
    return any(parse_visit_time(part) is not None or is_ambiguous_date(part) for part in dates)


def _check_characters(line: int, cells: list[str]) -> BadRow | None:
    text = "".join(cells)
    if "\0" in text:
        return BadRow(line, None, "it holds a NUL character", "remove it")
    try:
        text.encode()
    except UnicodeEncodeError:
        return BadRow(line, None, "it is not UTF-8", "save the file as CSV UTF-8")
    return None


class _Unclosed(io.RawIOBase):
    """A file as TextIOWrapper wants it, which stays open when that is done."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        block = self._file.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)
