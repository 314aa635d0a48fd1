"""Exports of a command: to a file whose ending says the format, or byte for byte to standard output."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import rich_click as click

from retailpulse.cli.progress import shown_count
from retailpulse.cli.terminal import echo, printable_blocks
from retailpulse.client.exports import suffix_of

Name = TypeVar("Name", bound=str)

BINARY = ("parquet", "xlsx")
"""Formats that are no text."""


def named_format(
    output: Path | None, suffixes: Mapping[str, Name], *, is_chosen: bool = False
) -> Name | None:
    """The format that a file's name says; raises UsageError for an unknown ending unless one is chosen."""
    if output is None:
        return None
    suffix = suffix_of(output.name, suffixes)
    if suffix is None and not is_chosen:
        raise click.UsageError(
            f"{output.name}: its ending says no format that is written here: {', '.join(suffixes)}"
        )
    return suffixes[suffix] if suffix else None


def write_out(blocks: Iterable[bytes], chosen: str) -> None:
    """Passes an export on as it comes, byte for byte; a terminal gets no control characters."""
    is_terminal = sys.stdout.isatty()
    if chosen in BINARY and is_terminal:
        raise click.UsageError(f"{chosen} cannot be shown on a terminal: give a file with -o, or a pipe")
    shown: Callable[[bytes], bytes] = printable_blocks() if is_terminal else bytes
    for block in blocks:
        sys.stdout.buffer.write(shown(block))
        sys.stdout.buffer.flush()


def save(
    output: Path, chosen: str, export: Callable[[Callable[[bytes], None]], int], total: int | None = None
) -> None:
    """Has `export` write a file, with a bar of its rows on a terminal, and says how large it is.

    `export` is given what to call with each block that was written, and gives the size of the file.
    """
    has_lines = chosen not in BINARY
    with file_errors(output), shown_count(f"Writing {output.name}", total if has_lines else None) as count:
        size_bytes = export(lambda block: count(block.count(b"\n") if has_lines else 0))
    echo(f"{output}: {size_bytes:,} bytes", err=True)


@contextmanager
def file_errors(path: Path) -> Iterator[None]:
    """Tells what the system has against a file with its name."""
    try:
        yield
    except OSError as error:
        raise click.FileError(str(path), error.strerror) from error


LIST_SUFFIXES = {".csv": "csv", ".csv.gz": "csv", ".xlsx": "xlsx"}
"""The endings of files that lists and reports are written to."""

file_option = click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write all of it to this file: .csv, .csv.gz or .xlsx; no text in it can act as a formula.",
)


def saved_list(output: Path, export: Callable[..., int]) -> None:
    """Writes a list or a report to a file by `export`, all of it, safe for spreadsheets."""
    chosen = named_format(output, LIST_SUFFIXES)
    safe = "spreadsheet" if chosen == "csv" else None
    save(output, str(chosen), lambda on_block: export(output, safe=safe, on_block=on_block))
