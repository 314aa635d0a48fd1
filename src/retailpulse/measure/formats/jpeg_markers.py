"""Reading JPEG: the size from the frame header, the end from the last end marker.

The walk over the markers follows libjpeg's, so both see the same frame. Weak: a picture that lost a part
from its middle but kept its end marker passes here; decoding finds it.
"""

import re
import struct
from collections.abc import Sequence

from retailpulse.domain.errors import ImageError
from retailpulse.measure.formats.faults import corrupt, truncated
from retailpulse.measure.formats.image_format import Size
from retailpulse.measure.formats.tiff import exif_turns
from retailpulse.measure.formats.work import BYTES_PER_FAST_STEP, BYTES_PER_STEP, Work

_MARKER = re.compile(rb"\xff[\x01-\xfe]")
_SOI, _EOI, _SOS, _APP1 = 0xD8, 0xD9, 0xDA, 0xE1
BARE = frozenset({0x01, *range(0xD0, 0xD8), _EOI})  # TEM, RSTn and the end carry no length
_BEYOND = frozenset({_SOS, _EOI})
_END = b"\xff\xd9"
_HEAD = struct.Struct(">BBH")
_CARRYING = frozenset(range(0x02, 0xFF)) - BARE - {_SOI}
SKIPPED = frozenset({*range(0xE0, 0xF0), 0xFE, 0xDC})  # what applications add, comments, DNL
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

_SEGMENT_STEPS = 8
"""Also that of a segment after garbage."""


class Frame(Size, gc=False, kw_only=True):
    """What the frame header of a JPEG says; `end` is the offset of the end of its segment.

    `exif` is where the first EXIF data lie in the file. `scan` is where the first scan header behind this one
    starts: known once `read_frame` or `check_end` has found it.
    """

    process: int
    sample_bits: int
    components: int
    end: int
    exif: slice | None
    scan: int | None = None


_Segment = tuple[int, int, int]
"""A marker with the start and end of what it carries; the end may be beyond the data."""


def read_frame(data: bytes, work: Work) -> Frame | None:
    """The frame header, or None if more bytes are needed; EXIF counts up to the picture's data."""
    turned = exif = None
    position = 2
    while (segment := next_segment(data, position, work)) is not None:
        marker, start, position = segment
        if marker in _FRAMES:
            if start + 6 > len(data):
                return None
            frame = Frame(
                width=data[start + 3] << 8 | data[start + 4],
                height=data[start + 1] << 8 | data[start + 2],
                turned=turned,
                process=marker,
                sample_bits=data[start],
                components=data[start + 5],
                end=position,
                exif=exif,
            )
            if turned is None:
                _look_behind(frame, data, work)
            return frame
        if marker == _APP1 and turned is None and data.startswith(b"Exif\0", start, position):
            exif = slice(start + 6, position)
            turned = exif_turns(data, exif.start, exif.stop, work)
        elif marker in _BEYOND:
            raise corrupt("the JPEG has no frame header before its data")
    return None


def _look_behind(frame: Frame, data: bytes, work: Work) -> None:
    """Look for EXIF between the frame header and the picture's data; if neither is there, wait for more."""
    position = frame.end
    try:
        while (segment := next_segment(data, position, work)) is not None:
            marker, start, position = segment
            if marker == _APP1 and data.startswith(b"Exif\0", start, position):
                if position <= len(data):
                    frame.exif = slice(start + 6, position)
                    frame.turned = exif_turns(data, start + 6, position, work)
                return
            if marker in _BEYOND:
                frame.turned = False
                frame.scan = start if marker == _SOS else None
                return
    except ImageError:  # the end check meets the fault again, at the depths that it concerns
        if work.left < 0:
            raise
        frame.turned = False


def check_end(body: bytes, frame: Frame, work: Work) -> None:
    """Raise ImageError `truncated` if no end marker follows the start of the picture's data.

    What follows the last end marker is not looked at: phones append previews, videos and notes. An
    end marker before the data belongs to a thumbnail.
    """
    frame.scan = frame.scan or _find_scan(body, frame, work)
    _check_end_behind((body,), frame.scan, work)


def check_end_in_pieces(beginning: bytes, pieces: Sequence[bytes], frame: Frame, work: Work) -> bool:
    """The same for a body in pieces; False if its beginning does not reach to the picture's data."""
    scan = frame.scan or _find_scan(beginning, frame, work)
    if scan is not None:
        _check_end_behind(pieces, scan, work)
    return scan is not None


def _find_scan(data: bytes, frame: Frame, work: Work) -> int | None:
    """The offset of the first scan header after the frame header, or None if there is none yet."""
    position = frame.end
    while (segment := next_segment(data, position, work)) is not None:
        marker, start, position = segment
        if marker in _BEYOND:
            return start if marker == _SOS else None
    return None


def _check_end_behind(pieces: Sequence[bytes], scan: int | None, work: Work) -> None:
    if scan is None or _find_last_end(pieces, work) < scan:
        raise truncated("the JPEG has no end marker")


def _find_last_end(pieces: Sequence[bytes], work: Work) -> int:
    """The offset of the last end marker of a body in pieces, or -1; one may lie across a border."""
    position = sum(map(len, pieces))
    following = b""
    for piece in reversed(pieces):
        if not piece:
            continue
        position -= len(piece)
        if following == b"\xd9" and piece.endswith(b"\xff"):
            return position + len(piece) - 1
        found = _find_end_in(piece, work)
        if found >= 0:
            return position + found
        following = piece[:1]
    return -1


def _find_end_in(piece: bytes, work: Work) -> int:
    """The last end marker of a piece, or -1."""
    work.spend()
    found = piece.rfind(_END, max(0, len(piece) - BYTES_PER_FAST_STEP * (work.left + 1)))
    work.spend((len(piece) - max(0, found)) // BYTES_PER_FAST_STEP)
    return found


def next_segment(data: bytes, position: int, work: Work) -> _Segment | None:
    """The next marker and what it carries, or None if the bytes run out."""
    work.left -= _SEGMENT_STEPS
    if work.left < 0:
        work.give_up()
    if position + _HEAD.size <= len(data):  # nearly always it is right here, and a search costs more
        lead, marker, length = _HEAD.unpack_from(data, position)
        if lead == 0xFF and length >= 2 and marker in _CARRYING:
            return marker, position + 4, position + 2 + length
    found = _MARKER.search(data, position, position + BYTES_PER_STEP * (work.left + 1))
    end = len(data) if found is None else found.end()
    work.spend(max(0, end - position) // BYTES_PER_STEP)
    return None if found is None else _segment(data, data[end - 1], end)


def _segment(data: bytes, marker: int, start: int) -> _Segment | None:
    if marker == _SOI:
        raise corrupt("the JPEG starts a second time inside itself")
    if marker in BARE:
        return marker, start, start
    if start + 2 > len(data):
        return None
    length = data[start] << 8 | data[start + 1]
    if length < 2 and marker in SKIPPED:  # decoders skip nothing then, and look for the next marker
        return marker, start + 2, start + 2
    if length < 2:
        raise corrupt("the JPEG has a segment shorter than its own length field")
    return marker, start + 2, start + length
