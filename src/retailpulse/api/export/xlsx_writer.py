"""Makes an XLSX workbook on standard output of the rows of JSON on standard input, as a process of its own.

The one argument is JSON: the name of the sheet, a `[name, kind]` for each column, the folder for temporary
files. It is run as a file, to load nothing of the service. Weak: XlsxWriter keeps the XML of all rows on the
disk, up to twice, and the first byte can be sent only when the last row has come.
"""

import errno
import fcntl
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import islice
from typing import IO, Any

import msgspec
import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

SHEET_ROWS = 1_048_576
"""As many rows as a sheet can have, with its header; more go to a further sheet."""
SHEET_BYTES = 1_500_000_000
"""A sheet ends before the size at which a ZIP needs an extension that spreadsheet programs do not read."""
CELL_CHARACTERS = 32_767
"""As many UTF-16 units as a cell can hold; a longer text ends with a note of its length."""
FOLDER_PREFIX = "retailpulse-xlsx-"
"""How the folder of a process is called that keeps its temporary files."""
_BATCH_ROWS = 500
_LEFT_SECONDS = 60
"""A folder that nobody has locked is left over when it is older: a new one is locked right away."""
_FIRST_DAY = datetime(1900, 3, 1)  # before it, spreadsheet programs do not agree on the numbers of days
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
    "nan_inf_to_errors": True,
}
_FORMATS = {"timestamp": "yyyy-mm-dd hh:mm:ss", "date": "yyyy-mm-dd", "rate": "0.0%"}
_WIDTHS = {"timestamp": 20, "date": 12, "rate": 9, "number": 11, "bool": 8, "text": 22}
"""The width of a column by its kind, in characters; a longer name makes it wider."""


def _fitting(text: str) -> str:
    """The text, or as much of it as a cell holds, with a note of its length."""
    if len(text) <= CELL_CHARACTERS // 2:
        return text
    encoded = text.encode("utf-16-le")
    if len(encoded) <= 2 * CELL_CHARACTERS:
        return text
    note = f" [cut: {len(text):,} characters]"
    return encoded[: 2 * (CELL_CHARACTERS - len(note))].decode("utf-16-le", "ignore") + note


class _Sheet:
    """One sheet with its header, to which rows are added."""

    def __init__(self, sheet: Any, columns: Sequence[tuple[str, str]], formats: dict[str, Any]) -> None:
        self._sheet = sheet
        self._columns = columns
        self._formats = formats
        self.rows = 1
        for at, (title, kind) in enumerate(columns):
            sheet.set_column(at, at, max(_WIDTHS[kind], len(title) + 4))
            sheet.write_string(0, at, title, formats["title"])
        sheet.freeze_panes(1, 0)
        self._cells = [(at, title, self._cell(kind)) for at, (title, kind) in enumerate(columns)]

    def add(self, row: dict[str, Any]) -> None:
        for at, name, write in self._cells:
            if (value := row.get(name)) is not None:
                write(self.rows, at, value)
        self.rows += 1

    def finish(self) -> None:
        self._sheet.autofilter(0, 0, self.rows - 1, len(self._columns) - 1)

    def _cell(self, kind: str) -> Callable[[int, int, Any], object]:
        """What writes a value of a kind; one that is none of it becomes a text."""
        sheet, cell_format = self._sheet, self._formats.get(kind)

        def number(row: int, at: int, value: Any) -> None:
            if isinstance(value, int | float):
                sheet.write_number(row, at, value, cell_format)
            else:
                self._write_text(row, at, value)

        def moment(row: int, at: int, value: Any) -> None:
            read = datetime.fromisoformat(value)
            if read.tzinfo is not None:
                read = read.astimezone(UTC).replace(tzinfo=None)
            if read < _FIRST_DAY:
                self._write_text(row, at, value)
            else:
                sheet.write_datetime(row, at, read, cell_format)

        by_kind = {"number": number, "rate": number, "date": moment, "timestamp": moment}
        by_kind["bool"] = sheet.write_boolean
        return by_kind.get(kind, self._write_text)

    def _write_text(self, row: int, at: int, value: Any) -> None:
        text = _fitting(value if isinstance(value, str) else msgspec.json.encode(value).decode())
        if text.startswith("<r>") and text.endswith("</r>"):
            # The library takes it for XML that it made, and writes it as it is.
            self._sheet.write_rich_string(row, at, text[:1], text[1:2], text[2:])
        else:
            self._sheet.write_string(row, at, text)


class Workbook:
    """A workbook whose sheets have the same columns, each sheet as many rows as it can hold.

    `folder` is for its temporary files and nothing else. OSError and FileCreateError say that it, or `file`,
    takes no more.
    """

    def __init__(self, file: IO[bytes], folder: str, title: str, columns: Sequence[tuple[str, str]]) -> None:
        self._book = xlsxwriter.Workbook(file, {**_OPTIONS, "tmpdir": folder})
        self._folder = folder
        self._title = title
        self._columns = columns
        self._formats = {
            kind: self._book.add_format({"num_format": pattern}) for kind, pattern in _FORMATS.items()
        }
        self._formats["title"] = self._book.add_format({"bold": True})

    def write(
        self, rows: Iterator[dict[str, Any]], *, most_rows: int = SHEET_ROWS, most_bytes: int = SHEET_BYTES
    ) -> None:
        """Writes all rows, and then the file."""
        row, sheets = next(rows, None), 0
        while row is not None or not sheets:
            sheets += 1
            name = self._title if sheets == 1 else f"{self._title} {sheets}"
            sheet = _Sheet(self._book.add_worksheet(name), self._columns, self._formats)
            before_bytes = _size_bytes(self._folder)
            while row is not None and sheet.rows < most_rows:
                sheet.add(row)
                row = next(rows, None)
                if not sheet.rows % _BATCH_ROWS and _size_bytes(self._folder) - before_bytes >= most_bytes:
                    break
            sheet.finish()
        self._book.close()


def _size_bytes(folder: str) -> int:
    with os.scandir(folder) as entries:
        return sum(entry.stat().st_size for entry in entries)


@contextmanager
def temporary_folder(parent: str | None) -> Iterator[str]:
    """A folder that vanishes with the process, at the latest when the next one begins."""
    parent = parent or tempfile.gettempdir()
    _remove_left_over(parent)
    with tempfile.TemporaryDirectory(prefix=FOLDER_PREFIX, dir=parent) as folder:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
        finally:
            os.close(lock)


def _remove_left_over(parent: str) -> None:
    """Removes folders of processes that were killed, which could not do it."""
    with os.scandir(parent) as entries:
        found = [entry.path for entry in entries if entry.name.startswith(FOLDER_PREFIX)]
    for folder in found:
        with suppress(OSError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                status = os.fstat(lock)
                if status.st_uid == os.geteuid() and time.time() - status.st_mtime > _LEFT_SECONDS:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


def _rows(lines: IO[bytes]) -> Iterator[dict[str, Any]]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    while block := list(islice(lines, _BATCH_ROWS)):
        yield from map(decoder.decode, block)


def _end(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(128 + signal.SIGTERM)


def main() -> None:
    """Reads until the end of standard input; the file ends with it. SIGTERM ends it and its files."""
    signal.signal(signal.SIGTERM, _end)
    title, columns, parent = msgspec.json.decode(
        sys.argv[1], type=tuple[str, list[tuple[str, str]], str | None]
    )
    try:
        with temporary_folder(parent) as folder:
            Workbook(sys.stdout.buffer, folder, title, columns).write(_rows(sys.stdin.buffer))
            sys.stdout.buffer.flush()
    except (OSError, FileCreateError) as error:
        cause = error.args[0] if isinstance(error, FileCreateError) else error
        if cause.errno == errno.EPIPE:
            os._exit(1)  # nobody reads on; what is buffered has no place to go
        sys.exit(f"XLSX: the temporary files in {parent or tempfile.gettempdir()} failed: {cause.strerror}")


if __name__ == "__main__":
    main()
