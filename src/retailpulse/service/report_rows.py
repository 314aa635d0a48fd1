"""Puts the rows of a report together of the sums of windows; a row is whole once a window ends behind it."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime

import msgspec

from retailpulse.domain.flags import Flag
from retailpulse.domain.images import Outcome
from retailpulse.schema.reports import AreaReportRow, ReportRow, StoreReportRow, VisitReportRow
from retailpulse.storage.reports.window_sums import (
    GroupSums,
    OutcomeSums,
    Position,
    ReportFilter,
    ReportKind,
    WindowSums,
)

RATE_DIGITS = 6
"""Digits behind the point of a rate."""


class RowKey(msgspec.Struct, frozen=True, kw_only=True):
    """Which row of a report: a day in an area, a store, or an area."""

    day: date | None = None
    area_code: str = ""
    store_id: str = ""


class OpenRows:
    """The rows of a report that are not whole yet.

    With `begin`, the rows before it are left out: of a day that is read again, the areas that come first.
    """

    def __init__(self, kind: ReportKind, wanted: ReportFilter, *, begin: RowKey | None = None) -> None:
        self._kind = kind
        self._counts_all_stores = wanted.job_ids is not None
        self._begin = begin if kind is ReportKind.VISITS else None
        self._rows: dict[RowKey, _Row] = {}

    @property
    def is_within_row(self) -> bool:
        """Whether some row is begun."""
        return bool(self._rows)

    def add(self, window: WindowSums) -> list[tuple[RowKey, ReportRow]]:
        """Takes in the next window, and gives the rows that are whole with it, in order."""
        for area in window.areas:
            row = self._row(RowKey(area_code=area.area_code))
            row.stores = area.stores if self._counts_all_stores else row.stores + area.stores
        for group in window.groups:
            self._row(self._key(group)).add_visits(group)
        for ended in window.outcomes:
            self._row(self._key(ended)).add_images(ended)
        return list(self._finished(window.reached))

    def next_key(self, reached: Position) -> RowKey:
        """The first row that is not given yet, after a window that ended at a position."""
        return min(self._rows, key=_by_area, default=self._key(reached))

    def _finished(self, reached: Position | None) -> Iterator[tuple[RowKey, ReportRow]]:
        done = [key for key in self._rows if reached is None or not self._is_open(key, reached)]
        if self._kind is ReportKind.VISITS:  # areas of a day come from several windows
            done.sort(key=lambda key: (key.day is None, key.day or date.min, key.area_code))
        for key in done:
            row = self._rows.pop(key)
            if not self._is_before_begin(key):
                yield key, row.as_record(self._kind, key)

    def _is_open(self, key: RowKey, reached: Position) -> bool:
        if self._kind is ReportKind.VISITS:
            return key.day == reached.day
        return key == self._key(reached)

    def _is_before_begin(self, key: RowKey) -> bool:
        begin = self._begin
        return begin is not None and key.day == begin.day and key.area_code < begin.area_code

    def _row(self, key: RowKey) -> "_Row":
        return self._rows.setdefault(key, _Row())

    def _key(self, of: GroupSums | OutcomeSums | Position) -> RowKey:
        match self._kind:
            case ReportKind.VISITS:
                return RowKey(day=of.day, area_code=of.area_code)
            case ReportKind.STORES:
                return RowKey(store_id=of.store_id)
            case ReportKind.AREAS:
                return RowKey(area_code=of.area_code)


def _by_area(key: RowKey) -> str:
    return key.area_code


class _Row:
    """The sums of one row so far."""

    def __init__(self) -> None:
        self.stores = 0
        self._stores_visited = 0
        self._store = GroupSums(area_code="", visits=0, images=0, last_visit_at=None)
        self._last_visit_at: datetime | None = None
        self._visits = self._images = self._suspect = self._flagged = self._perimeter = 0
        self._accepted = self._rejected = 0
        self._outcomes: Counter[str] = Counter()
        self._causes: Counter[str] = Counter()
        self._flags: Counter[str] = Counter()

    def add_visits(self, group: GroupSums) -> None:
        # The store in which a window ended comes again, first, in the next one.
        self._stores_visited += group.store_id != self._store.store_id
        self._store = group
        self._visits += group.visits
        self._images += group.images
        instants = [at for at in (self._last_visit_at, group.last_visit_at) if at is not None]
        self._last_visit_at = max(instants, default=None)

    def add_images(self, ended: OutcomeSums) -> None:
        self._outcomes[ended.outcome] += ended.images
        if ended.cause is not None:
            self._causes[ended.cause] += ended.images
        self._suspect += ended.suspect
        if ended.flags:
            self._flagged += ended.images
            self._flags.update(dict.fromkeys(ended.flags, ended.images))
        self._accepted += ended.accepted
        self._rejected += ended.rejected
        self._perimeter += ended.perimeter

    def _sums(self) -> dict[str, object]:
        measured, failed = self._outcomes[Outcome.MEASURED], self._outcomes[Outcome.FAILED]
        return {
            "visits": self._visits,
            "images": self._images,
            "measured": measured,
            "failed": failed,
            "cancelled": self._outcomes[Outcome.CANCELLED],
            "unsettled": self._images - self._outcomes.total(),
            "suspect": self._suspect,
            "failure_rate": _rate(failed, measured + failed),
            "suspect_rate": _rate(self._suspect, measured),
            "accepted": self._accepted,
            "rejected": self._rejected,
            "perimeter": self._perimeter,
            "causes": dict(self._causes.most_common()),
            "flagged": self._flagged,
            "flagged_rate": _rate(self._flagged, measured),
            **{str(flag): self._flags[flag] for flag in Flag},
            **{f"{flag}_rate": _rate(self._flags[flag], measured) for flag in Flag},
        }

    def as_record(self, kind: ReportKind, key: RowKey) -> ReportRow:
        sums = self._sums()
        match kind:
            case ReportKind.VISITS:
                about: dict[str, object] = {"day": key.day, "area_code": key.area_code}
                return msgspec.convert(about | sums, VisitReportRow)
            case ReportKind.STORES:
                about = {
                    "store_id": key.store_id,
                    "area_code": self._store.area_code,
                    "store_name": self._store.store_name,
                    "last_visit_at": self._last_visit_at,
                }
                return msgspec.convert(about | sums, StoreReportRow)
            case ReportKind.AREAS:
                about = {
                    "area_code": key.area_code,
                    "stores": self.stores,
                    "stores_visited": self._stores_visited,
                    "visited_rate": _rate(self._stores_visited, self.stores),
                }
                return msgspec.convert(about | sums, AreaReportRow)


def _rate(some: int, of: int) -> float | None:
    return round(some / of, RATE_DIGITS) if of else None
