"""Reads a store file in pieces while it is sent, and shows how far that is: a bar, then a spinner."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn

from retailpulse.cli.progress import error_console

_PIECE_BYTES = 256 * 1024


def size_of(file: BinaryIO) -> int | None:
    """Size of a regular file in bytes; None for a pipe, whose end nobody knows."""
    try:
        facts = os.fstat(file.fileno())
    except OSError:
        return None
    return facts.st_size if stat.S_ISREG(facts.st_mode) else None


@contextmanager
def shown_upload(file: BinaryIO, size_bytes: int | None) -> Iterator[Iterator[bytes]]:
    """The pieces of the file; taking them moves the bar, the last one starts the spinner."""
    console = error_console()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        yield _pieces(file, bar, size_bytes)


def _pieces(file: BinaryIO, bar: Progress, size_bytes: int | None) -> Iterator[bytes]:
    task = bar.add_task("Sending the stores", total=size_bytes)
    while piece := file.read(_PIECE_BYTES):
        yield piece
        bar.advance(task, len(piece))
    bar.update(task, description="The service loads them", total=None)
