"""Walking over the boxes of an ISO base media file (ISO/IEC 14496-12), and reading numbers out of them.

What the boxes of AVIF and HEIC mean is `heif`'s.
"""

import struct
import sys
from collections.abc import Iterator
from typing import NamedTuple

from retailpulse.measure.formats.faults import corrupt
from retailpulse.measure.formats.work import Work

_HEAD = struct.Struct(">I4s")

_BOX_STEPS = 8
_NUMBER_STEPS = 3

WHOLE_FILE = sys.maxsize
"""The end of a level that nothing limits, and of a box that reaches to the end of the file."""


class Box(NamedTuple):
    """A box: its kind, and the offsets of its content and its end, which may be beyond the data."""

    kind: bytes
    start: int
    end: int


def boxes(data: bytes, start: int, end: int, work: Work) -> Iterator[Box]:
    """The boxes between two positions, until the bytes run out; raises ImageError `corrupt`."""
    while start + 8 <= min(end, len(data)):
        work.spend(_BOX_STEPS)
        size, kind = _HEAD.unpack_from(data, start)
        head = 8
        if size == 1:  # the length follows, in 64 bits
            if start + 16 > min(end, len(data)):
                return
            size, head = int.from_bytes(data[start + 8 : start + 16]), 16
        elif size == 0:  # the box reaches to the end
            size = end - start
        if size < head or start + size > end:
            raise corrupt(f"{_named(kind)} has an impossible length")
        yield Box(kind, start + head, start + size)
        start += size


def _named(kind: bytes) -> str:
    return f"the {kind.decode()} box" if kind.isalnum() else "a box of no known kind"


def child(data: bytes, parent: Box, kind: bytes, work: Work) -> Box | None:
    """The first box of a kind inside another one, or None; raises ImageError `corrupt`."""
    return next((box for box in boxes(data, parent.start, parent.end, work) if box.kind == kind), None)


def whole_child(data: bytes, parent: Box, kind: bytes, work: Work) -> Box | None:
    """The same, or None if it is not all there."""
    box = child(data, parent, kind, work)
    return box if box is not None and box.end <= len(data) else None


class Cursor:
    """Reads big-endian numbers one after the other, never beyond the end of its box."""

    def __init__(self, data: bytes, box: Box, work: Work) -> None:
        self._data = data
        self._work = work
        self.position = box.start
        """The offset of the next number."""
        self._box = box
        self.version = self.number(1)
        self.flags = self.number(3)

    def number(self, size_bytes: int) -> int:
        """The next number of `size_bytes` bytes, big-endian; raises ImageError `corrupt` at the end."""
        start = self.position
        self.skip(size_bytes)
        return int.from_bytes(self._data[start : self.position])

    def skip(self, size_bytes: int) -> None:
        """Skip some bytes; skipping none is a step of work too."""
        self._work.spend(_NUMBER_STEPS)
        self.position += size_bytes
        if self.position > min(self._box.end, len(self._data)):
            raise corrupt(f"{_named(self._box.kind)} ends too early")
