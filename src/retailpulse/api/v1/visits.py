"""Visits of all jobs: of an area, of a store, in a time; JSON pages, or all of them as CSV or XLSX."""

from functools import partial
from typing import Annotated

from litestar import Response, get
from litestar.params import Parameter
from litestar.response import Stream

from retailpulse.api.openapi.annotations import Tag
from retailpulse.api.v1.filters import Areas, StoreIds, instant, texts
from retailpulse.api.v1.list_files import ListRequest, documented_list
from retailpulse.api.v1.pages import Cursors, Page
from retailpulse.api.v1.parameter_objects import with_parameter_objects
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
@with_parameter_objects
async def list_visits(
    *,
    stores: Stores,
    visits: Visits,
    area: Areas = None,
    store_id: StoreIds = None,
    visited_after: After = None,
    visited_before: Before = None,
    asked: ListRequest,
) -> Response[Page[Visit]] | Stream:
    """List visits to stores of the master: stores by their ids, of each store the oldest first."""
    wanted = VisitFilter(
        area_codes=texts("area", area),
        store_ids=texts("store_id", store_id),
        start=instant("visited_after", visited_after),
        end=instant("visited_before", visited_before),
    )
    rows = (visit_of(row) async for row in visits.read(wanted))
    return await asked.answer(Visit, VISITS, partial(stores.visits, wanted), rows, visit_of)


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
