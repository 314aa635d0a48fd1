"""The results of a job: one by one, as blocks of a file, or written to a file."""

import os
from collections.abc import AsyncGenerator
from typing import IO

from retailpulse.client.exchange import Exchange, Page
from retailpulse.client.exports import (
    ExportFormat,
    OnBlock,
    Safety,
    checked_format,
    export_request,
    format_of,
    save,
)
from retailpulse.client.params import Some, filters, job_path
from retailpulse.client.transports import HttpRequest
from retailpulse.schema import Result

FORMATS = ("csv", "ndjson", "parquet", "xlsx")


async def results(
    exchange: Exchange,
    job_id: str,
    *,
    outcome: Some = None,
    cause: Some = None,
    store_id: Some = None,
    suspect: bool | None = None,
    flag: Some = None,
    review: Some = None,
    earlier: bool = False,
) -> AsyncGenerator[Result, None]:
    """The results of a job in the order of the submit, one by one; a page of them at a time is in memory.

    `outcome` is measured, failed, cancelled or unsettled; `cause` one of the causes of failures. `suspect`:
    only measured images that look damaged, or only all others; `flag`: only those with this flag;
    `review`: only those on which this decision stands, or `undecided`. With `earlier`, each result has what
    the image was found to be before the job was retried. Raises NotFound.

    >>> for result in client.results(job_id, outcome="failed"):
    ...     print(result.image_no, result.cause)
    1 bad_url
    2 bad_url
    """
    params = filters(
        outcome=outcome,
        cause=cause,
        store_id=store_id,
        suspect=_as_text(suspect),
        flag=flag,
        review=review,
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
    flag: Some = None,
    review: Some = None,
    safe: Safety | None = None,
) -> AsyncGenerator[bytes, None]:
    """The results of a job as a file of CSV, NDJSON, Parquet or XLSX, in blocks as they come.

    With `safe="spreadsheet"`, no text in a CSV can act as a formula in Excel and its like. An export that
    breaks off raises Unreachable: one that ends is whole. Raises NotFound, NotAcceptable, BadInput.

    >>> b"".join(client.exported(job_id, format="csv")).splitlines()[0][:28]
    b'image_no,store_id,visit_time'
    """
    async for block in exchange.blocks(
        _export_of(job_id, format, outcome, cause, store_id, suspect, flag, review, safe)
    ):
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
    flag: Some = None,
    review: Some = None,
    safe: Safety | None = None,
    on_block: OnBlock = None,
) -> int:
    """Write the results of a job to a file, and give its size in bytes; memory is bounded.

    `target` is a path, whose suffix says the format unless `format` does, or a file that is open for
    writing bytes. A path's file appears when it is whole; whatever stood there before is kept until then.
    One whose name ends with `.gz`, as `results.csv.gz`, is compressed.
    With `safe="spreadsheet"`, no text in a CSV can act as a formula in Excel and its like.
    `on_block` is given each block that was written. Raises NotFound, NotAcceptable, BadInput, OSError.

    >>> client.export(job_id, "results.csv") > 0
    True
    """
    format_name = format or format_of(target, FORMATS)
    request = _export_of(job_id, format_name, outcome, cause, store_id, suspect, flag, review, safe)
    return await save(exchange, request, target, on_block)


def _export_of(
    job_id: str,
    format: str,
    outcome: Some,
    cause: Some,
    store_id: Some,
    suspect: bool | None,
    flag: Some,
    review: Some,
    safe: Safety | None,
) -> HttpRequest:
    checked_format(format, FORMATS, safe)
    params = filters(
        format=format,
        safe=safe,
        outcome=outcome,
        cause=cause,
        store_id=store_id,
        suspect=_as_text(suspect),
        flag=flag,
        review=review,
    )
    return export_request(job_path(job_id, "results"), params)


def _as_text(value: bool | None) -> str | None:
    return None if value is None else str(value).lower()
