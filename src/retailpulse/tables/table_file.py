"""Opens a file as a table, whatever format it has. Not here: what its cells say."""

import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO

from retailpulse.domain.errors import InvalidRequest
from retailpulse.tables.column_names import ColumnSpec
from retailpulse.tables.confined_process import open_in_process
from retailpulse.tables.csv_file import open_csv
from retailpulse.tables.formats import TableFormat, detect_format
from retailpulse.tables.rows import Table

MOST_UNPACKED_BYTES = 4_000_000_000
"""Most bytes that a file of gzip may unpack into, unless its caller says another number."""
_BLOCK_BYTES = 1 << 18
_NO_NAMES: Mapping[str, str] = {}


@contextmanager
def open_table(
    file: IO[bytes],
    wanted: Sequence[ColumnSpec],
    *,
    column_names: Mapping[str, str] = _NO_NAMES,
    sheet: str | None = None,
    folder: str | None = None,
    unpacked_bytes: int = MOST_UNPACKED_BYTES,
) -> Iterator[Table]:
    """The table in a file that can be sought in, from its first byte on.

    `column_names` says which column of the file is which wanted one, by its header, letter or number;
    `sheet` which sheet of a workbook; a file of gzip is unpacked in `folder`, up to `unpacked_bytes`. The
    format is found by the bytes. Raises InvalidRequest, here and while its rows are read, if it is no table
    with these columns. It blocks: call it in a thread.
    """
    table_format = detect_format(file)
    if table_format is TableFormat.GZIP:
        with tempfile.TemporaryFile(dir=folder) as unpacked:
            _unpack(file, unpacked, unpacked_bytes)
            if detect_format(unpacked) is TableFormat.GZIP:
                raise InvalidRequest("the file is gzip within gzip: unpack it once")
            with open_table(unpacked, wanted, column_names=column_names, sheet=sheet) as table:
                yield table
    elif table_format is TableFormat.JSON:
        raise InvalidRequest("the file is JSON, not a table: send CSV, XLSX, ODS or Parquet")
    elif table_format is TableFormat.TEXT:
        if sheet is not None:
            raise InvalidRequest("sheet: the file is CSV, which has no sheets; leave it out")
        yield open_csv(file, wanted, column_names)
    else:
        with open_in_process(file, table_format, wanted, column_names, sheet) as table:
            yield table


def _unpack(file: IO[bytes], into: IO[bytes], most_bytes: int) -> None:
    """Unpacks all members of a gzip file."""
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
    size_bytes = 0
    try:
        while block := file.read(_BLOCK_BYTES):
            while block:
                if unpacking.eof:
                    if not block.strip(b"\0"):  # what tapes put behind it
                        break
                    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
                piece = unpacking.decompress(block, _BLOCK_BYTES)
                size_bytes += len(piece)
                if size_bytes > most_bytes:
                    raise InvalidRequest(f"the file is larger than {most_bytes} bytes once it is unpacked")
                into.write(piece)
                block = unpacking.unused_data if unpacking.eof else unpacking.unconsumed_tail
    except zlib.error:
        raise InvalidRequest("the file begins like gzip, but is damaged") from None
    if not unpacking.eof:
        raise InvalidRequest("the file is cut off: it ends before its gzip does")
