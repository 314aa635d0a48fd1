"""The store master as pages: a search, the areas with their coverage by week, one store with its visits."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from litestar import Response, get
from litestar.params import QueryParameter

from retailpulse.dashboard.places import (
    read_history_place,
    read_store_place,
    write_history_place,
    write_store_place,
)
from retailpulse.dashboard.queries import plain
from retailpulse.dashboard.rendering import AnyRequest, page
from retailpulse.domain.errors import NotFound
from retailpulse.service import Stores
from retailpulse.storage.stores.coverage import AreaCoverage
from retailpulse.storage.stores.search import StoreFilter

STORE_ROWS, AREA_ROWS, VISIT_ROWS = 50, 40, 20
PHOTOS_OF_VISIT = 6
"""How many photos of a visit are shown with it."""
WEEKS_OF_AREAS, WEEKS_OF_AREA = 4, 12
"""How many weeks are shown of many areas, and of one."""
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
    text, area = plain(q), plain(area)
    wanted = StoreFilter(text=text.lower(), area_codes=(area,) if area else ())
    found, following = await stores.search(wanted, after=read_store_place(after), limit=STORE_ROWS)
    query = {"q": text, "area": area}
    next_page = None
    if following is not None:
        next_page = f"/stores?{urlencode(query | {'after': write_store_place(following)})}"
    return page(request, "stores.html", stores=found, text=text, area=area, next_page=next_page)


@dataclass(frozen=True, kw_only=True, slots=True)
class Week:
    """A week in which stores of an area were visited; `height` in percent of all its stores."""

    begins_at: datetime
    visited: int
    height: float
    is_now: bool


@get("/areas", include_in_schema=False)
async def areas_page(request: AnyRequest, stores: Stores, after: After = "") -> Response[bytes]:
    """Areas by their code, each with the stores that were visited in the last weeks."""
    weeks = weeks_until(datetime.now(UTC), WEEKS_OF_AREAS)
    found, following = await stores.coverage(weeks, after=plain(after), limit=AREA_ROWS)
    next_page = f"/areas?{urlencode({'after': following})}" if following else None
    return page(
        request,
        "areas.html",
        areas=[(area, weeks_of(area, weeks)) for area in found],
        weeks=weeks,
        next_page=next_page,
    )


@get("/area", include_in_schema=False)
async def area_page(
    request: AnyRequest,
    stores: Stores,
    code: Annotated[str, QueryParameter(name="code")] = "",
    after: After = "",
) -> Response[bytes]:
    """One area: its coverage week by week, and its stores."""
    code = plain(code)
    weeks = weeks_until(datetime.now(UTC), WEEKS_OF_AREA)
    area = await stores.coverage_of(weeks, code)
    if area is None:
        raise NotFound(f"there is no store in an area {code[:100]!r}")
    wanted = StoreFilter(area_codes=(code,))
    found, following = await stores.search(wanted, after=read_store_place(after), limit=STORE_ROWS)
    return page(
        request,
        "area.html",
        area=area,
        weeks=weeks_of(area, weeks),
        stores=found,
        next_page=f"/area?{urlencode({'code': code, 'after': write_store_place(following)})}"
        if following
        else None,
    )


@get("/store", include_in_schema=False)
async def store_page(
    request: AnyRequest,
    stores: Stores,
    store_id: Annotated[str, QueryParameter(name="id")] = "",
    since: Annotated[str, QueryParameter(name="since")] = "",
    after: After = "",
) -> Response[bytes]:
    """One store, with its visits of the last three months, or of all time, the newest first."""
    store = await stores.find(plain(store_id))
    start = None if since == "ever" else datetime.now(UTC) - RECENT
    visits, following = await stores.history(
        store.store_id,
        start=start,
        after=read_history_place(after),
        limit=VISIT_ROWS,
        photos=PHOTOS_OF_VISIT,
    )
    query: dict[str, Any] = {"id": store.store_id, "since": since}
    next_page = None
    if following is not None:
        next_page = f"/store?{urlencode(query | {'after': write_history_place(following)})}"
    return page(
        request,
        "store.html",
        store=store,
        visits=visits,
        is_ever=since == "ever",
        next_page=next_page,
    )


def weeks_until(now: datetime, count: int) -> list[datetime]:
    """When the last weeks began, Mondays in UTC, the one that goes on as the last."""
    monday = (now - timedelta(days=now.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    return [monday - timedelta(weeks=back) for back in reversed(range(count))]


def weeks_of(area: AreaCoverage, weeks: list[datetime]) -> list[Week]:
    """The coverage of an area, week by week, as a chart shows it."""
    return [
        Week(
            begins_at=begins_at,
            visited=visited,
            height=round(100 * visited / area.stores, 1),
            is_now=begins_at == weeks[-1],
        )
        for begins_at, visited in zip(weeks, area.visited, strict=True)
    ]
