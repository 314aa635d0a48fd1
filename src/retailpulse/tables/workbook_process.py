"""The process that reads one workbook or Parquet file from standard input and answers with its rows.

It limits and confines itself before it sees the first byte. Not here: what its parent makes of its end.
"""

import codecs
import contextlib
import os
import resource
import sys
from collections.abc import Iterable

import msgspec

from retailpulse.domain.errors import InvalidRequest
from retailpulse.measure.process_pool.sandbox import confine
from retailpulse.tables.formats import TableFormat
from retailpulse.tables.header import HeaderNotFound
from retailpulse.tables.parquet_file import open_parquet
from retailpulse.tables.process_messages import Answer, Refused, Request, Rows
from retailpulse.tables.rows import Record
from retailpulse.tables.workbook import open_workbook

BLOCK_ROWS = 500
BLOCK_CHARACTERS = 1 << 20
_READ_BYTES = 1 << 20


def main() -> None:
    """Reads, answers and ends without what an interpreter does at its end, which it has no right to."""
    request = msgspec.json.decode(sys.argv[1], type=Request)
    _load_codecs()
    _limit(request)
    confine()
    try:
        content = _read_all()
        opener = open_parquet if request.table_format is TableFormat.PARQUET else open_workbook
        opened, records = opener(content, request)
        _send(opened)
        _send_rows(records)
    except HeaderNotFound as error:
        _send(Refused(error=str(error), cells=error.cells))
    except InvalidRequest as error:
        _send(Refused(error=str(error)))
    except MemoryError:
        _send(Refused(error="the file takes more memory than it may: split it, or save it as CSV UTF-8"))
    except BaseException:  # a library of Rust panics with one that is no Exception
        _send(Refused(error="the file is damaged or cut off: open it and save it again, or as CSV UTF-8"))
    os._exit(0)


def _load_codecs() -> None:
    """A process that is confined can load nothing any more: names in an archive come in these."""
    for name in ("utf-8", "cp437", "latin-1", "ascii", "utf-16"):
        codecs.lookup(name)


def _limit(request: Request) -> None:
    for what, most in (
        (resource.RLIMIT_AS, request.memory_bytes),
        (resource.RLIMIT_CPU, request.cpu_seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        # What is limited more already stays so.
        with contextlib.suppress(ValueError):
            resource.setrlimit(what, (most, most))


def _read_all() -> bytes:
    parts = []
    while block := os.read(0, _READ_BYTES):
        parts.append(block)
    return b"".join(parts)


def _send_rows(records: Iterable[Record]) -> None:
    rows: list[tuple[int, list[str]]] = []
    characters = 0
    for record in records:
        rows.append((record.line, list(record.cells)))
        characters += sum(map(len, record.cells))
        if len(rows) == BLOCK_ROWS or characters > BLOCK_CHARACTERS:
            _send(Rows(rows=rows))
            rows, characters = [], 0
    _send(Rows(rows=rows, is_last=True))


def _send(answer: Answer) -> None:
    left = memoryview(msgspec.json.encode(answer) + b"\n")
    while left:
        left = left[os.write(1, left) :]


if __name__ == "__main__":
    main()
