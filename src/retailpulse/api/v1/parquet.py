"""Results as Parquet: rows of JSON go through a process that makes a file of them, for each export one.

The library that writes holds the interpreter while it works, which would stop every other request. A process
also gives its memory back, and waits for a slow client without a thread. Needs the extra `parquet`. Weak:
clients that read slowly can hold all places.
"""

import asyncio
import contextlib
import json
import sys
from asyncio import StreamWriter
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from pathlib import Path

from retailpulse.schema import RESULT
from retailpulse.schema.columns import SqlType
from retailpulse.web.quotas import QuotaSlot

MAX_EXPORTS, MAX_EXPORTS_OF_CALLER = 16, 8
"""Exports at once in one API process, of all and of one caller: each has a process of its own."""
_WRITER = Path(__file__).with_name("parquet_writer.py")
_PIECE_BYTES = 256 * 1024
_TYPES = {
    SqlType.SMALLINT: "int16",
    SqlType.INTEGER: "int32",
    SqlType.BIGINT: "int64",
    SqlType.DOUBLE: "float64",
    SqlType.BOOLEAN: "bool",
    SqlType.TIMESTAMPTZ: "timestamp",
    SqlType.TEXTS: "strings",
}
"""The types of columns that are no texts."""
_COLUMNS = {
    **{column.name: (_TYPES.get(column.sql_type, "string"), column.stored.is_distinct) for column in RESULT},
    "earlier": ("string", True),
}
"""The type of each column, and whether hardly any value comes twice."""


async def write_parquet(
    lines: AsyncIterator[bytes], columns: Sequence[str], slot: QuotaSlot
) -> AsyncGenerator[bytes]:
    """A Parquet file in pieces, from blocks of lines, each a JSON object with these columns.

    Gives `slot` back at the end. Raises RuntimeError if the process that writes it fails, after which the
    answer breaks off.
    """
    schema = json.dumps([(name, *_COLUMNS[name]) for name in columns])
    # A session of its own: Ctrl-C is for the API, which ends what it has begun.
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", str(_WRITER), schema, stdin=PIPE, stdout=PIPE, start_new_session=True
    )
    rows, file = process.stdin, process.stdout
    if rows is None or file is None:
        raise RuntimeError("a process was begun without pipes")
    feeding = asyncio.create_task(_feed(process, rows, lines))
    try:
        while piece := await file.read(_PIECE_BYTES):
            yield piece
        await feeding
        if status := await process.wait():
            raise RuntimeError(f"the process that writes Parquet ended with {status}")
    finally:
        feeding.cancel()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        slot.release()
        await asyncio.gather(feeding, process.wait(), return_exceptions=True)


async def _feed(process: Process, rows: StreamWriter, lines: AsyncIterator[bytes]) -> None:
    try:
        async for block in lines:
            rows.write(block)
            await rows.drain()
    except BaseException:
        # What has broken off must not look like a whole file: the process may see no end of its rows.
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        raise
    finally:
        rows.close()
