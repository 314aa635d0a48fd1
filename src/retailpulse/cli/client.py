"""The commands that speak to a running service: stores import, submit, watch, status, results.

How they speak is `connection`'s, how answers look `render`'s. Exit codes: 0 completed, 1 failed or refused,
2 usage, 3 the service cannot be reached.
"""

import shutil
import sys
from pathlib import Path
from typing import BinaryIO

import msgspec
import rich_click as click
from click.exceptions import Exit

from retailpulse.cli.answers import Job
from retailpulse.cli.connection import Service, url_option
from retailpulse.cli.following import exit_code, watch_to_the_end
from retailpulse.cli.render import import_report, job_view, output_console
from retailpulse.cli.saving import pieces, write_to_file, write_to_output
from retailpulse.cli.uploading import shown_upload, size_of
from retailpulse.domain.images import Depth

patience_option = click.option(
    "--patience",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long an outage of the service is waited out.",
)


@click.group()
def stores() -> None:
    """The store master."""


@stores.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--good-lines", is_flag=True, help="Load the good lines of a file that has bad ones.")
@url_option
def import_(file: BinaryIO, good_lines: bool, url: str) -> None:
    """Load a CSV file of stores (AreaCode,StoreName,StoreID): new ones are added, known ones changed.

    Bad lines are named with their numbers; nothing of a file with a bad line is loaded unless asked for.

    \b
    Examples:
      retailpulse stores import stores.csv
      retailpulse stores import stores.csv --good-lines
      zcat stores.csv.gz | retailpulse stores import -
    """
    size_bytes = size_of(file)
    with Service(url) as service, shown_upload(file, size_bytes) as content:
        done = service.import_stores(content, size_bytes=size_bytes, good_lines=good_lines)
    for line in import_report(done):
        click.echo(line)
    raise Exit(1 if done.rejected else 0)


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option(
    "--depth",
    type=click.Choice([str(depth) for depth in Depth]),
    help="How deep images are looked at; without it, as the file or the service says.",
)
@click.option("--watch", is_flag=True, help="Show the job until it ends.")
@patience_option
@url_option
def submit(file: BinaryIO, depth: str | None, watch: bool, patience: float, url: str) -> None:
    """Submit a job, a JSON file of visits, and print its id.

    The id stands alone on standard output, so that it can be piped.

    \b
    Examples:
      retailpulse submit job.json
      retailpulse submit job.json --depth header --watch
      generate-visits | retailpulse submit -
      retailpulse results "$(retailpulse submit job.json)"
    """
    body = file.read()
    with Service(url) as service:
        job_id = service.submit(_with_depth(body, depth) if depth else body)
        click.echo(job_id)
        if watch:
            watch_to_the_end(service, job_id, patience_seconds=patience, summary_to_stderr=True)


@click.command()
@click.argument("job_id", metavar="ID")
@patience_option
@url_option
def watch(job_id: str, patience: float, url: str) -> None:
    """Show a job until it ends. Ctrl-C ends the watching, not the job.

    Exits with 0 when the job completed, 1 when it failed, 3 when the service cannot be reached.

    \b
    Examples:
      retailpulse watch 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11
      retailpulse watch "$(retailpulse submit job.json)"
    """
    with Service(url) as service:
        service.job(job_id)  # an unknown job or no service: say so at once, with no bar and no patience
        watch_to_the_end(service, job_id, patience_seconds=patience, summary_to_stderr=False)


@click.command()
@click.argument("job_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print what the service answers, as JSON.")
@url_option
def status(job_id: str, as_json: bool, url: str) -> None:
    """Say where a job stands: its images, the causes of failures, the stores that have some.

    Exits with 1 when the job failed, 0 when it completed or goes on.

    \b
    Examples:
      retailpulse status 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11
      retailpulse status 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11 --json
    """
    with Service(url) as service:
        text = service.job_text(job_id)
    job = msgspec.json.decode(text, type=Job)
    if as_json:
        click.echo(text)
    else:
        output_console().print(job_view(job))
    raise Exit(exit_code(job))


@click.command()
@click.argument("job_id", metavar="ID")
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["table", "csv", "ndjson"]),
    help="Without it: as the name of the file says, otherwise a table.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write to this file; it appears when it is complete.",
)
@url_option
def results(job_id: str, file_format: str | None, output: Path | None, url: str) -> None:
    """Print the result of every image of a job, in the order of the submit.

    \b
    Examples:
      retailpulse results 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11 | less -S
      retailpulse results 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11 --format ndjson
      retailpulse results 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11 -o results.csv
    """
    chosen = file_format or _format_of(output)
    width = shutil.get_terminal_size().columns if output is None and sys.stdout.isatty() else None
    with Service(url) as service:
        total = service.job(job_id).images.total
        with pieces(service, job_id, chosen, width=width) as found:
            if output is None:
                write_to_output(found)
                return
            size_bytes = write_to_file(found, output, total=total)
    click.echo(f"{output}: {total:,} results, {size_bytes:,} bytes", err=True)


def _format_of(output: Path | None) -> str:
    suffixes = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson"}
    return suffixes.get(output.suffix.lower(), "table") if output else "table"


def _with_depth(body: bytes, depth: str) -> bytes:
    """The body with its depth set; all else stays as it is, byte for byte."""
    try:
        fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except msgspec.MsgspecError as error:
        raise click.ClickException(f"The file is not a JSON object in UTF-8: {error}") from error
    fields["depth"] = msgspec.Raw(msgspec.json.encode(depth))
    return msgspec.json.encode(fields)
