"""Photos that were handed in before: match by match, or written to a file."""

import os
from collections.abc import AsyncGenerator
from typing import IO

from retailpulse.client.exchange import Exchange, Page
from retailpulse.client.exports import OnBlock, Safety, TableFormat, save_list
from retailpulse.client.params import Some, When, filters
from retailpulse.schema import Match

_MATCHES = "/api/v1/matches"


async def matches(
    exchange: Exchange,
    *,
    kind: Some = None,
    relation: Some = None,
    job_id: Some = None,
    store_id: Some = None,
    area: Some = None,
    since: When = None,
    until: When = None,
) -> AsyncGenerator[Match, None]:
    """Photos that were handed in before, one by one, the newest first; filters look at the later photo.

    Several values of one filter are alternatives; filters of different names all have to hold.

    >>> [match.photo.image_no for match in client.matches(kind=["same_file", "copy"], job_id=job_id)]
    []
    """
    params = filters(
        kind=kind, relation=relation, job_id=job_id, store_id=store_id, area=area, since=since, until=until
    )
    async for item in exchange.pages(_MATCHES, params, Page[Match]):
        yield item


async def export_matches(
    exchange: Exchange,
    target: "str | os.PathLike[str] | IO[bytes]",
    *,
    format: TableFormat | None = None,
    kind: Some = None,
    relation: Some = None,
    job_id: Some = None,
    store_id: Some = None,
    area: Some = None,
    since: When = None,
    until: When = None,
    safe: Safety | None = None,
    on_block: OnBlock = None,
) -> int:
    """Write matches to a file of CSV or XLSX, and give its size in bytes; filters as of `matches`.

    `target`, `format`, `safe` and `on_block` as of `export`.

    >>> client.export_matches("matches.csv", relation="other_store") > 0
    True
    """
    params = filters(
        kind=kind, relation=relation, job_id=job_id, store_id=store_id, area=area, since=since, until=until
    )
    return await save_list(exchange, _MATCHES, params, target, format=format, safe=safe, on_block=on_block)
