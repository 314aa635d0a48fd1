"""The command `matches`: photos that were handed in before, each with the earliest one that it is like.

They are shown, or written to a file.
"""

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
from retailpulse.client import Client, Match, MatchedPhoto
from retailpulse.domain.ids import parse_job_id
from retailpulse.domain.matches import MatchKind, Relation


def _image(photo: MatchedPhoto) -> str:
    return f"{photo.job_id}/{photo.image_no}"


COLUMNS: tuple[Column[Match], ...] = (
    Column(title="KIND", width=10, text=lambda match: match.kind),
    Column(title="BITS", width=4, text=lambda match: f"{match.distance}", is_number=True),
    Column(title="RELATION", width=11, text=lambda match: match.relation),
    Column(title="STORE", width=12, text=lambda match: match.photo.store_id),
    Column(title="AREA", width=10, text=lambda match: match.area or "-"),
    Column(title="VISIT", width=20, text=lambda match: match.photo.visit_time or "-"),
    Column(title="EARLIER STORE", width=13, text=lambda match: match.earlier.store_id),
    Column(title="EARLIER VISIT", width=20, text=lambda match: match.earlier.visit_time or "-"),
    Column(title="SETTLED", width=20, text=lambda match: when(match.photo.settled_at)),
    Column(title="IMAGE", width=38, text=lambda match: _image(match.photo)),
    Column(title="EARLIER IMAGE", width=38, text=lambda match: _image(match.earlier)),
)


def _read_job_ids(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    """Reads ids of jobs, as the service would name its own parameter and not the option."""
    for value in values:
        if parse_job_id(value) is None:
            raise click.BadParameter(f"{value!r} is no id of a job")
    return values


@click.command()
@click.option(
    "--kind",
    type=click.Choice([str(kind) for kind in MatchKind]),
    multiple=True,
    help="Only the same file, copies, or the same scene; may be repeated.",
)
@click.option(
    "--relation",
    type=click.Choice([str(relation) for relation in Relation]),
    multiple=True,
    help="Only if the visits belong together so; may be repeated.",
)
@click.option(
    "--job",
    "job_id",
    multiple=True,
    callback=_read_job_ids,
    metavar="ID",
    help="Only photos of this job; may be repeated.",
)
@click.option("--store-id", multiple=True, metavar="ID", help="Only photos of this store; may be repeated.")
@click.option("--area", multiple=True, metavar="CODE", help="Only of this area; may be repeated.")
@time_options("Settled", start="--since", end="--until")
@file_option
@limit_options
@json_option
@with_client
def matches(
    client: Client, output: Path | None, limit: int, is_all: bool, as_json: bool, **filters: Any
) -> None:
    """List photos that were handed in before, the newest first, each with the earliest one that it is like.

    \b
    Examples:
      retailpulse matches
      retailpulse matches --kind same_file --kind copy --relation other_store --since 7d
      retailpulse matches --area 7100 --json --all | jq '.[] | .photo.image_url'
      retailpulse matches --relation other_store --since 2026-11-20 -o matches.xlsx
    """
    if output is not None:
        saved_list(output, partial(client.export_matches, **filters))
        return
    show_list(client.matches(**filters), COLUMNS, as_json=as_json, limit=limit, is_all=is_all)
