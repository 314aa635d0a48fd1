"""A store of the master, and what an import of the master did."""

from dataclasses import dataclass

MAX_KEY_BYTES = 512
"""Longest store id and area code of the master: each fits an index row of PostgreSQL (2,704 bytes)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LineError:
    """A line of a store file that cannot be loaded; lines count from 1, the header included."""

    line: int
    error: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportSummary:
    """What an import did; `errors` holds the first bad lines, `rejected` counts them all.

    `loaded` is False if bad lines kept the whole file out.
    """

    loaded: bool
    added: int
    changed: int
    unchanged: int
    rejected: int
    errors: tuple[LineError, ...]
