"""The command `report`: sums over visits by day and area, by store, by area; shown, or written to a file."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import rich_click as click

from retailpulse.cli.connection import with_client
from retailpulse.cli.exports import file_option, saved_list
from retailpulse.cli.output import json_option
from retailpulse.cli.tables import Column, limit_options, show_list
from retailpulse.cli.times import read_day
from retailpulse.cli.views import when
from retailpulse.client import AreaReportRow, Client, StoreReportRow, VisitReportRow
from retailpulse.domain.flags import Flag


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _flags(row: Any) -> str:
    """The flags that there are, the most frequent first."""
    counts = {str(flag): getattr(row, flag) for flag in Flag if getattr(row, flag)}
    return ", ".join(
        f"{flag} {counts[flag]:,}" for flag in sorted(counts, key=counts.__getitem__, reverse=True)
    )


_SUMS: tuple[Column[Any], ...] = (
    Column(title="VISITS", width=7, text=lambda row: f"{row.visits:,}", is_number=True),
    Column(title="IMAGES", width=8, text=lambda row: f"{row.images:,}", is_number=True),
    Column(title="MEASURED", width=8, text=lambda row: f"{row.measured:,}", is_number=True),
    Column(title="FAILED", width=7, text=lambda row: f"{row.failed:,}", is_number=True),
    Column(title="CANCELLED", width=9, text=lambda row: f"{row.cancelled:,}", is_number=True),
    Column(title="SUSPECT", width=7, text=lambda row: f"{row.suspect:,}", is_number=True),
    Column(title="ACCEPTED", width=8, text=lambda row: f"{row.accepted:,}", is_number=True),
    Column(title="REJECTED", width=8, text=lambda row: f"{row.rejected:,}", is_number=True),
    Column(title="FAILED%", width=7, text=lambda row: _rate(row.failure_rate), is_number=True),
    Column(title="SUSPECT%", width=8, text=lambda row: _rate(row.suspect_rate), is_number=True),
    Column(title="FLAGGED", width=7, text=lambda row: f"{row.flagged:,}", is_number=True),
    Column(title="FLAGGED%", width=8, text=lambda row: _rate(row.flagged_rate), is_number=True),
)
_FLAGS: Column[Any] = Column(title="FLAGS", width=12, text=_flags)
VISIT_COLUMNS: tuple[Column[VisitReportRow], ...] = (
    Column(title="DAY", width=10, text=lambda row: "-" if row.day is None else row.day.isoformat()),
    Column(title="AREA", width=10, text=lambda row: row.area_code),
    *_SUMS,
    Column(title="PERIMETER", width=12, text=lambda row: f"{row.perimeter:,}", is_number=True),
    _FLAGS,
)
STORE_COLUMNS: tuple[Column[StoreReportRow], ...] = (
    Column(title="STORE", width=12, text=lambda row: row.store_id),
    Column(title="AREA", width=10, text=lambda row: row.area_code),
    Column(title="LAST VISIT", width=20, text=lambda row: when(row.last_visit_at)),
    *_SUMS,
    Column(title="NAME", width=20, text=lambda row: row.store_name),
    Column(
        title="CAUSES",
        width=20,
        text=lambda row: ", ".join(f"{name} {n:,}" for name, n in row.causes.items()),
    ),
    _FLAGS,
)
AREA_COLUMNS: tuple[Column[AreaReportRow], ...] = (
    Column(title="AREA", width=10, text=lambda row: row.area_code),
    Column(title="STORES", width=7, text=lambda row: f"{row.stores:,}", is_number=True),
    Column(title="VISITED", width=7, text=lambda row: f"{row.stores_visited:,}", is_number=True),
    Column(title="VISITED%", width=8, text=lambda row: _rate(row.visited_rate), is_number=True),
    *_SUMS,
    _FLAGS,
)

_OPTIONS = (
    click.option(
        "--from",
        "from_day",
        metavar="DAY",
        callback=read_day,
        help="The first day: a date as 2026-11-20, today, yesterday, or 7d (days ago).",
    ),
    click.option(
        "--to",
        "to_day",
        metavar="DAY",
        callback=read_day,
        help="The last day, which is included; the same kinds of days as --from.",
    ),
    click.option(
        "--tz",
        metavar="ZONE",
        is_eager=True,
        help="The time zone of days, as Asia/Kolkata.  [default: UTC]",
    ),
    click.option("--area", multiple=True, metavar="CODE", help="Only of this area; may be repeated."),
    click.option("--store-id", multiple=True, metavar="ID", help="Only of this store; may be repeated."),
    click.option("--job", metavar="JOB", help="Only visits of this job: its id, or its name."),
    click.option("--suspect", is_flag=True, help="Only visits with a suspect image."),
    file_option,
    limit_options,
    json_option,
    with_client,
)


def _report_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.group()
def report() -> None:
    """Sum visits up: what was visited, and how many photos fail, are suspect or are flagged."""


@report.command()
@_report_options
def visits(
    client: Client, output: Path | None, limit: int, is_all: bool, as_json: bool, **filters: Any
) -> None:
    """Sum visits up by day and area, the oldest day first.

    \b
    Examples:
      retailpulse report visits --from 2026-11-20 --to 2026-11-26 --tz Asia/Kolkata
      retailpulse report visits --area 7100015 -o visits.xlsx
      retailpulse report visits --job "week 47" --json
    """
    if output is not None:
        saved_list(output, partial(client.export_report, "visits", **filters))
        return
    found = client.report_visits(**filters)
    show_list(found, VISIT_COLUMNS, as_json=as_json, limit=limit, is_all=is_all)


@report.command()
@_report_options
def stores(
    client: Client, output: Path | None, limit: int, is_all: bool, as_json: bool, **filters: Any
) -> None:
    """Sum visits up by store, with the last visit of each: stores that were visited.

    \b
    Examples:
      retailpulse report stores --area 7100015
      retailpulse report stores --suspect --from 2026-11-20 -o suspect.csv
    """
    if output is not None:
        saved_list(output, partial(client.export_report, "stores", **filters))
        return
    found = client.report_stores(**filters)
    show_list(found, STORE_COLUMNS, as_json=as_json, limit=limit, is_all=is_all)


@report.command()
@_report_options
def areas(
    client: Client, output: Path | None, limit: int, is_all: bool, as_json: bool, **filters: Any
) -> None:
    """Sum visits up by area, and say how many stores of each were visited.

    \b
    Examples:
      retailpulse report areas --from 2026-11-01 --to 2026-11-30
      retailpulse report areas --from 7d --to yesterday --tz Asia/Kolkata
      retailpulse report areas -o coverage.xlsx
    """
    if output is not None:
        saved_list(output, partial(client.export_report, "areas", **filters))
        return
    found = client.report_areas(**filters)
    show_list(found, AREA_COLUMNS, as_json=as_json, limit=limit, is_all=is_all)
