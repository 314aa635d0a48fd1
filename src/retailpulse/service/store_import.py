"""Loads store files into the store master, a few at a time: tables of any format."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import IO

from retailpulse.domain.coordinates import BadCoordinates, read_coordinates
from retailpulse.domain.errors import InvalidRequest
from retailpulse.domain.stores import (
    MAX_KEY_BYTES,
    MAX_NAME_CHARACTERS,
    ImportSummary,
    LineError,
    LocatedStoreRow,
    StoreRow,
)
from retailpulse.domain.texts import trimmed_id
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.stores import load as store_master
from retailpulse.tables import (
    STORE_COLUMNS,
    BadRow,
    LookedAtColumn,
    Table,
    open_table,
    parse_column_names,
    peek,
)

IMPORTS_AT_ONCE = 8
"""Store files that are read at once; further ones wait."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportOptions:
    """How a store file is to be read, and whether only to be tried."""

    skips_bad: bool = False
    is_dry: bool = False
    columns: tuple[str, ...] = ()
    """Which column is which, each as `StoreID:Outlet Code`."""
    sheet: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FinishedImport:
    """What an import did, and as what the file was read."""

    summary: ImportSummary
    read_as: str
    columns: Sequence[LookedAtColumn]


class StoreImport:
    """Loads store files into one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Threads of their own: large files are not to hold up whatever else needs a thread.
        self._threads = ThreadPoolExecutor(IMPORTS_AT_ONCE, thread_name_prefix="import")

    async def run(
        self, file: IO[bytes], options: ImportOptions, *, folder: str | None, unpacked_bytes: int
    ) -> FinishedImport:
        """Loads a store file that is there as a whole, in a thread; raises InvalidRequest if it is none.

        A compressed one is unpacked in `folder`, up to `unpacked_bytes`.
        """
        load = partial(self._load, file, options, folder=folder, unpacked_bytes=unpacked_bytes)
        return await asyncio.get_running_loop().run_in_executor(self._threads, load)

    def _load(
        self, file: IO[bytes], options: ImportOptions, *, folder: str | None, unpacked_bytes: int
    ) -> FinishedImport:
        names: Mapping[str, str] = parse_column_names(options.columns, STORE_COLUMNS)
        with open_table(
            file,
            STORE_COLUMNS,
            column_names=names,
            sheet=options.sheet,
            folder=folder,
            unpacked_bytes=unpacked_bytes,
        ) as opened:
            columns, table = peek(opened)
            are_located = _are_located(table)
            summary = store_master.import_stores(
                self._database.direct_url,
                read_located_stores(table) if are_located else read_stores(table),
                are_located=are_located,
                skips_bad=options.skips_bad,
                is_dry=options.is_dry,
            )
            return FinishedImport(summary=summary, read_as=table.dialect, columns=columns)


def _are_located(table: Table) -> bool:
    """Whether a file has coordinates; raises InvalidRequest if it has one of the two."""
    found = [name for name in ("Latitude", "Longitude") if name in table.columns]
    if len(found) == 1:
        other = "Longitude" if found == ["Latitude"] else "Latitude"
        raise InvalidRequest(
            f"line {table.header.line}: the header has a column for {found[0]} but none for {other}. "
            f"Say which it is by its header or its letter: columns={other}:B"
        )
    return bool(found)


def read_stores(table: Table) -> Iterator[StoreRow | LineError]:
    """The rows of a store file; what is wrong with one comes in its place."""
    for row in table:
        if isinstance(row, BadRow):
            yield _bad(row)
            continue
        area_code, store_name, store_id = row.cells[:3]
        area_code, store_id = trimmed_id(area_code), trimmed_id(store_id)
        yield (
            _check(row.line, area_code, store_name, store_id)
            or StoreRow(row.line, area_code, store_name, store_id)
        )


def read_located_stores(table: Table) -> Iterator[LocatedStoreRow | LineError]:
    """The same of a file with coordinates; a place whose cells are empty is unknown."""
    for row in table:
        if isinstance(row, BadRow):
            yield _bad(row)
            continue
        area_code, store_name, store_id, latitude, longitude = row.cells
        area_code, store_id = trimmed_id(area_code), trimmed_id(store_id)
        if bad := _check(row.line, area_code, store_name, store_id):
            yield bad
            continue
        try:
            place = read_coordinates(latitude, longitude) or (None, None)
        except BadCoordinates as error:
            text, column = error.args
            yield LineError(line=row.line, column=column, error=text)
            continue
        yield LocatedStoreRow(row.line, area_code, store_name, store_id, *place)


def _bad(row: BadRow) -> LineError:
    return LineError(line=row.line, column=row.column, error=f"{row.error}; {row.advice}")


def _check(line: int, area_code: str, store_name: str, store_id: str) -> LineError | None:
    return (
        _check_key(line, "StoreID", "store id", store_id)
        or _check_key(line, "AreaCode", "area code", area_code)
        or _check_name(line, store_name)
    )


def _check_key(line: int, column: str, what: str, text: str) -> LineError | None:
    if not text:
        return LineError(line=line, column=column, error=f"the {what} is empty")
    if len(text) * 4 > MAX_KEY_BYTES and len(text.encode()) > MAX_KEY_BYTES:
        return LineError(line=line, column=column, error=f"the {what} is longer than {MAX_KEY_BYTES} bytes")
    return None


def _check_name(line: int, text: str) -> LineError | None:
    if len(text) > MAX_NAME_CHARACTERS:
        error = f"the store name is longer than {MAX_NAME_CHARACTERS} characters"
        return LineError(line=line, column="StoreName", error=error)
    return None
