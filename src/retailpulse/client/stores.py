"""The store master: search it, look at a store or an area, load it from a file."""

import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import ExitStack
from typing import IO
from urllib.parse import quote

from retailpulse.client.bodies import Sent, body_of_file
from retailpulse.client.exchange import Exchange, Page
from retailpulse.client.exports import OnBlock, Safety, TableFormat, save_list
from retailpulse.client.params import Some, When, filters
from retailpulse.client.transports import HttpRequest
from retailpulse.schema import Area, Imported, Store, Visit

STORES = "/api/v1/stores"
_VISITS = "/api/v1/visits"
_IMPORT_SECONDS = 3600.0  # millions of stores are loaded before the answer comes
_UNPROCESSABLE = frozenset({422})


async def stores(
    exchange: Exchange,
    *,
    q: str | None = None,
    area: Some = None,
    store_id: Some = None,
) -> AsyncGenerator[Store, None]:
    """Stores one by one: those whose name or id holds `q`, in whatever case; of an area; with an id.

    >>> for store in client.stores(q="market"):
    ...     print(store.store_id, store.store_name)
    RP00002 Market Hall
    """
    async for item in exchange.pages(STORES, filters(q=q, area=area, store_id=store_id), Page[Store]):
        yield item


async def store(exchange: Exchange, store_id: str) -> Store:
    """One store. Its visits are `visits(store_id=...)`. Raises NotFound.

    >>> client.store("RP00002").area_code
    '7100015'
    """
    return await exchange.fetch(HttpRequest(method="GET", path=f"{STORES}/{quote(store_id, safe='')}"), Store)


async def import_stores(
    exchange: Exchange,
    file: "str | os.PathLike[str] | IO[bytes] | IO[str]",
    *,
    good_lines: bool = False,
    dry_run: bool = False,
    columns: Mapping[str, str] | str | None = None,
    sheet: str | None = None,
    on_sent: Sent | None = None,
) -> Imported:
    """Load a file of stores (AreaCode,StoreName,StoreID): new ones are added, known ones changed.

    It may be CSV of any dialect, XLSX, ODS or Parquet, and have Latitude and Longitude too. `columns` says
    which of its columns is which, by header, letter or number: `{"StoreID": "Outlet Code"}`. Nothing of a
    file with bad lines is loaded, and the answer says which they are, unless `good_lines` asks for the
    others; with `dry_run` nothing is loaded in any case. Raises InvalidRequest if it is no such file,
    TooLarge, BadInput.

    >>> import io
    >>> file = io.StringIO("AreaCode,StoreName,StoreID\\n7100015,Market Hall,RP00002\\n")
    >>> client.import_stores(file).loaded
    True
    """
    with ExitStack() as files:
        body = await exchange.transport.run(lambda: files.enter_context(body_of_file(file, on_sent)))
        request = HttpRequest(
            method="PUT",
            path=STORES,
            params=_import_params(good_lines=good_lines, dry_run=dry_run, columns=columns, sheet=sheet),
            # Its format is found by its bytes.
            headers={"Content-Type": "application/octet-stream", "Content-Length": str(body.size_bytes)},
            blocks=body.blocks,
            read_seconds=_IMPORT_SECONDS,
            also_answers=_UNPROCESSABLE,
        )
        return await exchange.fetch(request, Imported)


def _import_params(
    *, good_lines: bool, dry_run: bool, columns: Mapping[str, str] | str | None, sheet: str | None
) -> list[tuple[str, str]]:
    flags = [("good_lines", good_lines), ("dry_run", dry_run)]
    params = [(name, "true") for name, is_set in flags if is_set]
    if isinstance(columns, str):
        params.append(("columns", columns))
    else:
        params += [("columns", f"{name}:{column}") for name, column in (columns or {}).items()]
    return params if sheet is None else [*params, ("sheet", sheet)]


async def areas(exchange: Exchange) -> AsyncGenerator[Area, None]:
    """The areas of the store master, one by one.

    >>> [(area.area_code, area.stores) for area in client.areas()]
    [('7100015', 3), ('7100016', 2)]
    """
    async for item in exchange.pages("/api/v1/areas", [], Page[Area]):
        yield item


async def visits(
    exchange: Exchange,
    *,
    area: Some = None,
    store_id: Some = None,
    visited_after: When = None,
    visited_before: When = None,
) -> AsyncGenerator[Visit, None]:
    """Visits of all jobs, one by one: of an area, of a store, in a time.

    >>> for visit in client.visits(store_id="RP00001", visited_after="2026-11-20"):
    ...     print(visit.visit_time, visit.images, visit.failed)
    2026-11-20T10:00:00Z 2 2
    """
    params = filters(area=area, store_id=store_id, visited_after=visited_after, visited_before=visited_before)
    async for item in exchange.pages(_VISITS, params, Page[Visit]):
        yield item


async def export_stores(
    exchange: Exchange,
    target: "str | os.PathLike[str] | IO[bytes]",
    *,
    format: TableFormat | None = None,
    q: str | None = None,
    area: Some = None,
    store_id: Some = None,
    safe: Safety | None = None,
    on_block: OnBlock = None,
) -> int:
    """Write stores to a file of CSV or XLSX, and give its size in bytes; filters as of `stores`.

    `target`, `format`, `safe` and `on_block` as of `export`.

    >>> client.export_stores("stores.xlsx", area="7100015") > 0
    True
    """
    params = filters(q=q, area=area, store_id=store_id)
    return await save_list(exchange, STORES, params, target, format=format, safe=safe, on_block=on_block)


async def export_visits(
    exchange: Exchange,
    target: "str | os.PathLike[str] | IO[bytes]",
    *,
    format: TableFormat | None = None,
    area: Some = None,
    store_id: Some = None,
    visited_after: When = None,
    visited_before: When = None,
    safe: Safety | None = None,
    on_block: OnBlock = None,
) -> int:
    """Write visits to a file of CSV or XLSX, and give its size in bytes; filters as of `visits`.

    `target`, `format`, `safe` and `on_block` as of `export`.

    >>> client.export_visits("visits.csv.gz", safe="spreadsheet") > 0
    True
    """
    params = filters(area=area, store_id=store_id, visited_after=visited_after, visited_before=visited_before)
    return await save_list(exchange, _VISITS, params, target, format=format, safe=safe, on_block=on_block)
