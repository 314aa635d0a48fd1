"""Exports: answers that are files of many rows, written whole to a file or given in blocks.

The suffix of a path says the format, and `.gz` after it that the file is compressed, which happens here.
"""

import gzip
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Literal

import httpx

from retailpulse.client.errors import BadInput
from retailpulse.client.exchange import Exchange
from retailpulse.client.params import filters
from retailpulse.client.transports import LONG_SECONDS, HttpRequest, Params

Safety = Literal["spreadsheet"]
OnBlock = Callable[[bytes], None] | None

ExportFormat = Literal["csv", "ndjson", "parquet", "xlsx"]
TableFormat = Literal["csv", "xlsx"]

TABLE_FORMATS = ("csv", "xlsx")
"""The formats of lists and reports."""
SUFFIXES: Mapping[str, ExportFormat] = {
    ".csv": "csv",
    ".csv.gz": "csv",
    ".ndjson": "ndjson",
    ".ndjson.gz": "ndjson",
    ".jsonl": "ndjson",
    ".jsonl.gz": "ndjson",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
}
"""The format that the end of a file's name says; what ends with .gz is compressed."""


def suffix_of(name: str, suffixes: Mapping[str, str] = SUFFIXES) -> str | None:
    """The known suffix with which a name ends, in whatever case; None if it is another."""
    path = Path(name.lower())
    two, one = "".join(path.suffixes[-2:]), path.suffix
    return next((suffix for suffix in (two, one) if suffix in suffixes), None)


def format_of(target: "str | os.PathLike[str] | IO[bytes]", formats: tuple[str, ...]) -> str:
    """The format that the name of a file says; raises BadInput if it says none of `formats`."""
    name = os.fspath(target) if isinstance(target, str | os.PathLike) else str(getattr(target, "name", ""))
    suffix = suffix_of(name)
    if suffix is None or SUFFIXES[suffix] not in formats:
        raise BadInput(
            f"{name or 'the file'}: its name does not say its format; give one of {', '.join(formats)}"
        )
    return SUFFIXES[suffix]


def checked_format(format: str, formats: tuple[str, ...], safe: Safety | None) -> None:
    """Raises BadInput if a format is none of `formats`, or if it knows no `safe`."""
    if format not in formats:
        raise BadInput(f"format {format!r} is not one of {', '.join(formats)}")
    if safe and format != "csv":
        raise BadInput(f"safe: it is for CSV, and not for {format}")


def export_request(path: str, params: Params) -> HttpRequest:
    """The request for a file; one of XLSX may be silent for long: it is written whole before it is sent."""
    is_late = ("format", "xlsx") in params
    return HttpRequest(method="GET", path=path, params=params, read_seconds=LONG_SECONDS if is_late else None)


async def save(
    exchange: Exchange,
    request: HttpRequest,
    target: "str | os.PathLike[str] | IO[bytes]",
    on_block: OnBlock = None,
) -> int:
    """Writes the answer to a request to a file; gives its size in bytes.

    A path's file appears when it is whole, compressed if its name ends with .gz. Raises ClientError, OSError.
    """
    if not isinstance(target, str | os.PathLike):
        async with exchange.opened(request) as response:
            return await _write(exchange, response, target, on_block)
    path = Path(target)

    async def write(response: httpx.Response) -> int:
        with appearing(path) as file:
            with _compressed(path, file) as compressed:
                await _write(exchange, response, compressed, on_block)
            return file.tell()

    return await exchange.attempt(request, write)


async def save_list(
    exchange: Exchange,
    path: str,
    params: Params,
    target: "str | os.PathLike[str] | IO[bytes]",
    *,
    format: TableFormat | None,
    safe: Safety | None,
    on_block: OnBlock,
) -> int:
    """Writes a list or a report to a file of CSV or XLSX, as its name says if no `format` is given.

    Gives its size in bytes. Raises BadInput, and what `save` raises.
    """
    format_name = format or format_of(target, TABLE_FORMATS)
    checked_format(format_name, TABLE_FORMATS, safe)
    asked = [*params, *filters(format=format_name, safe=safe)]
    return await save(exchange, export_request(path, asked), target, on_block)


async def _write(exchange: Exchange, response: httpx.Response, file: IO[bytes], on_block: OnBlock) -> int:
    size_bytes = 0
    async for block in exchange.transport.blocks(response):
        await exchange.transport.run(partial(file.write, block))
        size_bytes += len(block)
        if on_block is not None:
            on_block(block)
    return size_bytes


@contextmanager
def _compressed(path: Path, file: IO[bytes]) -> Iterator[IO[bytes]]:
    if path.suffix.lower() != ".gz":
        yield file
        return
    # No time and no name in it: the same rows make the same file.
    with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as compressed:
        yield compressed  # type: ignore[misc]  # a file in all but its declared type


@contextmanager
def appearing(path: Path) -> Iterator[IO[bytes]]:
    """A file beside `path` that takes its name when all went well, and vanishes otherwise."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
