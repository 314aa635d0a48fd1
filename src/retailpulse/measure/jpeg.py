"""Reading JPEG: the size from the frame header, the end from the last end marker.

The walk over the markers follows libjpeg's, so both see the same frame. Weak: a picture that lost a part
from its middle but kept its end marker passes here; decoding finds it.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from retailpulse.measure.faults import corrupt, truncated
from retailpulse.measure.size import Size
from retailpulse.measure.tiff import exif_turns

_MARKER = re.compile(rb"\xff[\x01-\xfe]")
_SOI, _EOI, _SOS, _APP1 = 0xD8, 0xD9, 0xDA, 0xE1
_BARE = frozenset({0x01, *range(0xD0, 0xD8)})  # TEM and RSTn carry no length
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_DECODABLE = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})  # sequential, progressive, both also arithmetic

MAX_SEGMENTS = 4096
"""Real photos have some dozen; more only serve to keep the reader busy."""

MAX_SCANS = 100
"""Each scan is a pass over the whole picture, however few bytes it has; encoders write about ten."""


class Frame(NamedTuple):
    """The frame header of a JPEG; `end` is where its segment ends in the file."""

    size: Size
    process: int
    sample_bits: int
    components: int
    end: int

    @property
    def is_decodable(self) -> bool:
        """Whether the decoders here know this kind at all (lossless, hierarchical, 12 bit: they do not)."""
        return self.process in _DECODABLE and self.sample_bits == 8


def read_frame(data: bytes) -> Frame | None:
    """The frame header, or None where more bytes are needed."""
    turned = None
    for marker, start, end in _segments(data, 2):
        if marker in _FRAMES:
            if start + 6 > len(data):
                return None
            height, width = (
                int.from_bytes(data[start + 1 : start + 3]),
                int.from_bytes(data[start + 3 : start + 5]),
            )
            return Frame(Size(width, height, bool(turned)), marker, data[start], data[start + 5], end)
        if marker == _APP1 and turned is None and data.startswith(b"Exif\0", start):
            turned = exif_turns(data, start + 6, end)
        elif marker in {_SOS, _EOI}:
            raise corrupt("the JPEG has no frame header before its data")
    return None


def read_size(data: bytes) -> Size | None:
    """Width, height and turn, or None where more bytes are needed."""
    frame = read_frame(data)
    return None if frame is None else frame.size


def check_end(body: bytes) -> None:
    """Raise ImageError `truncated` where no end marker follows the start of the picture's data.

    What follows the last end marker is not looked at: phones append previews, videos and notes. An
    end marker before the data belongs to a thumbnail.
    """
    scan = _first_scan(body)
    if scan is None or body.rfind(b"\xff\xd9", scan) < 0:
        raise truncated("the JPEG has no end marker")


def check_scans(body: bytes, frame: Frame) -> None:
    """Raise ImageError `corrupt` where the picture is cut into so many scans that it must be an attack."""
    scan = _first_scan(body)
    if scan is None:
        return
    is_single = frame.process not in _PROGRESSIVE and body[scan : scan + 1] == bytes([frame.components])
    if not is_single and body.count(b"\xff\xda", scan) > MAX_SCANS:
        raise corrupt(f"the JPEG has more than {MAX_SCANS} scans")


def _first_scan(body: bytes) -> int | None:
    """Where the first scan header starts, or None where there is none."""
    frame = read_frame(body)
    if frame is None:
        return None
    return next((start for marker, start, _ in _segments(body, frame.end) if marker == _SOS), None)


def _segments(data: bytes, position: int) -> Iterator[tuple[int, int, int]]:
    """Each marker with the start and end of what it carries, until the bytes run out."""
    for _ in range(MAX_SEGMENTS):
        found = _MARKER.search(data, position)
        if found is None:
            return
        start = found.end()
        marker = data[start - 1]
        if marker in _BARE:
            position = start
            continue
        if marker == _SOI:
            raise corrupt("the JPEG starts a second time inside itself")
        if marker == _EOI:
            yield marker, start, start
            return
        if start + 2 > len(data):
            return
        length = data[start] << 8 | data[start + 1]
        if length < 2:
            raise corrupt("the JPEG has a segment shorter than its own length field")
        position = start + length
        yield marker, start + 2, position
    raise corrupt(f"the JPEG has more than {MAX_SEGMENTS} segments")
