"""The command `submit`: a file of visits becomes a job."""

import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import rich_click as click

from retailpulse.cli.connection import read_label, with_client
from retailpulse.cli.credentials import credentials_option
from retailpulse.cli.output import json_option
from retailpulse.cli.tables import print_json
from retailpulse.cli.terminal import echo
from retailpulse.cli.upload_progress import shown_upload
from retailpulse.cli.watch import watch_to_the_end
from retailpulse.client import Client, FileFormat, InvalidRequest, Unreachable
from retailpulse.domain.images import Depth


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["json", "csv", "ndjson"]),
    help="Default: by the name of the file; standard input is JSON.",
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
    file_format: FileFormat | None,
    idempotency_key: str | None,
    watch: bool,
    as_json: bool,
    **fields: Any,
) -> None:
    """Submit a job, a file of visits in JSON, CSV or NDJSON, and print its id.

    The id stands alone on standard output, so that it can be piped. CSV has the columns store_id, image_url
    and visit_time, a line for each image; NDJSON has a visit in each line. Both may be of any length.
    A submit that breaks off is sent again; with --idempotency-key you may send it again yourself.

    \b
    Examples:
      retailpulse submit job.json
      retailpulse submit job.json --depth header --watch
      retailpulse submit visits.csv --name "week 47" --label region=north --priority 10
      generate-visits | retailpulse submit - --format ndjson --idempotency-key "visits-$(date +%F)"
      retailpulse results "$(retailpulse submit job.json)"
    """
    key = idempotency_key or str(uuid.uuid4())
    is_piped = file == "-"
    is_guessed = is_piped and file_format is None
    with _resume_hint(key), _format_hint(is_guessed), shown_upload("the visits") as sent:
        job_id = client.submit(
            sys.stdin.buffer if is_piped else file,
            format=file_format or ("json" if is_piped else None),
            idempotency_key=key,
            on_sent=sent,
            **fields,
        )
    if as_json and not watch:
        print_json({"job_id": job_id})
    elif not as_json:
        echo(job_id)
    if watch:
        watch_to_the_end(client, job_id, as_json=as_json, summary_to_stderr=True)


@contextmanager
def _format_hint(is_guessed: bool) -> Iterator[None]:
    """Says how else standard input is read, if it turns out to be no JSON."""
    try:
        yield
    except InvalidRequest as error:
        if is_guessed and "not JSON" in str(error):
            echo("Standard input is read as JSON; --format csv or --format ndjson says otherwise.", err=True)
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
