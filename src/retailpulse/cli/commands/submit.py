"""The command `submit`: a file of visits becomes a job."""

import re
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, get_args

import rich_click as click
from click.exceptions import Exit

from retailpulse.cli.connection import read_label, with_client
from retailpulse.cli.credentials import credentials_option
from retailpulse.cli.output import json_option
from retailpulse.cli.submit_report import dry_run_lines, refused_lines, skipped_lines, warning_lines
from retailpulse.cli.tables import print_json
from retailpulse.cli.terminal import echo
from retailpulse.cli.upload_progress import shown_upload
from retailpulse.cli.watch import watch_to_the_end
from retailpulse.client import Client, FileFormat, InvalidRequest, SubmittedJob, Unreachable
from retailpulse.domain.date_formats import DateOrder
from retailpulse.domain.images import Depth


def _read_columns(
    _context: click.Context, _option: click.Parameter, texts: tuple[str, ...]
) -> dict[str, str]:
    found = {}
    for text in texts:
        name, separator, column = re.sub("[:=]", "=", text, count=1).partition("=")
        if not separator or not column.strip():
            raise click.BadParameter(f"{text!r} is not NAME=COLUMN, such as store_id=Outlet")
        if name.strip() in found:
            raise click.BadParameter(
                f"{name.strip()} is named twice; several photos in a row are read from "
                "columns that differ by their number alone, as Photo 1 and Photo 2"
            )
        found[name.strip()] = column.strip()
    return found


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--format",
    type=click.Choice(get_args(FileFormat)),
    help="Default: by the name of the file, else by its bytes.",
)
@click.option(
    "--depth",
    type=click.Choice([str(depth) for depth in Depth]),
    help="How thoroughly images are checked.  [default: as in the file, else as the service is set]",
)
@click.option(
    "--priority", type=click.IntRange(-100, 100), help="Jobs with a higher priority go first.  [default: 0]"
)
@click.option("--name", help="Name of the job.")
@click.option(
    "--label",
    "labels",
    multiple=True,
    callback=read_label,
    metavar="NAME=VALUE",
    help="A label; may be repeated.",
)
@click.option("--callback-url", metavar="URL", help="Receiver that is told when the job has ended.")
@click.option(
    "--columns",
    multiple=True,
    callback=_read_columns,
    metavar="NAME=COLUMN",
    help="Which column of a table is store_id, image_url or visit_time, by its header, letter or number; "
    "may be repeated.",
)
@click.option("--sheet", metavar="NAME", help="The sheet of a workbook; else the first with the header.")
@click.option(
    "--date-order",
    type=click.Choice([str(order) for order in DateOrder]),
    help="How visit times such as 3/4/2026 are read.  [default: as the service is set, else not at all]",
)
@click.option(
    "--on-bad-row",
    type=click.Choice(["refuse", "skip"]),
    help="Whether rows that are wrong refuse the whole file, or are left out.  [default: refuse]",
)
@click.option("--check", is_flag=True, help="Say what the job would be, and submit nothing.")
@credentials_option
@click.option(
    "--idempotency-key",
    metavar="KEY",
    help="Submitting the same file with the same key again makes no second job.",
)
@click.option("--watch", is_flag=True, help="Show the job until it ends.")
@json_option
@with_client
def submit(
    client: Client,
    file: str,
    idempotency_key: str | None,
    watch: bool,
    check: bool,
    as_json: bool,
    **fields: Any,
) -> None:
    """Submit a job, a file of visits in JSON, NDJSON, CSV, XLSX, ODS or Parquet, and print its id.

    The id stands alone on standard output; warnings and wrong rows go to standard error. A table has the
    columns store_id, image_url and visit_time, by these or other usual names, a row for each image; NDJSON
    has a visit in each line. A submit that breaks off is sent again; with --idempotency-key you may send it
    again yourself.

    Exit codes: 0 submitted, or nothing wrong with --check; 1 refused, or rows are wrong; 2 wrong options.

    \b
    Examples:
      retailpulse submit job.json
      retailpulse submit job.json --depth header --watch
      retailpulse submit visits.xlsx --check
      retailpulse submit outlets.csv --columns store_id=Outlet --date-order day-first --on-bad-row skip
      retailpulse submit visits.csv --name "week 47" --label region=north --priority 10
      generate-visits | retailpulse submit - --format ndjson --idempotency-key "visits-$(date +%F)"
      retailpulse results "$(retailpulse submit job.json)"
    """
    visits = sys.stdin.buffer if file == "-" else file
    with _error_table():
        if check:
            raise Exit(_check(client, visits, fields, as_json=as_json))
        job = _submit(client, visits, fields, idempotency_key)
    if not (as_json and watch):
        print_json(job) if as_json else echo(job.job_id)
    if watch:
        watch_to_the_end(client, job.job_id, as_json=as_json, summary_to_stderr=True)


def _submit(client: Client, visits: Any, fields: dict[str, Any], key: str | None) -> SubmittedJob:
    key = str(uuid.uuid4()) if key is None else key
    with _resume_hint(key), shown_upload("the visits") as sent:
        job = client.submitted(visits, idempotency_key=key, on_sent=sent, **fields)
    for line in (*warning_lines(job.warnings), *skipped_lines(job)):
        echo(line, err=True)
    return job


def _check(client: Client, visits: Any, fields: dict[str, Any], *, as_json: bool) -> int:
    """Shows what a submit would be; returns the exit code."""
    with shown_upload("the visits") as sent:
        found = client.dry_run(visits, on_sent=sent, **fields)
    if as_json:
        print_json(found)
    else:
        for line in dry_run_lines(found):
            echo(line)
    return 1 if found.error_count else 0


@contextmanager
def _error_table() -> Iterator[None]:
    """Lists the rows for which a submit is refused."""
    try:
        yield
    except InvalidRequest as error:
        for line in refused_lines(error.members):
            echo(line, err=True)
        raise


@contextmanager
def _resume_hint(key: str) -> Iterator[None]:
    """Tells the key of a submit that was interrupted when it may have been accepted."""
    text = f"It may be accepted or not; with --idempotency-key {key} the same command makes no second job."
    try:
        yield
    except Unreachable as error:
        if error.was_sent:
            echo(text, err=True)
        raise
    except KeyboardInterrupt:
        echo(f"\n{text}", err=True)
        raise
