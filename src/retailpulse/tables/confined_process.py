"""Reads a workbook or a Parquet file in a process of its own, and hands on its rows as they come.

Such files unpack into more than they are, and libraries read them: whatever a stranger's file does, it does
to a process without files, network and rights, whose memory and time are limited. Weak: a workbook is in the
memory of that process as a whole, so that few are read at once; further ones wait.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO

import msgspec

from retailpulse.domain.errors import InvalidRequest
from retailpulse.domain.process_exit import how_it_ended
from retailpulse.tables.column_names import ColumnSpec
from retailpulse.tables.formats import TableFormat
from retailpulse.tables.header import HeaderNotFound
from retailpulse.tables.process_messages import Answer, Opened, Refused, Request, Rows, decode_answer
from retailpulse.tables.rows import Record, Table, make_rows

AT_ONCE = 2
"""Such processes of one of ours; each may take `MEMORY_BYTES`."""
MEMORY_BYTES = 2 << 30
CPU_SECONDS = 60
WALL_SECONDS = 180.0
"""By the clock, also while its rows are checked: other submits wait for its place."""
UNPACKED_BYTES = 1 << 30
"""Most bytes that the parts of a workbook may unpack into."""
LONGEST_ANSWER_BYTES = 64 << 20
END_SECONDS = 5.0
_MODULE = "retailpulse.tables.workbook_process"

_places = threading.BoundedSemaphore(AT_ONCE)


@contextmanager
def open_in_process(
    file: IO[bytes],
    table_format: TableFormat,
    wanted: Sequence[ColumnSpec],
    column_names: Mapping[str, str],
    sheet: str | None,
) -> Iterator[Table]:
    """The table in a file; raises InvalidRequest, here and while its rows are read."""
    request = Request(
        table_format=table_format,
        wanted=tuple(wanted),
        column_names=dict(column_names),
        sheet=sheet,
        memory_bytes=MEMORY_BYTES,
        cpu_seconds=CPU_SECONDS,
        unpacked_bytes=UNPACKED_BYTES,
    )
    with _places, _with_descriptor(file) as descriptor, _started(request, descriptor) as process:
        opened = _next(process)
        if not isinstance(opened, Opened):
            raise _broken()
        header = opened.header
        yield Table(
            columns=header.columns,
            extra_columns=header.extra_columns,
            dialect=opened.dialect,
            header=header,
            rows=make_rows(_records(process), header, quoting=None),
        )


@contextmanager
def _with_descriptor(file: IO[bytes]) -> Iterator[int]:
    """The file as a process can be given it, at its beginning."""
    file.seek(0)
    try:
        descriptor = file.fileno()
    except OSError:  # one in memory
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(file, copy)
            copy.seek(0)
            yield copy.fileno()
        return
    file.flush()
    os.lseek(descriptor, 0, os.SEEK_SET)
    yield descriptor


@contextmanager
def _started(request: Request, descriptor: int) -> "Iterator[subprocess.Popen[bytes]]":
    # Isolated (-I), in a session of its own, and without our environment, where the database's password is.
    process = subprocess.Popen(
        [sys.executable, "-I", "-m", _MODULE, msgspec.json.encode(request).decode()],
        stdin=descriptor, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, start_new_session=True,
    )  # fmt: skip
    timer = threading.Timer(WALL_SECONDS, process.kill)
    timer.daemon = True
    timer.start()
    try:
        yield process
    finally:
        timer.cancel()
        process.kill()
        with contextlib.suppress(OSError):
            if process.stdout is not None:
                process.stdout.close()
        process.wait()


def _records(process: "subprocess.Popen[bytes]") -> Iterator[Record]:
    while True:
        answer = _next(process)
        if not isinstance(answer, Rows):
            raise _broken()
        for line, cells in answer.rows:
            yield Record(line, cells)
        if answer.is_last:
            return


def _next(process: "subprocess.Popen[bytes]") -> Answer:
    """The next answer; raises InvalidRequest if it is that the file cannot be read, or there is none."""
    if process.stdout is None:
        raise ValueError("the process was started without a pipe")
    line = process.stdout.readline(LONGEST_ANSWER_BYTES)
    if not line.endswith(b"\n"):
        raise _ended(process)
    try:
        answer = decode_answer(line)
    except msgspec.DecodeError:
        raise _broken() from None
    if isinstance(answer, Refused):
        if answer.cells is not None:
            raise HeaderNotFound(answer.error, cells=answer.cells)
        raise InvalidRequest(answer.error)
    return answer


def _broken() -> InvalidRequest:
    return InvalidRequest("the file cannot be read: save it again, or as CSV UTF-8")


def _ended(process: "subprocess.Popen[bytes]") -> InvalidRequest:
    try:
        ended = how_it_ended(process.wait(END_SECONDS))
    except subprocess.TimeoutExpired:
        ended = "gave no answer"
    return InvalidRequest(
        "the file cannot be read, or takes more memory or time than it may: split it, or save it as CSV "
        f"UTF-8 (the process that read it {ended})"
    )
