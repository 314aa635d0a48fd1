"""Reports: sums over visits by day and area, by store, by area; a page of rows, or all of them.

Rows are put together of windows of visits, each read by a statement of bounded cost, and are given once they
are whole: memory holds the rows of one day, or one store or area. Weak: a page of days reads its first day
from the beginning, also where the page before it ended within that day.
"""

from collections.abc import AsyncIterator
from uuid import UUID

import msgspec

from retailpulse.domain.errors import InvalidRequest, NotFound
from retailpulse.schema.reports import ReportRow
from retailpulse.service.report_rows import OpenRows, RowKey
from retailpulse.storage.jobs.read import find_job
from retailpulse.storage.postgres.bulkhead import PAGE_WAIT_SECONDS, Share
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.reports import windows
from retailpulse.storage.reports.window_sums import Position, ReportFilter, ReportKind, WindowSums

PAGE_WINDOWS = 40
"""How many windows one page looks at: 200,000 visits, or 80,000 stores."""


class Reports:
    """Reports over one database. Each page comes with the key of the next row, None on the last."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def check(self, wanted: ReportFilter) -> None:
        """Raises InvalidRequest if the time zone does not exist, or the days are none."""
        if wanted.from_day and wanted.to_day and wanted.from_day > wanted.to_day:
            raise InvalidRequest(f"to_day: {wanted.to_day} is before from_day, {wanted.from_day}")
        async with self._database.connection(share=Share.READS) as connection:
            await windows.check_time_zone(connection, wanted.tz)

    async def jobs_of(self, name_or_id: str) -> tuple[UUID, ...]:
        """The job of an id, or the newest hundred of a name; raises NotFound if there is none."""
        async with self._database.connection(share=Share.READS) as connection:
            known = _job_id(name_or_id)
            if known and await find_job(connection, known):
                return (known,)
            found = await windows.find_jobs(connection, name_or_id)
        if not found:
            raise NotFound(f"there is no job with the id or the name {name_or_id[:100]!r}")
        return tuple(found)

    async def page(
        self, kind: ReportKind, wanted: ReportFilter, *, after: RowKey | None, limit: int
    ) -> tuple[list[ReportRow], RowKey | None]:
        """The rows from a key on; fewer than `limit` with a next key if they cost too much for one page.

        Raises InvalidRequest if one row alone does.
        """
        rows, found = OpenRows(kind, wanted, begin=after), []
        seen = 0
        async for window in self._windows(kind, wanted, after):
            seen += 1
            found += rows.add(window)
            if len(found) > limit:
                return [row for _, row in found[:limit]], found[limit][0]
            if window.reached is not None and seen == PAGE_WINDOWS:
                following = rows.next_key(window.reached)
                if not found and rows.is_within_row:
                    raise InvalidRequest(
                        f"one row of this report sums up more than {PAGE_WINDOWS * windows.WINDOW_VISITS:,} "
                        "visits: ask for fewer days, or take the whole report with format=csv or format=xlsx"
                    )
                return [row for _, row in found], following
        return [row for _, row in found], None

    async def all(self, kind: ReportKind, wanted: ReportFilter) -> AsyncIterator[ReportRow]:
        """All rows; memory is bounded, and a slow reader holds no connection."""
        rows = OpenRows(kind, wanted)
        async for window in self._windows(kind, wanted, None):
            for _, row in rows.add(window):
                yield row

    async def _windows(
        self, kind: ReportKind, wanted: ReportFilter, begin: RowKey | None
    ) -> AsyncIterator[WindowSums]:
        after = _first_position(kind, begin)
        wait_seconds = None
        while True:
            async with self._database.connection(share=Share.READS, wait_seconds=wait_seconds) as connection:
                window = await windows.read_window(connection, kind, wanted, after=after)
            yield window
            if window.reached is None:
                return
            after, wait_seconds = window.reached, PAGE_WAIT_SECONDS


def _first_position(kind: ReportKind, begin: RowKey | None) -> Position | None:
    """Where the row with a key begins: at a store or an area, or, for a day in an area, with that day."""
    if begin is None:
        return None
    if kind is ReportKind.VISITS and begin.day is None:
        return Position(visit_no=1)  # visits of no day come last, after all that have an instant
    return Position(day=begin.day, area_code=begin.area_code, store_id=begin.store_id)


def _job_id(text: str) -> UUID | None:
    try:
        return msgspec.convert(text, UUID)
    except msgspec.ValidationError:
        return None
