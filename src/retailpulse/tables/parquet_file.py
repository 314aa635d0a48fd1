"""A Parquet file as records of text, for the process that reads it: one batch after another.

Lists become lines of a cell, as several URLs are. Weak: nested columns beyond lists of texts are empty.
"""

import io
from collections.abc import Iterator
from typing import Any

from retailpulse.domain.errors import InvalidRequest
from retailpulse.tables.header import find_header, match
from retailpulse.tables.process_messages import Opened, Request
from retailpulse.tables.rows import Record
from retailpulse.tables.workbook import text_of

try:  # here, as a process that is confined may open no file
    from arro3.core import DataType
    from arro3.io import read_parquet
except ImportError:
    _IS_READ = False
else:
    _IS_READ = True

BATCH_ROWS = 1_000


def open_parquet(content: bytes, request: Request) -> tuple[Opened, Iterator[Record]]:
    """The rows of a file, the names of whose columns are line 1; raises InvalidRequest."""
    if not _IS_READ:
        raise InvalidRequest("Parquet is not read by this service, which has no extra `parquet`: send CSV")
    try:
        reader = read_parquet(io.BytesIO(content), batch_size=BATCH_ROWS)
        names = list(reader.schema.names)
    except Exception as error:  # of damaged files the reader raises about anything there is
        raise InvalidRequest(f"the Parquet file is damaged or cut off: {error}"[:300]) from None
    candidate = match(1, names, request.wanted, request.column_names)
    _, header = find_header([[candidate]], request.wanted, request.column_names)
    return Opened(header=header, dialect="Parquet"), _records(reader)


def _records(reader: Any) -> Iterator[Record]:
    line = 1
    try:
        for batch in reader:
            columns = [_texts(batch.column(at)) for at in range(batch.num_columns)]
            for cells in zip(*columns, strict=True):
                line += 1
                yield Record(line, cells)
    except InvalidRequest:
        raise
    except Exception as error:  # as above
        raise InvalidRequest(f"the Parquet file is damaged after row {line}: {error}"[:300]) from None


def _texts(column: Any) -> list[str]:
    if DataType.is_timestamp(column.type):
        # As the library writes it: with its zone, of which Python would need a file.
        column = column.cast(DataType.string())
    return [_text(value) for value in column.to_pylist()]


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(map(_text, value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if isinstance(value, dict) else text_of(value)
