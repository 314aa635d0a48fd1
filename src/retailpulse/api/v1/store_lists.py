"""The store master as it is read: searched, one store with its visits, the areas."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get
from litestar.params import Parameter
from litestar.response import Stream
from msgspec import Meta

from retailpulse.api.export.records import export_records
from retailpulse.api.export.writer_process import Exports
from retailpulse.api.openapi.annotations import LINK, Tag, documented
from retailpulse.api.v1.filters import checked, instant, texts
from retailpulse.api.v1.list_files import Safe, documented_list, list_format
from retailpulse.api.v1.pages import (
    DEFAULT_LIMIT,
    Cursors,
    CursorText,
    Limit,
    Page,
    link_header,
    next_link,
    page_response,
    write_cursor,
)
from retailpulse.api.v1.visits import VISITS, After, Before, visit_of
from retailpulse.schema import Area, Store, Visit
from retailpulse.service import Stores
from retailpulse.storage.stores.search import StoreCursor, StoreFilter
from retailpulse.storage.stores.visits import VisitFilter

STORES: Cursors[StoreCursor] = Cursors("stores", StoreCursor)
"""A position is that of the store after which a page begins."""
AREAS: Cursors[str] = Cursors("areas", str)
"""A position is the code of the area after which a page begins."""


class StoreWithVisits(Store, frozen=True, kw_only=True):
    """A store of the master and a page of its visits."""

    visits: Annotated[Page[Visit], Meta(description="Its visits, the oldest first.")]


@get(
    "/api/v1/stores",
    operation_id="listStores",
    summary="Search the store master",
    tags=[Tag.STORES],
    opt=documented_list(Store, meaning="A page of stores, or every one as a file."),
)
async def list_stores(
    request: Request[Any, Any, Any],
    stores: Stores,
    exports: Exports,
    q: Annotated[
        str | None, Parameter(description="What the id or the name holds, in whatever case.")
    ] = None,
    area: Annotated[list[str] | None, Parameter(description="Only stores of this area.")] = None,
    store_id: Annotated[list[str] | None, Parameter(description="Only the store with this id.")] = None,
    safe: Safe = None,
    cursor: CursorText = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Response[Page[Store]] | Stream:
    """Search the store master by id, name and area.

    With `q` alone first those whose id begins with it, then those whose name does, then all others that hold
    it; otherwise by their ids. A page of a search may be short, or empty, and yet have a `next`.
    """
    wanted = StoreFilter(
        text=checked("q", q or "").strip().lower(),
        area_codes=tuple(dict.fromkeys(texts("area", area))),
        store_ids=texts("store_id", store_id),
    )
    name, after = list_format(request), STORES.read(cursor)
    if name != "json":
        rows = stores.all(wanted)
        return await export_records(
            request, exports, name="stores", format=name, record=Store, rows=rows, for_spreadsheet=bool(safe)
        )
    page, following = await stores.search(wanted, after=after, limit=limit)
    return page_response(request, page, write_cursor(STORES, following), limit)


@get(
    "/api/v1/stores/{store_id:str}",
    operation_id="getStore",
    summary="A store with its visits over time",
    tags=[Tag.STORES],
    opt=documented(StoreWithVisits, 404, meaning="The store.", headers={"Link": LINK}),
)
async def one_store(
    request: Request[Any, Any, Any],
    stores: Stores,
    store_id: str,
    visited_after: After = None,
    visited_before: Before = None,
    cursor: CursorText = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Response[StoreWithVisits]:
    """Give a store of the master and a page of its visits, the oldest first."""
    wanted = VisitFilter(
        store_ids=(checked("store_id", store_id),),
        start=instant("visited_after", visited_after),
        end=instant("visited_before", visited_before),
    )
    after = VISITS.read(cursor)
    store = await stores.find(store_id)
    page, following = await stores.visits(wanted, after=after, limit=limit)
    link = next_link(request, write_cursor(VISITS, following), limit)
    answered = StoreWithVisits(
        **msgspec.structs.asdict(store),
        visits=Page(items=list(map(visit_of, page)), next=link),
    )
    return Response(answered, headers=link_header(link))


@get(
    "/api/v1/areas",
    operation_id="listAreas",
    summary="The areas of the store master",
    tags=[Tag.STORES],
    opt=documented(Page[Area], meaning="A page of areas.", headers={"Link": LINK}),
)
async def list_areas(
    request: Request[Any, Any, Any],
    stores: Stores,
    cursor: CursorText = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Response[Page[Area]]:
    """List the areas of the store master by their codes, with the number of their stores."""
    page, following = await stores.areas(after=AREAS.read(cursor) or "", limit=limit)
    return page_response(request, page, write_cursor(AREAS, following), limit)
