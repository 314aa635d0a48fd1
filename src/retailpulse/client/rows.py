"""Visits as people have them, in lists, generators or data frames, as lines of NDJSON, one visit each.

A row has `store_id`, `image_url` and `visit_time`, as keys or as attributes; whatever else it has is passed
over. One with a list of URLs is a visit. Rows with a single URL are images: consecutive ones of the same
store and time are one visit, as they are in a CSV file.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import groupby
from typing import Any

import msgspec

from retailpulse.client.errors import BadInput

FIELDS = ("store_id", "image_url", "visit_time")
_BATCH_ROWS = 1000


def lines(source: Any) -> Iterator[bytes]:
    """One line of NDJSON per visit; raises BadInput naming the row."""
    for visit in _visits(_read(number, row) for number, row in enumerate(_rows(source), 1)):
        yield msgspec.json.encode(visit) + b"\n"


def _rows(source: Any) -> Iterator[Any]:
    """The rows of a data frame of pandas or polars, of a table of Arrow, or of any iterable."""
    try:
        if hasattr(source, "itertuples"):
            return iter(source[list(FIELDS)].itertuples(index=False))
        if hasattr(source, "iter_rows"):
            return iter(source.iter_rows(named=True))
        if hasattr(source, "to_batches"):
            batches = source.to_batches(max_chunksize=_BATCH_ROWS)
            return (row for batch in batches for row in batch.to_pylist())
    except KeyError as error:
        raise BadInput(f"the data frame needs the columns {', '.join(FIELDS)}: {error}") from error
    if isinstance(source, Mapping | str | bytes) or not isinstance(source, Iterable):
        raise BadInput(f"{type(source).__name__} is no list of visits: give an iterable of them, or a file")
    return iter(source)


class _Row(msgspec.Struct, gc=False):
    store_id: str
    visit_time: str
    image_url: str | list[str]


def _read(number: int, row: Any) -> _Row:
    store_id, image_url, visit_time = (_field(number, row, name) for name in FIELDS)
    is_list = isinstance(image_url, Iterable) and not isinstance(image_url, str)
    return _Row(
        store_id=_text(number, "store_id", store_id),
        visit_time=_text(number, "visit_time", visit_time),
        image_url=[_text(number, "image_url", url) for url in image_url]
        if is_list
        else _text(number, "image_url", image_url),
    )


def _field(number: int, row: Any, name: str) -> Any:
    try:
        return row[name] if isinstance(row, Mapping) else getattr(row, name)
    except (KeyError, AttributeError):
        raise BadInput(f"row {number} has no {name}") from None


def _text(number: int, name: str, value: Any) -> str:
    if isinstance(value, str):
        return str(value)
    if value is None or value != value:  # noqa: PLR0124  # how a data frame says that nothing is there
        raise BadInput(f"row {number} has no {name}")
    return value.isoformat() if isinstance(value, date) else str(value)


def _visits(rows: Iterator[_Row]) -> Iterator[_Row]:
    for (_, _, is_visit), found in groupby(rows, key=_visit_key):
        if is_visit:
            yield from found
        else:
            first = next(found)
            urls = [str(first.image_url), *(str(row.image_url) for row in found)]
            yield _Row(store_id=first.store_id, visit_time=first.visit_time, image_url=urls)


def _visit_key(row: _Row) -> tuple[str, str, bool]:
    return row.store_id, row.visit_time, isinstance(row.image_url, list)
