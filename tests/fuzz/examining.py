"""A process that measures the bytes it is handed and says what came of it: `python -m tests.fuzz.examining`.

Bodies come on stdin, reports leave on stdout, each behind its length. A body that takes too long kills the
process by an alarm, which also works inside a decoder. What is said of a body is judged elsewhere.
"""

import faulthandler
import os
import resource
import signal
import struct
import sys
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

import msgspec

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Depth, Header
from retailpulse.measure import measure_body, read_header
from retailpulse.schema import Measurement

LIMIT = 1_000_000
SECONDS_PER_BODY = 20
MEMORY_BYTES = 2_000_000_000
LENGTH = struct.Struct(">I")


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """How one look at a body ended: what was measured, an ImageError, or what should never be raised."""

    facts: Measurement | None = None
    header: Header | None = None
    cause: str = ""
    detail: str = ""
    raised: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one body, and what the process holds after it.

    `parts` are the verdicts on first parts of it, by their length, where they said anything.
    """

    whole: dict[Depth, Judgement]
    parts: dict[int, Judgement]
    resident_bytes: int
    open_files: int


def examine(body: bytes) -> Report:
    parts = {end: _judgement(partial(_head, body[:end])) for end in _ends(len(body))}
    return Report(
        whole={depth: _judgement(partial(_whole, body, depth)) for depth in Depth},
        parts={end: verdict for end, verdict in parts.items() if verdict != Judgement()},
        resident_bytes=int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"),
        open_files=len(list(Path("/proc/self/fd").iterdir())),
    )


def _judgement(look: Callable[[], Judgement]) -> Judgement:
    try:
        return look()
    except ImageError as error:
        return Judgement(cause=error.cause, detail=error.detail)
    except BaseException:
        return Judgement(raised=traceback.format_exc())


def _head(body: bytes) -> Judgement:
    return Judgement(header=read_header(body, LIMIT))


def _whole(body: bytes, depth: Depth) -> Judgement:
    measurement = measure_body(body, depth, LIMIT)
    header = msgspec.convert(measurement, Header, from_attributes=True)
    return Judgement(facts=measurement, header=header)


def _ends(size: int) -> Iterator[int]:
    """Where first parts end: closely at the start, in eighths behind, and the whole."""
    yield from range(size % 37, min(size, 1200), 37)
    yield from (size * eighths // 8 for eighths in range(1, 9))


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    while head := requests.read(LENGTH.size):
        body = requests.read(LENGTH.unpack(head)[0])
        signal.alarm(SECONDS_PER_BODY)
        report = msgspec.msgpack.encode(examine(body))
        signal.alarm(0)
        replies.write(LENGTH.pack(len(report)) + report)
        replies.flush()


if __name__ == "__main__":
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    serve(sys.stdin.buffer, sys.stdout.buffer)
