"""Reports over visits: by day and area, by store, by area; JSON pages, or all rows as CSV or XLSX."""

import re
from datetime import date
from typing import Annotated, Any, TypeVar

from litestar import Request, Response, get
from litestar.params import Parameter
from litestar.response import Stream

from retailpulse.api.export.records import export_records
from retailpulse.api.export.writer_process import Exports
from retailpulse.api.openapi.annotations import Tag
from retailpulse.api.v1.filters import checked, texts
from retailpulse.api.v1.list_files import Safe, documented_list, list_format
from retailpulse.api.v1.pages import (
    DEFAULT_LIMIT,
    Cursors,
    CursorText,
    Limit,
    Page,
    page_response,
    write_cursor,
)
from retailpulse.domain.errors import InvalidRequest
from retailpulse.schema import AreaReportRow, Record, StoreReportRow, VisitReportRow
from retailpulse.service import Reports
from retailpulse.service.report_rows import RowKey
from retailpulse.storage.reports.window_sums import ReportFilter, ReportKind

Row = TypeVar("Row", bound=Record)

FromDay = Annotated[str | None, Parameter(description="Only visits of this day or later, as 2026-11-20.")]
ToDay = Annotated[str | None, Parameter(description="Only visits of this day or earlier, as 2026-11-26.")]
TimeZone = Annotated[
    str, Parameter(description="The time zone of days, by its name, as Asia/Kolkata.", max_length=100)
]
Areas = Annotated[list[str] | None, Parameter(description="Only stores of this area.")]
StoreIds = Annotated[list[str] | None, Parameter(description="Only this store.")]
JobName = Annotated[
    str | None, Parameter(description="Only visits of this job: its id, or its name for all jobs called so.")
]
Suspect = Annotated[bool, Parameter(description="Only visits with a suspect image.")]

CURSORS: dict[ReportKind, Cursors[RowKey]] = {kind: Cursors(f"report-{kind}", RowKey) for kind in ReportKind}
"""A position is the row that a page begins with."""
_TIME_ZONE = re.compile(r"[A-Za-z_]+(/[A-Za-z0-9_+-]+)*", re.ASCII)


@get(
    "/api/v1/reports/visits",
    operation_id="reportVisits",
    summary="Visits by day and area",
    tags=[Tag.REPORTS],
    opt=documented_list(VisitReportRow, 404, meaning="A page of rows, or every row as a file."),
)
async def report_visits(
    request: Request[Any, Any, Any],
    reports: Reports,
    exports: Exports,
    from_day: FromDay = None,
    to_day: ToDay = None,
    tz: TimeZone = "UTC",
    area: Areas = None,
    store_id: StoreIds = None,
    job: JobName = None,
    suspect: Suspect = False,
    safe: Safe = None,
    cursor: CursorText = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Response[Page[VisitReportRow]] | Stream:
    """Sum up visits to stores of the master by day and area, the oldest day first."""
    wanted = await _filter(reports, from_day, to_day, tz, area, store_id, job, suspect)
    answer = _Answer(request, reports, exports, bool(safe), cursor, limit)
    return await answer.of(ReportKind.VISITS, wanted, VisitReportRow)


@get(
    "/api/v1/reports/stores",
    operation_id="reportStores",
    summary="Visits by store",
    tags=[Tag.REPORTS],
    opt=documented_list(StoreReportRow, 404, meaning="A page of rows, or every row as a file."),
)
async def report_stores(
    request: Request[Any, Any, Any],
    reports: Reports,
    exports: Exports,
    from_day: FromDay = None,
    to_day: ToDay = None,
    tz: TimeZone = "UTC",
    area: Areas = None,
    store_id: StoreIds = None,
    job: JobName = None,
    suspect: Suspect = False,
    safe: Safe = None,
    cursor: CursorText = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Response[Page[StoreReportRow]] | Stream:
    """Sum up visits by store, in the order of the ids: stores of the master that were visited.

    A page may be short, or empty, and yet have a `next`.
    """
    wanted = await _filter(reports, from_day, to_day, tz, area, store_id, job, suspect)
    answer = _Answer(request, reports, exports, bool(safe), cursor, limit)
    return await answer.of(ReportKind.STORES, wanted, StoreReportRow)


@get(
    "/api/v1/reports/areas",
    operation_id="reportAreas",
    summary="Visits by area, and how many stores had any",
    tags=[Tag.REPORTS],
    opt=documented_list(AreaReportRow, 404, meaning="A page of rows, or every row as a file."),
)
async def report_areas(
    request: Request[Any, Any, Any],
    reports: Reports,
    exports: Exports,
    from_day: FromDay = None,
    to_day: ToDay = None,
    tz: TimeZone = "UTC",
    area: Areas = None,
    store_id: StoreIds = None,
    job: JobName = None,
    suspect: Suspect = False,
    safe: Safe = None,
    cursor: CursorText = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Response[Page[AreaReportRow]] | Stream:
    """Sum up visits by area, in the order of the codes: also areas without a visit, unless a job is named."""
    wanted = await _filter(reports, from_day, to_day, tz, area, store_id, job, suspect)
    answer = _Answer(request, reports, exports, bool(safe), cursor, limit)
    return await answer.of(ReportKind.AREAS, wanted, AreaReportRow)


class _Answer:
    """How a report is answered: as a page, or whole as a file."""

    def __init__(
        self,
        request: Request[Any, Any, Any],
        reports: Reports,
        exports: Exports,
        for_spreadsheet: bool,
        cursor: str | None,
        limit: int,
    ) -> None:
        self._request = request
        self._reports = reports
        self._exports = exports
        self._for_spreadsheet = for_spreadsheet
        self._cursor = cursor
        self._limit = limit

    async def of(
        self, kind: ReportKind, wanted: ReportFilter, record: type[Row]
    ) -> Response[Page[Row]] | Stream:
        request = self._request
        name, after = list_format(request), CURSORS[kind].read(self._cursor)
        if name == "json":
            rows, following = await self._reports.page(kind, wanted, after=after, limit=self._limit)
            return page_response(request, rows, write_cursor(CURSORS[kind], following), self._limit)
        return await export_records(
            request,
            self._exports,
            name=f"report-{kind}",
            format=name,
            record=record,
            rows=self._reports.all(kind, wanted),
            for_spreadsheet=self._for_spreadsheet,
        )


async def _filter(
    reports: Reports,
    from_day: str | None,
    to_day: str | None,
    tz: str,
    area: list[str] | None,
    store_id: list[str] | None,
    job: str | None,
    suspect: bool,
) -> ReportFilter:
    if job is not None and not job.strip():
        raise InvalidRequest("job: it is empty; name a job, or leave the parameter out")
    if not _TIME_ZONE.fullmatch(tz):
        raise InvalidRequest(f"tz: {tz[:100]!r} is no name of a time zone; one is Asia/Kolkata")
    wanted = ReportFilter(
        from_day=_day("from_day", from_day),
        to_day=_day("to_day", to_day),
        tz=tz,
        area_codes=texts("area", area),
        store_ids=texts("store_id", store_id),
        job_ids=await reports.jobs_of(checked("job", job)) if job is not None else None,
        suspect=suspect,
    )
    await reports.check(wanted)
    return wanted


def _day(name: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidRequest(f"{name}: {text[:100]!r} is no day: write 2026-11-20") from None
