"""Reports over visits: by day and area, by store, by area; JSON pages, or all rows as CSV or XLSX."""

import re
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Annotated, Any

from litestar import Response, get
from litestar.params import Parameter
from litestar.response import Stream

from retailpulse.api.export.records import Row
from retailpulse.api.openapi.annotations import Tag
from retailpulse.api.v1.filters import Areas, StoreIds, checked, texts
from retailpulse.api.v1.list_files import ListRequest, documented_list
from retailpulse.api.v1.pages import Cursors, Page
from retailpulse.api.v1.parameter_objects import ParameterObject, with_parameter_objects
from retailpulse.domain.errors import InvalidRequest
from retailpulse.schema import AreaReportRow, StoreReportRow, VisitReportRow
from retailpulse.service import Reports
from retailpulse.service.report_rows import RowKey
from retailpulse.storage.reports.window_sums import ReportFilter, ReportKind

CURSORS: dict[ReportKind, Cursors[RowKey]] = {kind: Cursors(f"report-{kind}", RowKey) for kind in ReportKind}
"""A position is the row that a page begins with."""
_TIME_ZONE = re.compile(r"[A-Za-z_]+(/[A-Za-z0-9_+-]+)*", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportQuery(ParameterObject):
    """What a report is about."""

    from_day: Annotated[
        str | None, Parameter(description="Only visits of this day or later, as 2026-11-20.")
    ] = None
    to_day: Annotated[
        str | None, Parameter(description="Only visits of this day or earlier, as 2026-11-26.")
    ] = None
    tz: Annotated[
        str, Parameter(description="The time zone of days, by its name, as Asia/Kolkata.", max_length=100)
    ] = "UTC"
    area: Areas = None
    store_id: StoreIds = None
    job: Annotated[
        str | None,
        Parameter(description="Only visits of this job: its id, or its name for all jobs called so."),
    ] = None
    suspect: Annotated[bool, Parameter(description="Only visits with a suspect image.")] = False

    async def read(self, reports: Reports) -> ReportFilter:
        """The filter; raises InvalidRequest, or NotFound for a job that there is not."""
        if self.job is not None and not self.job.strip():
            raise InvalidRequest("job: it is empty; name a job, or leave the parameter out")
        if not _TIME_ZONE.fullmatch(self.tz):
            raise InvalidRequest(f"tz: {self.tz[:100]!r} is no name of a time zone; one is Asia/Kolkata")
        wanted = ReportFilter(
            from_day=_day("from_day", self.from_day),
            to_day=_day("to_day", self.to_day),
            tz=self.tz,
            area_codes=texts("area", self.area),
            store_ids=texts("store_id", self.store_id),
            job_ids=None if self.job is None else await reports.jobs_of(checked("job", self.job)),
            suspect=self.suspect,
        )
        await reports.check(wanted)
        return wanted


@get(
    "/api/v1/reports/visits",
    operation_id="reportVisits",
    summary="Visits by day and area",
    tags=[Tag.REPORTS],
    opt=documented_list(VisitReportRow, 404, meaning="A page of rows, or every row as a file."),
)
@with_parameter_objects
async def report_visits(
    reports: Reports, query: ReportQuery, asked: ListRequest
) -> Response[Page[VisitReportRow]] | Stream:
    """Sum up visits to stores of the master by day and area, the oldest day first."""
    return await _answer(ReportKind.VISITS, VisitReportRow, reports, query, asked)


@get(
    "/api/v1/reports/stores",
    operation_id="reportStores",
    summary="Visits by store",
    tags=[Tag.REPORTS],
    opt=documented_list(StoreReportRow, 404, meaning="A page of rows, or every row as a file."),
)
@with_parameter_objects
async def report_stores(
    reports: Reports, query: ReportQuery, asked: ListRequest
) -> Response[Page[StoreReportRow]] | Stream:
    """Sum up visits by store, in the order of the ids: stores of the master that were visited.

    A page may be short, or empty, and yet have a `next`.
    """
    return await _answer(ReportKind.STORES, StoreReportRow, reports, query, asked)


@get(
    "/api/v1/reports/areas",
    operation_id="reportAreas",
    summary="Visits by area, and how many stores had any",
    tags=[Tag.REPORTS],
    opt=documented_list(AreaReportRow, 404, meaning="A page of rows, or every row as a file."),
)
@with_parameter_objects
async def report_areas(
    reports: Reports, query: ReportQuery, asked: ListRequest
) -> Response[Page[AreaReportRow]] | Stream:
    """Sum up visits by area, in the order of the codes: also areas without a visit, unless a job is named."""
    return await _answer(ReportKind.AREAS, AreaReportRow, reports, query, asked)


async def _answer(
    kind: ReportKind, record: type[Row], reports: Reports, query: ReportQuery, asked: ListRequest
) -> Response[Any] | Stream:
    wanted = await query.read(reports)
    read, every = partial(reports.page, kind, wanted), reports.all(kind, wanted)
    return await asked.answer(record, CURSORS[kind], read, every)


def _day(name: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidRequest(f"{name}: {text[:100]!r} is no day: write 2026-11-20") from None
