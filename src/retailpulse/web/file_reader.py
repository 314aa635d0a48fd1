"""What pages ask of the API: to read the files that people hand to them exactly as it reads requests."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from retailpulse.domain.stores import ImportSummary
from retailpulse.schema import DryRun, RowError
from retailpulse.service import Receipt
from retailpulse.service.submit_preview import FirstVisit
from retailpulse.tables import LookedAtColumn

Said = Sequence[tuple[str, str]]
"""What a query of the API would say, as names and values."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HandedIn:
    """A file as it was handed in: its bytes, and how many there are."""

    blocks: AsyncIterator[bytes]
    size_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """Why nothing of a file can be taken, with the errors of its rows as far as they are listed."""

    reason: str
    errors: Sequence[RowError] = ()
    error_count: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class TriedSubmit:
    """What a submit would be, or why it would be refused; `columns` are none for JSON.

    `bad_rows` counts the rows that would be left out.
    """

    columns: Sequence[LookedAtColumn] = ()
    dry_run: DryRun | None = None
    bad_rows: int = 0
    first_visits: Sequence[FirstVisit] = ()
    refused: Refused | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TriedImport:
    """What an import of stores would do, or did, or why it is refused."""

    columns: Sequence[LookedAtColumn] = ()
    summary: ImportSummary | None = None
    read_as: str = ""
    refused: Refused | None = None


@runtime_checkable  # the framework looks whether what it hands to a handler is one
class FileReader(Protocol):
    """Reads files; all raise Busy and DatabaseUnavailable."""

    async def try_submit(self, file: HandedIn, said: Said) -> TriedSubmit:
        """What a submit would be."""

    async def submit(self, file: HandedIn, said: Said, key: str) -> Receipt:
        """Submits a job, the same one for the same key; raises InvalidRequest, Conflict."""

    async def import_stores(self, file: HandedIn, said: Said, *, is_dry: bool) -> TriedImport:
        """Loads stores, or tries it."""
