"""The store master as it is read: searched, one store with its visits, the areas."""

from functools import partial
from typing import Annotated

import msgspec
from litestar import Response, get
from litestar.params import Parameter
from litestar.response import Stream
from msgspec import Meta

from retailpulse.api.openapi.annotations import LINK, Tag, documented
from retailpulse.api.v1.filters import Areas, checked, instant, texts
from retailpulse.api.v1.list_files import ListRequest, documented_list
from retailpulse.api.v1.pages import Cursors, Page, PageRequest, link_header
from retailpulse.api.v1.parameter_objects import with_parameter_objects
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
@with_parameter_objects
async def list_stores(
    *,
    stores: Stores,
    q: Annotated[
        str | None, Parameter(description="What the id or the name holds, in whatever case.")
    ] = None,
    area: Areas = None,
    store_id: Annotated[list[str] | None, Parameter(description="Only the store with this id.")] = None,
    asked: ListRequest,
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
    return await asked.answer(Store, STORES, partial(stores.search, wanted), stores.all(wanted))


@get(
    "/api/v1/stores/{store_id:str}",
    operation_id="getStore",
    summary="A store with its visits over time",
    tags=[Tag.STORES],
    opt=documented(StoreWithVisits, 404, meaning="The store.", headers={"Link": LINK}),
)
@with_parameter_objects
async def one_store(
    *,
    stores: Stores,
    store_id: str,
    visited_after: After = None,
    visited_before: Before = None,
    page: PageRequest,
) -> Response[StoreWithVisits]:
    """Give a store of the master and a page of its visits, the oldest first."""
    wanted = VisitFilter(
        store_ids=(checked("store_id", store_id),),
        start=instant("visited_after", visited_after),
        end=instant("visited_before", visited_before),
    )
    visits = await page.page(VISITS, partial(stores.visits, wanted), visit_of)
    store = await stores.find(store_id)
    answered = StoreWithVisits(**msgspec.structs.asdict(store), visits=visits)
    return Response(answered, headers=link_header(visits.next))


@get(
    "/api/v1/areas",
    operation_id="listAreas",
    summary="The areas of the store master",
    tags=[Tag.STORES],
    opt=documented(Page[Area], meaning="A page of areas.", headers={"Link": LINK}),
)
@with_parameter_objects
async def list_areas(
    *,
    stores: Stores,
    page: PageRequest,
) -> Response[Page[Area]]:
    """List the areas of the store master by their codes, with the number of their stores."""
    return await page.answer(AREAS, stores.areas)
