"""The store master: loaded from CSV in bounded memory, looked up by id and area.

An import runs in a thread with a connection of its own, because reading CSV is work for the processor.
"""

import csv
from collections.abc import Iterable, Iterator
from typing import Any

import psycopg

from retailpulse.domain.errors import InvalidRequest
from retailpulse.domain.stores import MAX_KEY_BYTES, ImportSummary, LineError
from retailpulse.storage.database import CONNECTION_OPTIONS, Connection, translated

COLUMNS = ("AreaCode", "StoreName", "StoreID")
MAX_ERRORS = 100
MAX_FIELD_CHARACTERS = 100_000

SyncConnection = psycopg.Connection[tuple[Any, ...]]
Row = tuple[int, str, str, str]
"""A good line: its number, area code, store name and store id."""


def import_stores(url: str, lines: Iterable[str], *, good_lines: bool) -> ImportSummary:
    """Loads a store file: new stores are added, known ones changed.

    A file with a bad line loads nothing, unless `good_lines` asks for the rest. Raises InvalidRequest
    where it is no such file at all. Memory is bounded whatever the file's length.
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
            for row in _rows(lines, errors):
                copy.write_row(row)
        _reject_repeated(connection, errors)
        if errors.count and not good_lines:
            return errors.summary(loaded=False)
        return _merge(connection, errors)


class _Errors:
    """The first bad lines, and the count of all."""

    def __init__(self) -> None:
        self.first: list[LineError] = []
        self.count = 0

    def add(self, line: int, error: str) -> None:
        self.count += 1
        if len(self.first) < MAX_ERRORS:
            self.first.append(LineError(line=line, error=error))

    def summary(self, *, loaded: bool, added: int = 0, changed: int = 0, unchanged: int = 0) -> ImportSummary:
        return ImportSummary(
            loaded=loaded,
            added=added,
            changed=changed,
            unchanged=unchanged,
            rejected=self.count,
            errors=tuple(sorted(self.first, key=lambda error: error.line)),
        )


def _rows(lines: Iterable[str], errors: _Errors) -> Iterator[Row]:
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    reader = csv.reader(lines)
    line = 1
    try:
        header = next(reader, None)
        area, name, store = _positions(header)
        line = reader.line_num + 1
        for fields in reader:
            if fields:  # an empty line says nothing
                error = _check(fields, area, name, store)
                if error is None:
                    yield line, fields[area].strip(), fields[name].strip(), fields[store].strip()
                else:
                    errors.add(line, error)
            line = reader.line_num + 1
    except csv.Error as error:
        raise InvalidRequest(f"the record that starts in line {line}: {error}") from error
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"after line {reader.line_num}: not UTF-8 ({error.reason})") from error


def _positions(header: list[str] | None) -> tuple[int, int, int]:
    names = [name.strip().removeprefix("\ufeff").lower() for name in header or []]
    missing = [column for column in COLUMNS if column.lower() not in names]
    if missing:
        raise InvalidRequest(
            f"line 1: the header must name the columns {','.join(COLUMNS)}; {', '.join(missing)} not found"
        )
    area, name, store = (names.index(column.lower()) for column in COLUMNS)
    return area, name, store


def _check(fields: list[str], area: int, name: int, store: int) -> str | None:
    """What is wrong with a line, or None."""
    if len(fields) <= max(area, name, store):
        return f"too few columns: {len(fields)} of {max(area, name, store) + 1}"
    if any("\0" in field for field in fields):
        return "holds a NUL character"
    for what, position in (("store id", store), ("area code", area)):
        text = fields[position].strip()
        if not text:
            return f"the {what} is empty"
        if len(text.encode()) > MAX_KEY_BYTES:
            return f"the {what} is longer than {MAX_KEY_BYTES} bytes"
    return None


def _reject_repeated(connection: SyncConnection, errors: _Errors) -> None:
    """Takes out every line whose store id an earlier line already has."""
    cursor = connection.execute(
        """
        WITH numbered AS (
            SELECT ctid AS place, first_value(line) OVER same AS first, row_number() OVER same AS occurrence
            FROM incoming WINDOW same AS (PARTITION BY store_id ORDER BY line))
        DELETE FROM incoming USING numbered
        WHERE incoming.ctid = numbered.place AND numbered.occurrence > 1
        RETURNING incoming.line, incoming.store_id, numbered.first
        """
    )
    for line, store_id, first in cursor:
        errors.add(line, f"the store id {store_id} is repeated: line {first} has it already")


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
        "INSERT INTO stores (store_id, area_code, store_name)"
        " SELECT store_id, area_code, store_name FROM incoming ON CONFLICT DO NOTHING"
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
