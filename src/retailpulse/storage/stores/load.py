"""The store master: rows are merged into it, and stores are looked up by id and area.

Not here: how a store file is read. An import runs in a thread with a connection of its own.
"""

from collections.abc import Iterable, Sequence
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from retailpulse.domain.stores import (
    MAX_LINE_ERRORS,
    ImportSummary,
    LineError,
    LocatedStoreRow,
    StoreRow,
)
from retailpulse.domain.texts import folded
from retailpulse.storage.postgres.connecting import blocking_session
from retailpulse.storage.postgres.database import Connection, translated
from retailpulse.storage.stores.moved_photos import move_flagged_photos

SyncConnection = psycopg.Connection[tuple[Any, ...]]

_NAMED = ("area_code", "store_name")
_LOCATED = (*_NAMED, "latitude", "longitude")
"""What is written of a store by a file without coordinates, and by one that has them."""
_COPY = "COPY incoming (line, area_code, store_name, store_id, folded) FROM STDIN"
_COPY_LOCATED = (
    "COPY incoming (line, area_code, store_name, store_id, latitude, longitude, folded) FROM STDIN"
)
# Nobody has a shop at 0, 0, in the sea: programs write it where they know no place.
_FORGET_ZEROS = """
    UPDATE incoming SET latitude = NULL, longitude = NULL WHERE latitude = 0 AND longitude = 0
"""
_UPDATE = """
    UPDATE stores s SET ({columns}) = ROW({incoming})
    FROM incoming n
    WHERE s.store_id = n.store_id AND ({known}) IS DISTINCT FROM ({incoming})
"""
_INSERT = """
    INSERT INTO stores (store_id, folded, {columns})
    SELECT store_id, folded, {columns} FROM incoming n
    WHERE NOT EXISTS (SELECT FROM stores s WHERE s.store_id = n.store_id)
"""
# Apart from the changes, which are counted: stores of an earlier version have none yet.
_FOLD = """
    UPDATE stores s SET folded = n.folded FROM incoming n
    WHERE s.store_id = n.store_id AND s.folded IS DISTINCT FROM n.folded
"""
_WOULD_DO = """
    SELECT count(*) FILTER (WHERE s.store_id IS NULL),
        count(*) FILTER (WHERE s.store_id IS NOT NULL AND ({known}) IS DISTINCT FROM ({incoming})),
        count(*)
    FROM incoming n LEFT JOIN stores s USING (store_id)
"""


def import_stores(
    url: str,
    rows: Iterable[StoreRow | LocatedStoreRow | LineError],
    *,
    are_located: bool = False,
    skips_bad: bool,
    is_dry: bool,
) -> ImportSummary:
    """Merges rows into the master: new stores are added, known ones changed.

    Coordinates that the master has stay as they are, unless rows `are_located`, all of them.

    With a bad row nothing is loaded, unless `skips_bad` asks for the rest; if it `is_dry`, nothing in any
    case, and the counts are what would be. Memory is bounded, however many rows come. An error of the rows
    leaves all as it was.
    """
    with translated(), blocking_session(url, autocommit=True) as connection:
        with connection.transaction():
            done = _import(connection, rows, are_located=are_located, skips_bad=skips_bad, is_dry=is_dry)
        if done.loaded and done.changed:
            move_flagged_photos(connection)
        return done


def _import(
    connection: SyncConnection,
    rows: Iterable[StoreRow | LocatedStoreRow | LineError],
    *,
    are_located: bool,
    skips_bad: bool,
    is_dry: bool,
) -> ImportSummary:
    errors = _Errors()
    connection.execute(
        "CREATE TEMP TABLE incoming (line int, area_code text, store_name text, store_id text,"
        " latitude float8, longitude float8, folded text) ON COMMIT DROP"
    )
    with connection.cursor().copy(_COPY_LOCATED if are_located else _COPY) as copy:
        for row in rows:
            if isinstance(row, LineError):
                errors.add(row)
            else:
                copy.write_row((*row, _folded(row)))
    _reject_repeated(connection, errors)
    if errors.count and not skips_bad:
        return errors.summary(loaded=False)
    if are_located:
        errors.unlocated = connection.execute(_FORGET_ZEROS).rowcount
    columns = _LOCATED if are_located else _NAMED
    return _count(connection, errors, columns) if is_dry else _merge(connection, errors, columns)


def _folded(row: StoreRow | LocatedStoreRow) -> str | None:
    text = f"{row.store_id}\n{row.store_name}"
    return None if text.isascii() else folded(text)


class _Errors:
    """The first bad lines, and the count of all."""

    def __init__(self) -> None:
        self._first: list[LineError] = []
        self.count = 0
        self.unlocated = 0

    def add(self, error: LineError) -> None:
        """Counts a bad line; those of one kind are added in their order."""
        self.count += 1
        if self.count <= MAX_LINE_ERRORS:
            self._first.append(error)

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
            unlocated=self.unlocated,
            errors=tuple(sorted(self._first, key=lambda error: error.line)[:MAX_LINE_ERRORS]),
        )


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
        "SELECT line, store_id, first FROM repeated ORDER BY line LIMIT %s", [MAX_LINE_ERRORS]
    )
    told = [
        LineError(
            line=line,
            column="StoreID",
            error=f"the store id {store_id} is repeated: line {first} has it already",
        )
        for line, store_id, first in first_found
    ]
    errors.add_all(told, found)
    connection.execute("DELETE FROM incoming i USING repeated r WHERE i.line = r.line")


def _merge(connection: SyncConnection, errors: _Errors, columns: Sequence[str]) -> ImportSummary:
    # Two imports at once: the second waits, so that its counts are true.
    connection.execute("LOCK TABLE stores IN SHARE ROW EXCLUSIVE MODE")
    connection.execute("ANALYZE incoming")
    changed = connection.execute(_with_columns(_UPDATE, columns)).rowcount
    connection.execute(_FOLD)
    added = connection.execute(_with_columns(_INSERT, columns)).rowcount
    total = connection.execute("SELECT count(*) FROM incoming").fetchone()
    loaded = total[0] if total else 0
    return errors.summary(loaded=True, added=added, changed=changed, unchanged=loaded - added - changed)


def _count(connection: SyncConnection, errors: _Errors, columns: Sequence[str]) -> ImportSummary:
    """What merging would do."""
    connection.execute("ANALYZE incoming")
    row = connection.execute(_with_columns(_WOULD_DO, columns)).fetchone()
    added, changed, total = row or (0, 0, 0)
    return errors.summary(loaded=False, added=added, changed=changed, unchanged=total - added - changed)


def _with_columns(statement: LiteralString, columns: Sequence[str]) -> sql.Composed:
    names = list(map(sql.Identifier, columns))
    return sql.SQL(statement).format(
        columns=sql.SQL(", ").join(names),
        known=sql.SQL(", ").join(sql.Identifier("s", name) for name in columns),
        incoming=sql.SQL(", ").join(sql.Identifier("n", name) for name in columns),
    )


async def area_exists(connection: Connection, area_code: str) -> bool:
    """Whether any store of the master is in this area."""
    cursor = await connection.execute("SELECT FROM stores WHERE area_code = %s LIMIT 1", [area_code])
    return await cursor.fetchone() is not None


async def store_exists(connection: Connection, store_id: str) -> bool:
    """Whether the master has this store."""
    cursor = await connection.execute("SELECT FROM stores WHERE store_id = %s", [store_id])
    return await cursor.fetchone() is not None
