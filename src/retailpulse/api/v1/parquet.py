"""Results as Parquet, by pyarrow: row group by row group, so that memory is bounded.

The rows come as CSV, which pyarrow reads without Python's time per row; NULL is an empty field without
quotes there, an empty text one with them. Needs the extra `parquet`.
"""

import asyncio
import io
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
from pyarrow import csv, parquet

from retailpulse.web.rechunk import rechunked

GROUP_BYTES = 8_000_000
"""So much CSV becomes one row group: some 35,000 rows."""
_THREAD = ThreadPoolExecutor(1, thread_name_prefix="parquet")
"""One thread for all exports: each thread would keep memory of its own that it once needed."""
_TYPES = {
    "image_no": pa.int32(),
    "width": pa.int32(),
    "height": pa.int32(),
    "displayed_width": pa.int32(),
    "displayed_height": pa.int32(),
    "perimeter": pa.int64(),
    "size_bytes": pa.int64(),
    "tries": pa.int16(),
    "settled_at": pa.timestamp("ms", "UTC"),
}
"""The types of columns that are no texts."""
_ALL_DIFFERENT = frozenset({"image_no", "image_url", "sha256", "earlier"})
"""Columns in which hardly any value comes twice."""


async def write_parquet(blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A Parquet file in pieces, from blocks of CSV that begins with its header."""
    writer = _Writer()
    loop = asyncio.get_running_loop()
    async for group in rechunked(blocks, GROUP_BYTES):
        yield await loop.run_in_executor(_THREAD, writer.add, group)
    yield await loop.run_in_executor(_THREAD, writer.finish)


class _Writer:
    """Turns CSV into the bytes of one Parquet file."""

    def __init__(self) -> None:
        self._sink = _Sink()
        self._pool = pa.system_memory_pool()  # gives back what it frees; pyarrow's own keeps it
        self._schema: pa.Schema | None = None
        self._parquet: parquet.ParquetWriter | None = None

    def add(self, text: bytes) -> bytes:
        """Adds rows as one row group; the first text begins with the header. Returns what is to be sent."""
        if self._parquet is None or self._schema is None:
            header, _, text = text.partition(b"\n")
            self._schema = pa.schema([(name, _TYPES.get(name, pa.string())) for name in _names(header)])
            self._parquet = parquet.ParquetWriter(
                self._sink,
                self._schema,
                compression="zstd",
                use_dictionary=[name for name in self._schema.names if name not in _ALL_DIFFERENT],
                memory_pool=self._pool,
            )
        if text:
            rows = _read(text, self._schema, self._pool)
            self._parquet.write_table(rows, row_group_size=rows.num_rows)
        return self._sink.drain()

    def finish(self) -> bytes:
        """Ends the file; returns its last bytes."""
        if self._parquet is not None:
            self._parquet.close()
        return self._sink.drain()


def _names(header: bytes) -> list[str]:
    return header.decode().split(",")


def _read(text: bytes, schema: pa.Schema, pool: pa.MemoryPool) -> pa.Table:
    return csv.read_csv(
        pa.BufferReader(text),
        read_options=csv.ReadOptions(use_threads=False, block_size=len(text) + 1, column_names=schema.names),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=schema,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
        memory_pool=pool,
    )


class _Sink(io.RawIOBase):
    """What was written since it was last taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size_bytes = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        self._size_bytes += len(self._parts[-1])
        return len(self._parts[-1])

    def tell(self) -> int:
        return self._size_bytes

    def drain(self) -> bytes:
        """The bytes that were written since the last call."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken
