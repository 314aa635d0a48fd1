"""The store master: loaded from CSV in bounded memory, looked up by id and area.

An import runs in a thread with a connection of its own, because reading CSV is work for the processor.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TextIO

import psycopg

from retailpulse.domain.errors import InvalidRequest
from retailpulse.domain.stores import MAX_KEY_BYTES, ImportSummary, LineError
from retailpulse.storage.postgres.database import CONNECTION_OPTIONS, Connection, translated

COLUMNS = ("AreaCode", "StoreName", "StoreID")
MAX_ERRORS = 100
MAX_FIELD_CHARACTERS = 100_000
MAX_LINE_CHARACTERS = 1_000_000
"""Most characters of a line, and of a record, which may go over many lines."""
MAX_COMMAS = 100_000
"""Most commas in a record: each may end a field, which is an object."""

SyncConnection = psycopg.Connection[tuple[Any, ...]]
Row = tuple[int, str, str, str]
"""A good record: the number of its first line, area code, store name and store id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Columns:
    """The indexes of the columns, from 0, and how many the header has."""

    area: int
    name: int
    store: int
    count: int


def import_stores(url: str, file: TextIO, *, good_lines: bool) -> ImportSummary:
    """Loads a store file: new stores are added, known ones changed.

    A file with a bad line loads nothing, unless `good_lines` asks for the rest. Raises InvalidRequest
    if it is no such file at all. Memory is bounded whatever the file's length; bytes of the file that
    are not UTF-8 are to come as lone surrogates (the error handler `surrogateescape`).
    """
    errors = _Errors()
    with (
        translated(),
        psycopg.connect(url, autocommit=True, **CONNECTION_OPTIONS) as connection,
        connection.transaction(),
    ):
        connection.execute(
            "CREATE TEMP TABLE incoming (line int, area_code text, store_name text, store_id text)"
            " ON COMMIT DROP"
        )
        with connection.cursor().copy("COPY incoming FROM STDIN") as copy:
            for row in _rows(file, errors):
                copy.write_row(row)
        _reject_repeated(connection, errors)
        if errors.count and not good_lines:
            return errors.summary(loaded=False)
        return _merge(connection, errors)


class _Errors:
    """The first bad lines, and the count of all."""

    def __init__(self) -> None:
        self._first: list[LineError] = []
        self.count = 0

    def add(self, line: int, error: str) -> None:
        """Counts a bad line; those of one kind are added in their order."""
        self.count += 1
        if self.count <= MAX_ERRORS:
            self._first.append(LineError(line=line, error=error))

    def add_all(self, first: list[LineError], count: int) -> None:
        """Counts bad lines and keeps the first of them."""
        self.count += count
        self._first.extend(first)

    def summary(self, *, loaded: bool, added: int = 0, changed: int = 0, unchanged: int = 0) -> ImportSummary:
        return ImportSummary(
            loaded=loaded,
            added=added,
            changed=changed,
            unchanged=unchanged,
            rejected=self.count,
            errors=tuple(sorted(self._first, key=lambda error: error.line)[:MAX_ERRORS]),
        )


def _rows(file: TextIO, errors: _Errors) -> Iterator[Row]:
    records = _records(file, errors)
    columns = _columns(next(records, (1, []))[1])
    for line, fields in records:
        error = _check_form(fields, columns) or _check_keys(fields, columns)
        if error is None:
            yield (
                line,
                fields[columns.area].strip(),
                fields[columns.name].strip(),
                fields[columns.store].strip(),
            )
        else:
            errors.add(line, error)


def _records(file: TextIO, errors: _Errors) -> Iterator[tuple[int, list[str]]]:
    """Every record of a CSV file that is not empty, with the number of its first line."""
    lines = _Lines(file)
    reader = csv.reader(lines, strict=True)
    while True:
        line = reader.line_num + 1
        lines.begin_record()
        try:
            fields = next(reader, None)
        except csv.Error as error:
            last = reader.line_num
            read = f", read up to line {last}" if last > line else ""
            errors.add(line, f"it is not CSV: {error}{read}")
            continue
        if fields is None:
            return
        if fields:
            yield line, fields


