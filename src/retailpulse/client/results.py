"""The results of a job: one by one, as blocks of a file, or written to a file."""

import os
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Literal

import httpx

from retailpulse.client.errors import BadInput
from retailpulse.client.exchange import Exchange, Page
from retailpulse.client.params import Some, filters, job_path
from retailpulse.client.transports import HttpRequest
from retailpulse.schema import Result

ExportFormat = Literal["csv", "ndjson", "parquet"]
Safety = Literal["spreadsheet"]

FORMATS = ("csv", "ndjson", "parquet")
_SUFFIXES = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".parquet": "parquet"}


async def results(
    exchange: Exchange,
    job_id: str,
    *,
    outcome: Some = None,
    cause: Some = None,
    store_id: Some = None,
    suspect: bool | None = None,
    earlier: bool = False,
) -> AsyncGenerator[Result, None]:
    """The results of a job in the order of the submit, one by one; a page of them at a time is in memory.

    `outcome` is measured, failed, cancelled or unsettled; `cause` one of the causes of failures. `suspect`:
    only measured images that look damaged, or only all others. With `earlier`, each result has what the image
    was found to be before the job was retried. Raises NotFound.

    >>> for result in client.results(job_id, outcome="failed"):
    ...     print(result.image_no, result.cause)
    1 bad_url
    2 bad_url
    """
    params = filters(
        outcome=outcome,
        cause=cause,
        store_id=store_id,
        suspect=_flag(suspect),
        include="earlier" if earlier else None,
    )
    async for item in exchange.pages(job_path(job_id, "results"), params, Page[Result]):
        yield item


async def exported(
    exchange: Exchange,
    job_id: str,
    *,
    format: ExportFormat = "ndjson",
    outcome: Some = None,
    cause: Some = None,
    store_id: Some = None,
    suspect: bool | None = None,
    safe: Safety | None = None,
) -> AsyncGenerator[bytes, None]:
    """The results of a job as a file of CSV, NDJSON or Parquet, in blocks as they come.

    With `safe="spreadsheet"`, no text in a CSV can act as a formula in Excel and its like. An export that
    breaks off raises Unreachable: one that ends is whole. Raises NotFound, NotAcceptable, BadInput.

    >>> b"".join(client.exported(job_id, format="csv")).splitlines()[0][:28]
    b'image_no,store_id,visit_time'
    """
    async for block in exchange.blocks(_export_of(job_id, format, outcome, cause, store_id, suspect, safe)):
        yield block


async def export(
    exchange: Exchange,
    job_id: str,
    target: "str | os.PathLike[str] | IO[bytes]",
    *,
    format: ExportFormat | None = None,
    outcome: Some = None,
    cause: Some = None,
    store_id: Some = None,
    suspect: bool | None = None,
    safe: Safety | None = None,
    on_block: Callable[[bytes], None] | None = None,
) -> int:
    """Write the results of a job to a file, and give its size in bytes; memory is bounded.

    `target` is a path, whose suffix says the format unless `format` does, or a file that is open for
    writing bytes. A path's file appears when it is whole; whatever stood there before is kept until then.
    With `safe="spreadsheet"`, no text in a CSV can act as a formula in Excel and its like.
    `on_block` is given each block that was written. Raises NotFound, NotAcceptable, BadInput, OSError.

    >>> client.export(job_id, "results.csv") > 0
    True
    """
    request = _export_of(job_id, format or _format_of(target), outcome, cause, store_id, suspect, safe)
    if not isinstance(target, str | os.PathLike):
        async with exchange.opened(request) as response:
            return await _write(exchange, response, target, on_block)
    path = Path(target)

    async def write(response: httpx.Response) -> int:
        with appearing(path) as file:
            return await _write(exchange, response, file, on_block)

    return await exchange.attempt(request, write)


def _export_of(
    job_id: str,
    format: str,
    outcome: Some,
    cause: Some,
    store_id: Some,
    suspect: bool | None,
    safe: Safety | None,
) -> HttpRequest:
    if format not in FORMATS:
        raise BadInput(f"format {format!r} is not one of {', '.join(FORMATS)}")
    if safe and format != "csv":
        raise BadInput(f"safe: it is for CSV, and not for {format}")
    params = filters(
        format=format, safe=safe, outcome=outcome, cause=cause, store_id=store_id, suspect=_flag(suspect)
    )
    return HttpRequest(method="GET", path=job_path(job_id, "results"), params=params)


def _format_of(target: "str | os.PathLike[str] | IO[bytes]") -> str:
    name = os.fspath(target) if isinstance(target, str | os.PathLike) else str(getattr(target, "name", ""))
    found = _SUFFIXES.get(Path(name).suffix.lower())
    if found is None:
        raise BadInput(
            f"{name or 'the file'}: its name does not say its format; give one of {', '.join(FORMATS)}"
        )
    return found


def _flag(value: bool | None) -> str | None:
    return None if value is None else str(value).lower()


async def _write(
    exchange: Exchange,
    response: httpx.Response,
    file: IO[bytes],
    on_block: Callable[[bytes], None] | None,
) -> int:
    size_bytes = 0
    async for block in exchange.transport.blocks(response):
        await exchange.transport.run(partial(file.write, block))
        size_bytes += len(block)
        if on_block is not None:
            on_block(block)
    return size_bytes


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
