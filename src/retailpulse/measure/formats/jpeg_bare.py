"""A JPEG without what stands beside the picture in front of its data: comments, profiles, garbage.

libjpeg-turbo's interface refuses a whole picture for a warning about any of them, such as a colour profile in
chunks 5 of 3. Weak: an Adobe segment with an unknown transform is left as it is.
"""

from retailpulse.measure.formats.jpeg_markers import BARE, SKIPPED, Frame, next_segment
from retailpulse.measure.formats.work import Work

_JFIF, _EXIF, _ADOBE = 0xE0, 0xE1, 0xEE
_DROPPED = SKIPPED - {_JFIF, _EXIF, _ADOBE}  # JFIF and Adobe say how colours are stored
_FILL = b"\xff"
"""Any number of these may stand before a marker, so that all offsets stay what they are."""


def without_extras(body: bytes, frame: Frame, work: Work) -> bytes:
    """The same picture and EXIF at the same offsets; the rest is filled up, and JFIF is of version 1.1."""
    end = (frame.scan or 0) - 4
    if end < 2:
        return body
    head = bytearray(body[:2] + _FILL * (end - 2))
    position = 2
    while (segment := next_segment(body, position, work)) is not None:
        marker, start, position = segment
        if start > end:
            break
        if marker in _DROPPED:
            continue
        first = start - (2 if marker in BARE else 4)
        head[first:position] = body[first:position]
        if marker == _JFIF and body.startswith(b"JFIF\0", start, position - 2):
            head[start + 5 : start + 7] = b"\1\1"
    return bytes(head) + body[end:]