class _Lines:
    """The file's lines; raises InvalidRequest for a line or a record that would fill the memory."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._number = 0
        self.begin_record()

    def begin_record(self) -> None:
        """Says that what follows belongs to the next record."""
        self._characters = self._commas = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._file.readline(MAX_LINE_CHARACTERS)
        if not line:
            raise StopIteration
        self._number += 1
        self._characters += len(line)
        self._commas += line.count(",")
        if len(line) == MAX_LINE_CHARACTERS:
            raise InvalidRequest(f"line {self._number} is longer than {MAX_LINE_CHARACTERS} characters")
        if self._characters > MAX_LINE_CHARACTERS:
            raise InvalidRequest(
                f"line {self._number}: its record is longer than {MAX_LINE_CHARACTERS} characters"
            )
        if self._commas > MAX_COMMAS:
            raise InvalidRequest(f"line {self._number}: its record has more than {MAX_COMMAS} commas")
        return line


def _columns(header: list[str]) -> _Columns:
    names = [name.strip().lower() for name in header]
    missing = [column for column in COLUMNS if column.lower() not in names]
    if missing:
        raise InvalidRequest(
            f"line 1: the header must name the columns {','.join(COLUMNS)}; {', '.join(missing)} not found"
        )
    area, name, store = (names.index(column.lower()) for column in COLUMNS)
    return _Columns(area=area, name=name, store=store, count=len(header))


def _check_form(fields: list[str], columns: _Columns) -> str | None:
    """What keeps a record from being read, or None."""
    if len(fields) <= max(columns.area, columns.name, columns.store):
        return f"too few columns: {len(fields)} of {columns.count}"
    if len(fields) > columns.count and any(fields[columns.count :]):
        return f"too many columns: {len(fields)} of {columns.count}; a name with a comma in it needs quotes"
    if max(map(len, fields)) > MAX_FIELD_CHARACTERS:
        return f"a field is longer than {MAX_FIELD_CHARACTERS} characters"
    text = "".join(fields)
    if "\0" in text:
        return "it holds a NUL character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "it is not UTF-8"
    return None


def _check_keys(fields: list[str], columns: _Columns) -> str | None:
    """What is wrong with the store id or the area code of a record, or None."""
    for what, position in (("store id", columns.store), ("area code", columns.area)):
        text = fields[position].strip()
        if not text:
            return f"the {what} is empty"
        if len(text.encode()) > MAX_KEY_BYTES:
            return f"the {what} is longer than {MAX_KEY_BYTES} bytes"
    return None


def _reject_repeated(connection: SyncConnection, errors: _Errors) -> None:
    """Takes out every line whose store id an earlier line already has."""
    found = connection.execute(
        """
        CREATE TEMP TABLE repeated ON COMMIT DROP AS
        SELECT line, store_id, first FROM (
            SELECT line, store_id, min(line) OVER (PARTITION BY store_id) AS first FROM incoming) numbered
        WHERE line > first
        """
    ).rowcount
    if not found:
        return
    first_found = connection.execute(
        "SELECT line, store_id, first FROM repeated ORDER BY line LIMIT %s", [MAX_ERRORS]
    )
    told = [
        LineError(line=line, error=f"the store id {store_id} is repeated: line {first} has it already")
        for line, store_id, first in first_found
    ]
    errors.add_all(told, found)
    connection.execute("DELETE FROM incoming i USING repeated r WHERE i.line = r.line")


def _merge(connection: SyncConnection, errors: _Errors) -> ImportSummary:
    # Two imports at once: the second waits, so that its counts are true.
    connection.execute("LOCK TABLE stores IN SHARE ROW EXCLUSIVE MODE")
    connection.execute("ANALYZE incoming")
    changed = connection.execute(
        """
        UPDATE stores s SET area_code = n.area_code, store_name = n.store_name
        FROM incoming n
        WHERE s.store_id = n.store_id AND (s.area_code, s.store_name) <> (n.area_code, n.store_name)
        """
    ).rowcount
    added = connection.execute(
        """
        INSERT INTO stores (store_id, area_code, store_name)
        SELECT store_id, area_code, store_name FROM incoming n
        WHERE NOT EXISTS (SELECT FROM stores s WHERE s.store_id = n.store_id)
        """
    ).rowcount
    total = connection.execute("SELECT count(*) FROM incoming").fetchone()
    loaded = total[0] if total else 0
    return errors.summary(loaded=True, added=added, changed=changed, unchanged=loaded - added - changed)


async def area_exists(connection: Connection, area_code: str) -> bool:
    """Whether any store of the master is in this area."""
    cursor = await connection.execute("SELECT FROM stores WHERE area_code = %s LIMIT 1", [area_code])
    return await cursor.fetchone() is not None


async def store_exists(connection: Connection, store_id: str) -> bool:
    """Whether the master has this store."""
    cursor = await connection.execute("SELECT FROM stores WHERE store_id = %s", [store_id])
    return await cursor.fetchone() is not None
