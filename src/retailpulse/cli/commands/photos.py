"""The command `photos`: flagged photos of all jobs, shown, or written to a file."""

from functools import partial
from pathlib import Path
from typing import Any

import rich_click as click

from retailpulse.cli.connection import with_client
from retailpulse.cli.exports import file_option, saved_list
from retailpulse.cli.output import json_option
from retailpulse.cli.tables import Column, limit_options, show_list
from retailpulse.cli.times import time_options
from retailpulse.cli.views import when
from retailpulse.client import Client, FlaggedPhoto
from retailpulse.domain.flags import Flag

COLUMNS: tuple[Column[FlaggedPhoto], ...] = (
    Column(title="SETTLED", width=20, text=lambda photo: when(photo.settled_at)),
    Column(title="FLAGS", width=20, text=lambda photo: ",".join(photo.flags)),
    Column(title="STORE", width=12, text=lambda photo: photo.store_id),
    Column(title="AREA", width=10, text=lambda photo: photo.area or "-"),
    Column(title="VISIT TIME", width=20, text=lambda photo: photo.visit_time),
    Column(title="JOB", width=36, text=lambda photo: photo.job_id),
    Column(title="IMAGE", width=8, text=lambda photo: str(photo.image_no), is_number=True),
    Column(title="URL", width=3, text=lambda photo: photo.image_url),
)


@click.command()
@click.option(
    "--flag",
    type=click.Choice([str(flag) for flag in Flag]),
    multiple=True,
    help="Only photos with this flag; may be repeated.  [default: with any flag]",
)
@click.option("--area", multiple=True, metavar="CODE", help="Only of this area; may be repeated.")
@click.option("--store-id", multiple=True, metavar="ID", help="Only of this store; may be repeated.")
@click.option("--job-id", multiple=True, metavar="ID", help="Only of this job; may be repeated.")
@time_options("Settled", start="--since", end="--until")
@file_option
@limit_options
@json_option
@with_client
def photos(
    client: Client, output: Path | None, limit: int, is_all: bool, as_json: bool, **filters: Any
) -> None:
    """List flagged photos of all jobs, the newest first.

    \b
    Examples:
      retailpulse photos --flag blurred --area 7100015 --since 7d
      retailpulse photos --flag dark --flag blank --json
      retailpulse photos --since 2026-11-20 --until 2026-11-27 -o flagged.xlsx
    """
    if output is not None:
        saved_list(output, partial(client.export_photos, **filters))
        return
    show_list(client.photos(**filters), COLUMNS, as_json=as_json, limit=limit, is_all=is_all)
