"""Records of a list or a report, all of them, as CSV or XLSX: a column for each field, in its order."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import date, datetime
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from litestar import Request

from retailpulse.api.export.columns import workbook_layout
from retailpulse.api.export.csv_rows import csv_rows
from retailpulse.api.export.formats import MEDIA_TYPES, attachment
from retailpulse.api.export.writer_process import Exports, written_by
from retailpulse.schema import Record
from retailpulse.web.caller import caller_of
from retailpulse.web.closing_stream import ClosingStream

Row = TypeVar("Row", bound=Record)

_BATCH_ROWS = 500
_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "bool"),
    (int, "number"),
    (float, "number"),
    (datetime, "timestamp"),
    (date, "date"),
)
"""The kind of cell by the type of a field; all others are texts."""


def kinds_of(record: type[Record]) -> dict[str, str]:
    """The kind of cell for each field of a record; a field called `..._rate` is shown in per cent.

    A field that is a record has the columns of that in its place.
    """
    hints = get_type_hints(record)
    kinds: dict[str, str] = {}
    for field in msgspec.structs.fields(record):
        hint = hints[field.name]
        kinds |= kinds_of(hint) if _is_record(hint) else {field.name: _kind(field.name, hint)}
    return kinds


async def export_records(
    request: Request[Any, Any, Any],
    exports: Exports,
    *,
    name: str,
    format: str,  # noqa: A002  # the plain word for what it says
    record: type[Row],
    rows: AsyncIterator[Row],
    for_spreadsheet: bool = False,
) -> ClosingStream:
    """The answer with all rows as a file of CSV or XLSX; `name` is what the file is called.

    Raises, before the answer begins, what the first rows raise, and Busy or RateLimited for too many exports.
    """
    slot = exports.acquire(caller_of(request.scope)) if format == "xlsx" else None
    batches = _batches(rows, [name for name, hint in get_type_hints(record).items() if _is_record(hint)])
    first: list[dict[str, Any]] = await anext(batches, [])
    whole = _chained(first, batches)
    kinds = kinds_of(record)
    if slot is None:
        blocks = _csv(whole, list(kinds), for_spreadsheet=for_spreadsheet)
    else:
        blocks = written_by(
            "xlsx_writer.py", workbook_layout(name, kinds, exports.folder), _json(whole), slot
        )
    return ClosingStream(blocks, media_type=MEDIA_TYPES[format], headers=attachment(f"{name}.{format}"))


async def _batches(rows: AsyncIterator[Row], groups: Sequence[str]) -> AsyncGenerator[list[dict[str, Any]]]:
    batch = []
    async for row in rows:
        values = msgspec.to_builtins(row)
        for group in groups:
            values |= values.pop(group, {})
        batch.append({name: flat(value) for name, value in values.items()})
        if len(batch) == _BATCH_ROWS:
            yield batch
            batch = []
    if batch:
        yield batch


async def _chained(
    first: list[dict[str, Any]], rest: AsyncIterator[list[dict[str, Any]]]
) -> AsyncGenerator[list[dict[str, Any]]]:
    yield first
    async for batch in rest:
        yield batch


async def _csv(
    batches: AsyncIterator[list[dict[str, Any]]], names: Sequence[str], *, for_spreadsheet: bool
) -> AsyncGenerator[bytes]:
    yield csv_rows([names])
    async for batch in batches:
        yield csv_rows(([row.get(name) for name in names] for row in batch), for_spreadsheet=for_spreadsheet)


async def _json(batches: AsyncIterator[list[dict[str, Any]]]) -> AsyncGenerator[bytes]:
    encoder = msgspec.json.Encoder()
    async for batch in batches:
        yield encoder.encode_lines(batch)


def _is_record(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)


def _kind(name: str, hint: Any) -> str:
    types = {hint} if get_origin(hint) is dict else {*get_args(hint), hint}
    kind = next((kind for each, kind in _KINDS if each in types), "text")
    return "rate" if name.endswith("_rate") and kind == "number" else kind


def flat(value: Any) -> Any:
    """A value as a cell can hold it: counts by name, or words, as one text; texts by name as JSON."""
    if isinstance(value, list):
        return " ".join(value)
    if isinstance(value, dict):
        if any(isinstance(text, str) for text in value.values()):
            return msgspec.json.encode(value).decode()
        return ", ".join(f"{name} {number}" for name, number in value.items())
    return value
