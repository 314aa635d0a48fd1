"""Reports over visits: sums by day and area, by store, by area; row by row, or written to a file."""

import os
from collections.abc import AsyncGenerator
from datetime import date
from typing import IO, Literal

from retailpulse.client.errors import BadInput
from retailpulse.client.exchange import Exchange, Page
from retailpulse.client.exports import OnBlock, Safety, TableFormat, save_list
from retailpulse.client.params import Some, filters
from retailpulse.client.transports import Params
from retailpulse.schema import AreaReportRow, StoreReportRow, VisitReportRow

ReportKind = Literal["visits", "stores", "areas"]
Day = str | date | None
"""A day: a date, or a text as 2026-11-20."""

KINDS = ("visits", "stores", "areas")
_REPORTS = "/api/v1/reports"


async def report_visits(
    exchange: Exchange,
    *,
    from_day: Day = None,
    to_day: Day = None,
    tz: str | None = None,
    area: Some = None,
    store_id: Some = None,
    job: str | None = None,
    suspect: bool = False,
) -> AsyncGenerator[VisitReportRow, None]:
    """Visits by day and area, the oldest day first.

    Both days are included; they begin and end in the time zone `tz`, by default UTC. `job` is the id of a
    job, or its name. With `suspect`, only visits with a suspect image count. Raises NotFound for a job that
    there is not, InvalidRequest for an unknown time zone.

    >>> for row in client.report_visits(from_day="2026-11-20"):
    ...     print(row.day, row.visits, row.failure_rate)
    2026-11-20 1 1.0
    """
    params = _filters(from_day, to_day, tz, area, store_id, job, suspect)
    async for row in exchange.pages(f"{_REPORTS}/visits", params, Page[VisitReportRow]):
        yield row


async def report_stores(
    exchange: Exchange,
    *,
    from_day: Day = None,
    to_day: Day = None,
    tz: str | None = None,
    area: Some = None,
    store_id: Some = None,
    job: str | None = None,
    suspect: bool = False,
) -> AsyncGenerator[StoreReportRow, None]:
    """Stores that were visited, by their ids, each with its last visit; filters as of `report_visits`.

    >>> [(row.store_id, row.images, row.causes) for row in client.report_stores(area="7100015")]
    [('RP00001', 2, {'bad_url': 2})]
    """
    params = _filters(from_day, to_day, tz, area, store_id, job, suspect)
    async for row in exchange.pages(f"{_REPORTS}/stores", params, Page[StoreReportRow]):
        yield row


async def report_areas(
    exchange: Exchange,
    *,
    from_day: Day = None,
    to_day: Day = None,
    tz: str | None = None,
    area: Some = None,
    store_id: Some = None,
    job: str | None = None,
    suspect: bool = False,
) -> AsyncGenerator[AreaReportRow, None]:
    """Areas by their codes, with how many of their stores were visited; filters as of `report_visits`.

    >>> [(row.area_code, row.stores_visited, row.stores) for row in client.report_areas()]
    [('7100015', 1, 3), ('7100016', 0, 2)]
    """
    params = _filters(from_day, to_day, tz, area, store_id, job, suspect)
    async for row in exchange.pages(f"{_REPORTS}/areas", params, Page[AreaReportRow]):
        yield row


async def export_report(
    exchange: Exchange,
    kind: ReportKind,
    target: "str | os.PathLike[str] | IO[bytes]",
    *,
    format: TableFormat | None = None,
    from_day: Day = None,
    to_day: Day = None,
    tz: str | None = None,
    area: Some = None,
    store_id: Some = None,
    job: str | None = None,
    suspect: bool = False,
    safe: Safety | None = None,
    on_block: OnBlock = None,
) -> int:
    """Write a report (`visits`, `stores` or `areas`) to a file of CSV or XLSX, and give its size in bytes.

    `target`, `format`, `safe` and `on_block` as of `export`, filters as of `report_visits`.

    >>> client.export_report("areas", "areas.xlsx") > 0
    True
    """
    if kind not in KINDS:
        raise BadInput(f"{kind!r} is not one of {', '.join(KINDS)}")
    params = _filters(from_day, to_day, tz, area, store_id, job, suspect)
    path = f"{_REPORTS}/{kind}"
    return await save_list(exchange, path, params, target, format=format, safe=safe, on_block=on_block)


def _filters(
    from_day: Day, to_day: Day, tz: str | None, area: Some, store_id: Some, job: str | None, suspect: bool
) -> Params:
    return filters(
        from_day=from_day,
        to_day=to_day,
        tz=tz,
        area=area,
        store_id=store_id,
        job=job,
        suspect="true" if suspect else None,
    )
