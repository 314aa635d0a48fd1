"""The scans of a JPEG: whether they carry the whole picture, and whether a part of their data was zeroed.

The walk over the markers behind the first scan follows libjpeg's. Weak: zeros may be honest in a scan whose
codes for "nothing more" are zeros, and in one that refines brightness by single bits; there damage shows only
if the number of blocks does not fit, which libjpeg says.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from retailpulse.measure.formats.jpeg_markers import Frame
from retailpulse.measure.formats.work import Work
from retailpulse.measure.formats.zeros import has_zeros

PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_ARITHMETIC = frozenset(range(0xC9, 0xD0))
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""What ends the data of a scan: stuffed zeros and restart markers belong to them."""
_TEM, _DHT, _EOI, _SOS = 0x01, 0xC4, 0xD9, 0xDA
_ALL = (1 << 64) - 1
_AC_TABLE = 0x10
_NOTHING = 0
"""The code for a brightness like that before it, and the one for no further coefficients."""

_LEAST_ZEROS = 1024
"""More than the largest blocks take one after the other: only flat ones can have as many."""
_SEGMENT_STEPS = 8


class Scan(NamedTuple):
    """What the header of a scan says, and the offset of its data.

    `components` has the number and the tables of each. Coefficients `first` to `last` are sent: at first down
    to bit `low`, then, if `high` is not 0, one bit more.
    """

    components: tuple[tuple[int, int], ...]
    first: int
    last: int
    high: int
    low: int
    data: int


def is_single(body: bytes, frame: Frame) -> bool:
    """Whether the first scan is the only one: it has all components, and is not progressive."""
    scan = frame.scan
    return scan is not None and frame.process not in PROGRESSIVE and body[scan] == frame.components


def read_scans(body: bytes, frame: Frame, work: Work) -> Iterator[Scan]:
    """The scans up to the end marker, or to one that is cut off."""
    for marker, start, end in _segments(body, (frame.scan or len(body)) - 4, len(body), work):
        if marker != _SOS:
            continue
        count = body[start] if start < end else 0
        if end != start + 4 + 2 * count or end > len(body):
            return
        pairs = zip(body[start + 1 : end - 3 : 2], body[start + 2 : end - 3 : 2], strict=True)
        bits = body[end - 1]
        yield Scan(tuple(pairs), body[end - 3], body[end - 2], bits >> 4, bits & 15, end)


def find_missing(body: bytes, frame: Frame, scans: Sequence[Scan]) -> str | None:
    """Which component lacks coefficients, or bits of them, in a few words; None if all were sent."""
    numbers = body[frame.end - 3 * frame.components : frame.end : 3]
    sent, exact = dict.fromkeys(numbers, 0), dict.fromkeys(numbers, 0)
    for scan in scans:
        span = _ALL
        if frame.process in PROGRESSIVE:
            span = _ALL >> 63 - min(63, max(0, scan.last - scan.first)) << scan.first & _ALL
        for number, _ in scan.components:
            if number in sent:
                sent[number] |= span
                exact[number] |= span if scan.low == 0 or frame.process not in PROGRESSIVE else 0
    for place, number in enumerate(numbers, start=1):
        if sent[number] != _ALL:
            return f"scans are missing: not all coefficients of component {place} were sent"
        if exact[number] != _ALL:
            return f"scans are missing: the last bits of component {place} were never sent"
    return None


def may_be_zeroed(body: bytes, frame: Frame) -> bool:
    """Whether there are so many zeros in a row that it takes `find_zeroed` to say what they mean."""
    is_coded_by_huffman = frame.process not in _ARITHMETIC
    return is_coded_by_huffman and has_zeros(body, frame.scan or 0, len(body), _LEAST_ZEROS)


def find_zeroed(body: bytes, frame: Frame, scans: Sequence[Scan], work: Work) -> str | None:
    """Whether a scan has a run of zeros that decodes to no picture, in a few words; None if none has."""
    if not may_be_zeroed(body, frame):
        return None
    ends = [scan.data for scan in scans[1:]] + [len(body)]
    for scan, end in zip(scans, ends, strict=True):
        data_end = _end_of_data(body, scan.data, end)
        data_end -= _trailing_zeros(body, scan.data, data_end)  # libjpeg tells padding from lost blocks
        if has_zeros(body, scan.data, data_end, _LEAST_ZEROS) and not _may_be_zeros(body, frame, scan, work):
            return "the JPEG data have a run of zeros that no picture makes"
    return None


def _trailing_zeros(body: bytes, start: int, end: int) -> int:
    return end - start - len(body[start:end].rstrip(b"\0"))


def _end_of_data(body: bytes, start: int, end: int) -> int:
    found = _MARKER.search(body, start, end)
    return end if found is None else found.start()


def _may_be_zeros(body: bytes, frame: Frame, scan: Scan, work: Work) -> bool:
    """Whether zeros in a scan mean blocks without anything new, of which there may be any number."""
    is_progressive = frame.process in PROGRESSIVE
    if is_progressive and scan.first:
        return False  # blocks without anything are counted, not listed
    if is_progressive and scan.high:
        return True
    codes = _codes_of_zeros(body, scan.data, work)
    return all(
        codes.get(tables >> 4) == _NOTHING
        and (is_progressive or codes.get(_AC_TABLE | tables & 15) == _NOTHING)
        for _, tables in scan.components
    )


def _codes_of_zeros(body: bytes, end: int, work: Work) -> dict[int, int]:
    """What a run of zeros means by each Huffman table before an offset: the first code of each."""
    codes = {}
    for marker, start, stop in _segments(body, 2, end, work):
        if marker != _DHT:
            continue
        table = start
        while table + 17 < stop <= end:
            work.spend()
            codes[body[table]] = body[table + 17]
            table += 17 + sum(body[table + 1 : table + 17])
    return codes


def _segments(body: bytes, position: int, end: int, work: Work) -> Iterator[tuple[int, int, int]]:
    """Each marker up to the end marker with the offsets of what it carries; data of scans are skipped."""
    while (found := _MARKER.search(body, position, end)) is not None:
        work.spend(_SEGMENT_STEPS)
        marker, position = body[found.end() - 1], found.end()
        if marker == _EOI:
            return
        if marker == _TEM:
            continue
        start, length = position + 2, int.from_bytes(body[position : position + 2])
        position += max(2, length)
        yield marker, start, position
