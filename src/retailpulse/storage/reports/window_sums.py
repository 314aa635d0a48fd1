"""What is asked of a window of a report, and the sums that come of it."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

import msgspec

LAST_VISIT = 2**31 - 1
"""The number of a visit behind all others of a store."""


class ReportKind(StrEnum):
    """What the rows of a report are about."""

    VISITS = "visits"
    """A day in an area."""
    STORES = "stores"
    AREAS = "areas"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportFilter:
    """Which visits are summed up; what is empty asks for nothing, of several values each will do.

    From `from_day` to the end of `to_day`, days in the time zone `tz`; with `suspect`, only visits with a
    suspect image.
    """

    from_day: date | None = None
    to_day: date | None = None
    tz: str = "UTC"
    area_codes: tuple[str, ...] = ()
    store_ids: tuple[str, ...] = ()
    job_ids: tuple[UUID, ...] | None = None
    suspect: bool = False


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """The place of a visit in the order of a report; the first visit after it begins a window.

    `time` is None for a visit without an instant, which comes last. With no `visit_no`, it is where the
    store, the area or the day begins.
    """

    area_code: str = ""
    store_id: str = ""
    time: datetime | None = None
    job_id: UUID = UUID(int=0)
    visit_no: int = 0
    day: date | None = None


class GroupSums(msgspec.Struct, frozen=True, kw_only=True):
    """What a window has of one row of a report: of a day in an area, or of a store."""

    day: date | None = None
    area_code: str
    store_id: str = ""
    store_name: str = ""
    visits: int
    images: int
    last_visit_at: datetime | None


class OutcomeSums(msgspec.Struct, frozen=True, kw_only=True):
    """Images of a row of a report that ended in one way, all with the same flags; None: with none."""

    day: date | None = None
    area_code: str
    store_id: str = ""
    outcome: str
    cause: str | None
    flags: tuple[str, ...] | None = None
    images: int
    suspect: int
    accepted: int = 0
    rejected: int = 0
    perimeter: int


class AreaSize(msgspec.Struct, frozen=True, kw_only=True):
    """An area, and how many of its stores a window looked at, or has in all."""

    area_code: str
    stores: int


class WindowSums(msgspec.Struct, frozen=True, kw_only=True):
    """The sums of a window, and the position after it; None at the end."""

    groups: list[GroupSums]
    outcomes: list[OutcomeSums]
    areas: list[AreaSize]
    seen: int
    last: Position | None
    asked: int
    last_store: Position | None
    reached: Position | None = None
