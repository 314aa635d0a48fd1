"""Flagged photos of all jobs: photo by photo, or written to a file."""

import os
from collections.abc import AsyncGenerator
from typing import IO

from retailpulse.client.exchange import Exchange, Page
from retailpulse.client.exports import OnBlock, Safety, TableFormat, save_list
from retailpulse.client.params import Some, When, filters
from retailpulse.schema import FlaggedPhoto

_PHOTOS = "/api/v1/photos"


async def photos(
    exchange: Exchange,
    *,
    flag: Some = None,
    area: Some = None,
    store_id: Some = None,
    job_id: Some = None,
    since: When = None,
    until: When = None,
) -> AsyncGenerator[FlaggedPhoto, None]:
    """Flagged photos of all jobs, the newest result first: with any of these flags, by default of all.

    `since` and `until` are about when the results were written. Raises InvalidRequest for an unknown flag.

    >>> [photo.flags for photo in client.photos(flag=["dark", "blank"], since="2026-11-20")]
    []
    """
    params = filters(flag=flag, area=area, store_id=store_id, job_id=job_id, since=since, until=until)
    async for item in exchange.pages(_PHOTOS, params, Page[FlaggedPhoto]):
        yield item


async def export_photos(
    exchange: Exchange,
    target: "str | os.PathLike[str] | IO[bytes]",
    *,
    format: TableFormat | None = None,
    flag: Some = None,
    area: Some = None,
    store_id: Some = None,
    job_id: Some = None,
    since: When = None,
    until: When = None,
    safe: Safety | None = None,
    on_block: OnBlock = None,
) -> int:
    """Write flagged photos to a file of CSV or XLSX, and give its size in bytes; filters as of `photos`.

    `target`, `format`, `safe` and `on_block` as of `export`.

    >>> client.export_photos("photos.xlsx", area="7100015") > 0
    True
    """
    params = filters(flag=flag, area=area, store_id=store_id, job_id=job_id, since=since, until=until)
    return await save_list(exchange, _PHOTOS, params, target, format=format, safe=safe, on_block=on_block)
