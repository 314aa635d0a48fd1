"""The commands about the store master and what was seen there: stores, areas, visits."""

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import rich_click as click
from click.exceptions import Exit

from retailpulse.cli.connection import with_client
from retailpulse.cli.exports import file_option, saved_list
from retailpulse.cli.output import json_option
from retailpulse.cli.tables import Column, limit_options, print_json, show_list
from retailpulse.cli.terminal import echo
from retailpulse.cli.times import time_options
from retailpulse.cli.upload_progress import shown_upload
from retailpulse.cli.views import import_report
from retailpulse.client import Area, Client, Store, Visit


def _place(store: Store) -> str:
    if store.latitude is None or store.longitude is None:
        return "-"
    return f"{store.latitude:.5f},{store.longitude:.5f}"


STORE_COLUMNS: tuple[Column[Store], ...] = (
    Column(title="STORE", width=12, text=lambda store: store.store_id),
    Column(title="AREA", width=10, text=lambda store: store.area_code),
    Column(title="PLACE", width=21, text=_place),
    Column(title="NAME", width=4, text=lambda store: store.store_name),
)
AREA_COLUMNS: tuple[Column[Area], ...] = (
    Column(title="AREA", width=10, text=lambda area: area.area_code),
    Column(title="STORES", width=9, text=lambda area: f"{area.stores:,}", is_number=True),
)
VISIT_COLUMNS: tuple[Column[Visit], ...] = (
    Column(title="VISIT TIME", width=20, text=lambda visit: visit.visit_time),
    Column(title="STORE", width=12, text=lambda visit: visit.store_id),
    Column(title="AREA", width=10, text=lambda visit: visit.area_code),
    Column(title="IMAGES", width=6, text=lambda visit: f"{visit.images:,}", is_number=True),
    Column(title="FAILED", width=6, text=lambda visit: f"{visit.failed:,}", is_number=True),
    Column(title="CANCELLED", width=9, text=lambda visit: f"{visit.cancelled:,}", is_number=True),
    Column(title="PERIMETER", width=9, text=lambda visit: f"{visit.perimeter:,}", is_number=True),
    Column(title="JOB", width=36, text=lambda visit: visit.job_id),
    Column(title="NAME", width=4, text=lambda visit: visit.store_name),
)


@click.group()
def stores() -> None:
    """The store master."""


@stores.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--good-lines", is_flag=True, help="Load the good lines of a file that also has bad ones.")
@click.option("--check", is_flag=True, help="Say what loading the file would do, and load nothing.")
@click.option(
    "--columns",
    multiple=True,
    metavar="NAME:COLUMN",
    help="Which column is which, by header, letter or number: StoreID:'Outlet Code'; may be repeated.",
)
@click.option("--sheet", metavar="NAME", help="The sheet of a workbook; else the first with the header.")
@json_option
@with_client
def import_(
    client: Client,
    file: BinaryIO,
    good_lines: bool,
    check: bool,
    columns: tuple[str, ...],
    sheet: str | None,
    as_json: bool,
) -> None:
    """Load a file of stores (AreaCode,StoreName,StoreID): new ones are added, known ones changed.

    It may be CSV of any separator and encoding, XLSX, ODS or Parquet, also in gzip; its columns may have
    other usual names. With Latitude and Longitude, photos can be held against the place of their store.
    Bad lines are listed by number. A file with bad lines loads nothing, unless --good-lines is given.

    \b
    Examples:
      retailpulse stores import stores.csv
      retailpulse stores import stores.xlsx --check
      retailpulse stores import outlets.csv --columns StoreID:'Outlet Nr' --good-lines
    """
    with shown_upload("the stores") as sent:
        done = client.import_stores(
            file,
            good_lines=good_lines,
            dry_run=check,
            columns=",".join(columns) or None,
            sheet=sheet,
            on_sent=sent,
        )
    if as_json:
        print_json(done)
    else:
        for line in import_report(done):
            echo(line)
    raise Exit(1 if done.rejected else 0)


@stores.command()
@click.argument("text", required=False)
@click.option("--area", multiple=True, metavar="CODE", help="Only stores of this area; may be repeated.")
@click.option("--store-id", multiple=True, metavar="ID", help="Only this store; may be repeated.")
@file_option
@limit_options
@json_option
@with_client
def search(
    client: Client,
    text: str | None,
    area: tuple[str, ...],
    store_id: tuple[str, ...],
    output: Path | None,
    **options: Any,
) -> None:
    """Find stores whose name or id contains TEXT, in any case; without TEXT, all stores.

    \b
    Examples:
      retailpulse stores search harbour
      retailpulse stores search --area 7100015 --all
      retailpulse stores search -o stores.xlsx
    """
    if output is not None:
        saved_list(output, partial(client.export_stores, q=text, area=area, store_id=store_id))
        return
    show_list(client.stores(q=text, area=area, store_id=store_id), STORE_COLUMNS, **options)


@stores.command()
@click.argument("store_id", metavar="ID")
@json_option
@with_client
def show(client: Client, store_id: str, as_json: bool) -> None:
    """Show a store. Its visits are listed by `retailpulse visits --store-id ID`.

    \b
    Examples:
      retailpulse stores show RP00001 --json
    """
    store = client.store(store_id)
    if as_json:
        print_json(store)
    else:
        show_list(iter([store]), STORE_COLUMNS, as_json=False, limit=1, is_all=True)


@click.command()
@limit_options
@json_option
@with_client
def areas(client: Client, **options: Any) -> None:
    """List the areas of the store master, and how many stores each has.

    \b
    Examples:
      retailpulse areas --all
    """
    show_list(client.areas(), AREA_COLUMNS, **options)


@click.command()
@click.option("--area", multiple=True, metavar="CODE", help="Only of this area; may be repeated.")
@click.option("--store-id", multiple=True, metavar="ID", help="Only of this store; may be repeated.")
@time_options("Visited")
@file_option
@limit_options
@json_option
@with_client
def visits(
    client: Client,
    area: tuple[str, ...],
    store_id: tuple[str, ...],
    after: str | datetime | None,
    before: str | datetime | None,
    output: Path | None,
    **options: Any,
) -> None:
    """List visits of all jobs with their images and perimeters.

    \b
    Examples:
      retailpulse visits --store-id RP00001
      retailpulse visits --area 7100015 --after 7d
      retailpulse visits --area 7100015 --after 2026-11-20 --before 2026-11-27 --json
      retailpulse visits --after 2026-11-20 -o visits.xlsx
    """
    filters: dict[str, Any] = {
        "area": area,
        "store_id": store_id,
        "visited_after": after,
        "visited_before": before,
    }
    if output is not None:
        saved_list(output, partial(client.export_visits, **filters))
        return
    show_list(client.visits(**filters), VISIT_COLUMNS, **options)
