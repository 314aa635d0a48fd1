"""The store master as pages: a search, the areas, and one store with its visits over time."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from litestar import Response, get
from litestar.params import QueryParameter

from retailpulse.dashboard.places import (
    read_store_place,
    read_visit_place,
    write_store_place,
    write_visit_place,
)
from retailpulse.dashboard.rendering import AnyRequest, page
from retailpulse.service import Stores
from retailpulse.storage.stores.search import StoreFilter
from retailpulse.storage.stores.visits import VisitFilter

STORE_ROWS, AREA_ROWS, VISIT_ROWS = 50, 100, 50
RECENT = timedelta(days=90)
"""How far back the visits of a store are shown at first."""
Text = Annotated[str, QueryParameter(name="q")]
After = Annotated[str, QueryParameter(name="after")]


@get("/stores", include_in_schema=False)
async def stores_page(
    request: AnyRequest,
    stores: Stores,
    q: Text = "",
    area: Annotated[str, QueryParameter(name="area")] = "",
    after: After = "",
) -> Response[bytes]:
    """Stores by how their id or name begins, or by what stands in them."""
    text, area = _plain(q), _plain(area)
    wanted = StoreFilter(text=text.lower(), area_codes=(area,) if area else ())
    found, following = await stores.search(wanted, after=read_store_place(after), limit=STORE_ROWS)
    query = {"q": text, "area": area}
    next_page = None
    if following is not None:
        next_page = f"/stores?{urlencode(query | {'after': write_store_place(following)})}"
    return page(request, "stores.html", stores=found, text=text, area=area, next_page=next_page)


@get("/areas", include_in_schema=False)
async def areas_page(request: AnyRequest, stores: Stores, after: After = "") -> Response[bytes]:
    """Areas by their code."""
    found, following = await stores.areas(after=_plain(after), limit=AREA_ROWS)
    next_page = f"/areas?{urlencode({'after': following})}" if following else None
    return page(request, "areas.html", areas=found, next_page=next_page)


@get("/store", include_in_schema=False)
async def store_page(
    request: AnyRequest,
    stores: Stores,
    store_id: Annotated[str, QueryParameter(name="id")] = "",
    since: Annotated[str, QueryParameter(name="since")] = "",
    after: After = "",
) -> Response[bytes]:
    """One store, with its visits of the last three months, or of all time."""
    store = await stores.find(_plain(store_id))
    start = None if since == "ever" else datetime.now(UTC) - RECENT
    wanted = VisitFilter(store_ids=(store.store_id,), start=start)
    visits, following = await stores.visits(wanted, after=read_visit_place(after), limit=VISIT_ROWS)
    query = {"id": store.store_id, "since": since}
    next_page = None
    if following is not None:
        next_page = f"/store?{urlencode(query | {'after': write_visit_place(following)})}"
    return page(
        request,
        "store.html",
        store=store,
        visits=visits,
        is_ever=since == "ever",
        next_page=next_page,
    )


def _plain(text: str) -> str:
    return text.replace("\0", "").strip()
