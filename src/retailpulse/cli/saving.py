"""Writes the results of a job to standard output or to a file, in pieces: a whole job is never in memory.

A file appears under its name only when it is complete. A reader that hangs up (`| head`) is no error.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import rich_click as click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from retailpulse.cli.answers import Page
from retailpulse.cli.connection import Service
from retailpulse.cli.progress import error_console
from retailpulse.cli.render import row_header, row_line

PAGE_ROWS = 1000

Pieces = Iterator[tuple[bytes, int]]
"""Bytes to write, and how many results they hold."""


@contextmanager
def pieces(service: Service, job_id: str, file_format: str, *, width: int | None) -> Iterator[Pieces]:
    """The results as table, csv or ndjson; lines of a table are cut to `width` where it is given."""
    if file_format == "table":
        yield _table(service, job_id, width)
    else:
        with service.results(job_id, file_format) as body:
            yield ((piece, piece.count(b"\n")) for piece in body)


def _table(service: Service, job_id: str, width: int | None) -> Pieces:
    # The first page is asked for before the header is written: an unknown job has none.
    following: str | None = None
    header = [row_header()]
    while True:
        page: Page = service.page(job_id, following=following, limit=PAGE_ROWS)
        lines = header + [row_line(row) for row in page.items]
        text = "".join(_cut(line, width) + "\n" for line in lines)
        yield text.encode("utf-8", "replace"), len(page.items)
        following, header = page.next, []
        if following is None:
            return


def _cut(line: str, width: int | None) -> str:
    return line if width is None or len(line) <= width else line[: width - 1] + "…"


def write_to_output(results: Pieces) -> None:
    """Write to standard output until done or until nobody reads any more."""
    output = sys.stdout.buffer
    try:
        for piece, _ in results:
            output.write(piece)
            output.flush()
    except BrokenPipeError:
        # The interpreter flushes standard output once more as it ends, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_to_file(results: Pieces, path: Path, *, total: int) -> int:
    """Write to the file, all or nothing, with a bar on a terminal; returns the bytes written."""
    size_bytes = 0
    with _bar() as bar, _appearing(path) as file:
        task = bar.add_task(f"Writing {path.name}", total=total)
        for piece, rows in results:
            file.write(piece)
            size_bytes += len(piece)
            bar.advance(task, rows)
    return size_bytes


@contextmanager
def _appearing(path: Path) -> Iterator[BinaryIO]:
    """A file beside `path` that takes its name when all went well, and vanishes otherwise."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise click.FileError(str(path), error.strerror) from error
    finally:
        part.unlink(missing_ok=True)


def _bar() -> Progress:
    console = error_console()
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
