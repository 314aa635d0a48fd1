"""The rows of reports: sums over visits and their images, of a day in an area, of a store, of an area."""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from retailpulse.domain.flags import Flag
from retailpulse.domain.times import Instant
from retailpulse.schema.record import Joined, Record, described


class VisitSums(Record, frozen=True, kw_only=True):
    """Sums over some visits; `images` is `measured`, `failed`, `cancelled` and `unsettled` together."""

    visits: Annotated[int, described("How many visits.", example=2)]
    images: Annotated[int, described("How many images they have.", example=9)]
    measured: Annotated[int, described("Those that were measured.", example=6)]
    failed: Annotated[int, described("Those that could not be measured.", example=2)]
    cancelled: Annotated[int, described("Those without a result when their job was cancelled.", example=0)]
    unsettled: Annotated[int, described("Those without a result yet.", example=1)]
    suspect: Annotated[int, described("Those that were measured and look damaged.", example=3)]
    failure_rate: Annotated[
        float | None,
        described("Failed of measured and failed, 0 to 1; null if there are none.", example=0.25),
    ] = None
    suspect_rate: Annotated[
        float | None, described("Suspect of measured, 0 to 1; null if there are none.", example=0.5)
    ] = None
    perimeter: Annotated[int, described("The sum over the measured images, in pixels.", example=84672)]
    causes: Annotated[
        dict[str, int],
        described(
            "How many were not measured, by cause, the most frequent first.", example={"http_status": 2}
        ),
    ]
    accepted: Annotated[int, described("Those that a person accepted.", example=1)] = 0
    rejected: Annotated[
        int, described("Those that a person rejected: they do not count for their visit.", example=1)
    ] = 0


class _AnyFlag(Record, frozen=True, kw_only=True):
    flagged: Annotated[int, described("Those that were measured and are flagged.", example=2)] = 0
    flagged_rate: Annotated[
        float | None, described("Flagged of measured, 0 to 1; null if there are none.", example=0.333333)
    ] = None


def _each_flag() -> Iterator[tuple[str, Any, Any]]:
    """A count and a rate for each flag that there is."""
    for flag in Flag:
        yield str(flag), Annotated[int, described(f"Those that are flagged as {flag}.", example=1)], 0
        rate = described(f"Flagged as {flag}, of measured, 0 to 1; null if there are none.", example=0.166667)
        yield f"{flag}_rate", Annotated[float | None, rate], None


class _DayInArea(Record, frozen=True, kw_only=True):
    day: Annotated[
        date | None,
        described(
            "The day of the visits in the time zone that was asked for; null: no time is known.",
            example="2026-11-20",
        ),
    ] = None
    area_code: Annotated[str, described("The area of the stores.", example="7100015")]


class _StoreWithLastVisit(Record, frozen=True, kw_only=True):
    store_id: Annotated[str, described("The id of the store.", example="RP00001")]
    area_code: Annotated[str, described("Its area.", example="7100015")]
    store_name: Annotated[str, described("Its name.", example="Corner Shop, Harbour Street")]
    last_visit_at: Annotated[
        Instant | None, described("When it was visited last, UTC.", example="2026-11-20T10:00:00Z")
    ] = None


class _AreaWithStores(Record, frozen=True, kw_only=True):
    area_code: Annotated[str, described("The area.", example="7100015")]
    stores: Annotated[int, described("How many stores it has.", example=4)]
    stores_visited: Annotated[int, described("How many of them were visited.", example=3)]
    visited_rate: Annotated[float | None, described("Visited of all its stores, 0 to 1.", example=0.75)] = (
        None
    )


if TYPE_CHECKING:

    class _EachFlag(Record, frozen=True, kw_only=True):
        def __getattr__(self, name: str) -> Any:
            """A count by the name of a flag, or the rate of it by that name with `_rate`."""

else:
    _EachFlag = msgspec.defstruct("_EachFlag", list(_each_flag()), frozen=True, kw_only=True)


class FlagSums(_AnyFlag, _EachFlag, metaclass=Joined, frozen=True, kw_only=True):
    """How many photos are flagged, and by what."""


class VisitReportRow(_DayInArea, VisitSums, FlagSums, metaclass=Joined, frozen=True, kw_only=True):
    """The visits of a day to the stores of an area."""


class StoreReportRow(_StoreWithLastVisit, VisitSums, FlagSums, metaclass=Joined, frozen=True, kw_only=True):
    """The visits to a store."""


class AreaReportRow(_AreaWithStores, VisitSums, FlagSums, metaclass=Joined, frozen=True, kw_only=True):
    """The visits to the stores of an area, and how many of its stores had any."""


ReportRow = VisitReportRow | StoreReportRow | AreaReportRow
"""A row of any report."""
