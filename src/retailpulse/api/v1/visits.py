"""Visits of all jobs: of an area, of a store, in a time."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.params import Parameter
from msgspec import Meta

from retailpulse.api.openapi.annotations import LINK, Tag, documented
from retailpulse.api.v1.filters import instant, texts
from retailpulse.api.v1.pages import (
    DEFAULT_LIMIT,
    Cursors,
    CursorText,
    Limit,
    Page,
    page_response,
    write_cursor,
)
from retailpulse.domain.times import Instant
from retailpulse.service import Stores
from retailpulse.storage.stores.visits import VisitCursor, VisitFilter, VisitRow

VISITS: Cursors[VisitCursor] = Cursors("visits", VisitCursor)
"""A position is that of the visit after which a page begins."""

After = Annotated[
    str | None, Parameter(description="Only visits of then or later: a date or an RFC 3339 time.")
]
Before = Annotated[str | None, Parameter(description="Only visits before: a date or an RFC 3339 time.")]


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One visit to a store of the master, as a job told it."""

    job_id: Annotated[UUID, Meta(description="The job that reported it.")]
    visit_no: Annotated[int, Meta(description="Its number in the job, from 1.", examples=[1])]
    store_id: Annotated[str, Meta(description="The id of the store.", examples=["RP00001"])]
    area_code: Annotated[str, Meta(description="The area of the store.", examples=["7100015"])]
    store_name: Annotated[
        str, Meta(description="The name of the store.", examples=["Corner Shop, Harbour Street"])
    ]
    visit_time: Annotated[str, Meta(description="As submitted.", examples=["2026-11-20T10:00:00Z"])]
    visited_at: Annotated[
        Instant | None, Meta(description="The same as an instant, UTC; null if it is no time.")
    ]
    images: Annotated[int, Meta(description="How many images it has.", examples=[3])]
    measured: Annotated[int, Meta(description="Those that were measured so far.", examples=[2])]
    failed: Annotated[int, Meta(description="Those that could not be measured.", examples=[1])]
    perimeter: Annotated[int, Meta(description="The sum over its measured images.", examples=[14200])]


@get(
    "/api/v1/visits",
    operation_id="listVisits",
    summary="Visits with their perimeters",
    tags=[Tag.VISITS],
    opt=documented(Page[Visit], meaning="A page of visits.", headers={"Link": LINK}),
)
async def list_visits(
    request: Request[Any, Any, Any],
    stores: Stores,
    area: Annotated[list[str] | None, Parameter(description="Only stores of this area.")] = None,
    store_id: Annotated[list[str] | None, Parameter(description="Only this store.")] = None,
    visited_after: After = None,
    visited_before: Before = None,
    cursor: CursorText = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Response[Page[Visit]]:
    """List visits to stores of the master: stores by their ids, of each store the oldest first."""
    wanted = VisitFilter(
        area_codes=texts("area", area),
        store_ids=texts("store_id", store_id),
        start=instant("visited_after", visited_after),
        end=instant("visited_before", visited_before),
    )
    page, following = await stores.visits(wanted, after=VISITS.read(cursor), limit=limit)
    return page_response(request, list(map(visit_of, page)), write_cursor(VISITS, following), limit)


def visit_of(row: VisitRow) -> Visit:
    """A visit as the API shows it."""
    return msgspec.convert(row, Visit, from_attributes=True)
