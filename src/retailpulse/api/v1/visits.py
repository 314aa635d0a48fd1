"""Visits of all jobs: of an area, of a store, in a time; JSON pages, or all of them as CSV or XLSX."""

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.params import Parameter
from litestar.response import Stream

from retailpulse.api.export.records import export_records
from retailpulse.api.export.writer_process import Exports
from retailpulse.api.openapi.annotations import Tag
from retailpulse.api.v1.filters import instant, texts
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
from retailpulse.schema import Visit
from retailpulse.service import Stores, Visits
from retailpulse.storage.stores.visits import VisitCursor, VisitFilter, VisitRow

VISITS: Cursors[VisitCursor] = Cursors("visits", VisitCursor)
"""A position is that of the visit after which a page begins."""

After = Annotated[
    str | None, Parameter(description="Only visits of then or later: a date or an RFC 3339 time.")
]
Before = Annotated[str | None, Parameter(description="Only visits before: a date or an RFC 3339 time.")]


@get(
    "/api/v1/visits",
    operation_id="listVisits",
    summary="Visits with their perimeters",
    tags=[Tag.VISITS],
    opt=documented_list(Visit, meaning="A page of visits, or every one as a file."),
)
async def list_visits(
    request: Request[Any, Any, Any],
    stores: Stores,
    visits: Visits,
    exports: Exports,
    area: Annotated[list[str] | None, Parameter(description="Only stores of this area.")] = None,
    store_id: Annotated[list[str] | None, Parameter(description="Only this store.")] = None,
    visited_after: After = None,
    visited_before: Before = None,
    safe: Safe = None,
    cursor: CursorText = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Response[Page[Visit]] | Stream:
    """List visits to stores of the master: stores by their ids, of each store the oldest first."""
    wanted = VisitFilter(
        area_codes=texts("area", area),
        store_ids=texts("store_id", store_id),
        start=instant("visited_after", visited_after),
        end=instant("visited_before", visited_before),
    )
    name, after = list_format(request), VISITS.read(cursor)
    if name != "json":
        rows = (visit_of(row) async for row in visits.read(wanted))
        return await export_records(
            request, exports, name="visits", format=name, record=Visit, rows=rows, for_spreadsheet=bool(safe)
        )
    page, following = await stores.visits(wanted, after=after, limit=limit)
    return page_response(request, list(map(visit_of, page)), write_cursor(VISITS, following), limit)


def visit_of(row: VisitRow) -> Visit:
    """A visit as the API shows it."""
    return Visit(
        job_id=str(row.job_id),
        visit_no=row.visit_no,
        store_id=row.store_id,
        area_code=row.area_code,
        store_name=row.store_name,
        visit_time=row.visit_time,
        visited_at=row.visited_at,
        images=row.images,
        measured=row.measured,
        failed=row.failed,
        cancelled=row.cancelled,
        perimeter=row.perimeter,
    )
