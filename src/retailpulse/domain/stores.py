"""A store of the master, and what an import of the master did."""

from dataclasses import dataclass
from typing import NamedTuple

MAX_KEY_BYTES = 512
"""Longest store id and area code of the master: each fits an index row of PostgreSQL (2,704 bytes)."""
MAX_NAME_CHARACTERS = 100_000
MAX_LINE_ERRORS = 100
"""Most bad lines of an import that are listed; all are counted."""


class StoreRow(NamedTuple):
    """A good row of a store file, with the number of its first line."""

    line: int
    area_code: str
    store_name: str
    store_id: str


class LocatedStoreRow(NamedTuple):
    """The same of a file with coordinates; they are degrees, None if the file has none for the store."""

    line: int
    area_code: str
    store_name: str
    store_id: str
    latitude: float | None
    longitude: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LineError:
    """A line of a store file that cannot be loaded; lines count from 1, the header included."""

    line: int
    column: str | None = None
    error: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportSummary:
    """What an import did; `errors` holds the first bad lines, `rejected` counts them all.

    `loaded` is False if bad lines kept the whole file out, or if it was only tried. `unlocated` counts the
    stores whose coordinates are both 0, which is taken for unknown.
    """

    loaded: bool
    added: int
    changed: int
    unchanged: int
    rejected: int
    unlocated: int
    errors: tuple[LineError, ...]
