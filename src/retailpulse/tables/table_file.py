"""Opens a file as a table, whatever format it has. Not here: what its cells say."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO

from retailpulse.domain.errors import InvalidRequest
from retailpulse.tables.column_names import ColumnSpec
from retailpulse.tables.csv_file import open_csv
from retailpulse.tables.formats import TableFormat, detect_format
from retailpulse.tables.rows import Table

_NO_NAMES: Mapping[str, str] = {}


@contextmanager
def open_table(
    file: IO[bytes],
    wanted: Sequence[ColumnSpec],
    *,
    column_names: Mapping[str, str] = _NO_NAMES,
) -> Iterator[Table]:
    """The table in a file that can be sought in, from its first byte on.

    `column_names` says which column of the file is which wanted one, by its header, letter or number.
    Raises InvalidRequest, here and while its rows are read, if it is no table with these columns. The format
    is found by the bytes.
    """
    table_format = detect_format(file)
    if table_format is TableFormat.TEXT:
        yield open_csv(file, wanted, column_names)
        return
    raise InvalidRequest(f"the file is {table_format}, which is not read here: send CSV")
