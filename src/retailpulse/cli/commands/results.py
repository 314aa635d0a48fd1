"""The command `results`: the result of every image, to standard output or whole to a file."""

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import rich_click as click

from retailpulse.cli.connection import CAUSES, with_client
from retailpulse.cli.exports import BINARY, file_errors, named_format, save, write_out
from retailpulse.cli.tables import Column, array_lines, cut, lines
from retailpulse.cli.terminal import echo
from retailpulse.client import Client, ExportFormat, Outcome, Result, appearing
from retailpulse.client.exports import SUFFIXES as EXPORT_SUFFIXES
from retailpulse.domain.flags import Flag
from retailpulse.domain.reviews import ReviewState

COLUMNS: tuple[Column[Result], ...] = (
    Column(title="IMAGE", width=8, text=lambda row: str(row.image_no), is_number=True),
    Column(title="STORE", width=12, text=lambda row: row.store_id),
    Column(title="OUTCOME", width=19, text=lambda row: row.cause or row.outcome or "-"),
    Column(title="FORMAT", width=6, text=lambda row: row.format or "-"),
    Column(title="SIZE", width=11, text=lambda row: f"{row.width}x{row.height}" if row.width else "-"),
    Column(
        title="PERIMETER",
        width=9,
        text=lambda row: f"{row.perimeter:,}" if row.perimeter else "-",
        is_number=True,
    ),
    Column(title="FLAGS", width=14, text=lambda row: ",".join(row.flags) or "-"),
    Column(
        title="URL", width=3, text=lambda row: row.image_url + (f"  ({row.detail})" if row.detail else "")
    ),
)
ResultFormat = Literal["table", "json", "csv", "ndjson", "parquet", "xlsx"]
SUFFIXES: Mapping[str, ResultFormat] = {**EXPORT_SUFFIXES, ".json": "json", ".txt": "table"}


@click.command()
@click.argument("job_id", metavar="ID")
@click.option(
    "--format",
    "file_format",
    type=click.Choice(get_args(ResultFormat)),
    help="Default: by the name of the output file, else a table.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON: the same as --format json.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write to this file, whose ending says the format; it appears when it is complete.",
)
@click.option(
    "--outcome",
    type=click.Choice([*(str(outcome) for outcome in Outcome), "unsettled"]),
    multiple=True,
    help="Only images with this outcome; may be repeated.",
)
@click.option(
    "--cause",
    type=CAUSES,
    metavar="CAUSE",
    multiple=True,
    help="Only images that failed for this cause; may be repeated.",
)
@click.option("--store-id", multiple=True, metavar="ID", help="Only images of this store; may be repeated.")
@click.option("--suspect", is_flag=True, default=None, help="Only measured images that look damaged.")
@click.option(
    "--flag",
    type=click.Choice([str(flag) for flag in Flag]),
    multiple=True,
    help="Only images with this flag; may be repeated.",
)
@click.option(
    "--review",
    type=click.Choice([str(state) for state in ReviewState]),
    multiple=True,
    help="Only images on which this decision stands; undecided: flagged ones with none; may be repeated.",
)
@click.option("--earlier", is_flag=True, help="With JSON: also the results from before a retry.")
@click.option(
    "--excel/--no-excel",
    "is_for_excel",
    default=None,
    help="CSV in which no text can act as a formula.  [default: for a FILE that ends with .csv]",
)
@with_client
def results(
    client: Client,
    job_id: str,
    file_format: ResultFormat | None,
    as_json: bool,
    output: Path | None,
    earlier: bool,
    is_for_excel: bool | None,
    **filters: Any,
) -> None:
    """Print the result of every image of a job, in the order of the submit.

    \b
    Examples:
      retailpulse results 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11 | less -S
      retailpulse results 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11 --outcome failed --cause timeout
      retailpulse results 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11 --suspect -o damaged.csv
      retailpulse results 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11 --flag blurred --flag dark
      retailpulse results 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11 --format ndjson | jq .perimeter
      retailpulse results 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11 -o results.xlsx
      retailpulse results 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11 -o results.csv.gz
      retailpulse results 0198f0c2-6f3e-7cc1-a0d2-6a1f0f6f2b11 --format csv --no-excel > results.csv
    """
    named = named_format(output, SUFFIXES, is_chosen=as_json or file_format is not None)
    chosen = "json" if as_json else file_format or named or "table"
    if earlier and chosen != "json":
        raise click.UsageError("--earlier is for --format json")
    if is_for_excel and chosen != "csv":
        raise click.UsageError("--excel is for --format csv")
    if is_for_excel is None:
        is_for_excel = chosen == "csv" and named == "csv"
    asked = {**filters, "safe": "spreadsheet"} if is_for_excel else filters
    match chosen:
        case "table" | "json":
            _show(client.results(job_id, earlier=earlier, **filters), chosen, output)
        case _ if output is None:
            write_out(client.exported(job_id, format=chosen, **asked), chosen)
        case _:
            _save(client, job_id, chosen, output, asked)


def _show(found: Iterator[Result], chosen: str, output: Path | None) -> None:
    """Prints results as a table or as JSON, or writes that to a file."""
    if output is None:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        for line in _texts(found, chosen):
            echo(cut(line, width))
        return
    with file_errors(output), appearing(output) as file:
        for line in _texts(found, chosen):
            file.write(line.encode("utf-8", "replace") + b"\n")


def _texts(found: Iterator[Result], chosen: str) -> Iterator[str]:
    return array_lines(found) if chosen == "json" else lines(found, COLUMNS)


def _save(
    client: Client, job_id: str, chosen: ExportFormat, output: Path, filters: Mapping[str, Any]
) -> None:
    """Writes an export to a file, all or nothing, with a bar on a terminal."""
    is_filtered = any(value for name, value in filters.items() if name != "safe")
    total = None if is_filtered or chosen in BINARY else client.job(job_id).images.total

    def export(on_block: Callable[[bytes], None]) -> int:
        return client.export(job_id, output, format=chosen, on_block=on_block, **filters)

    save(output, chosen, export, total)
