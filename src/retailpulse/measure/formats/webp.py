"""Reading WebP: the size from the first chunk, the turn from EXIF, the end from the length of the whole.

Weak: EXIF stands behind the picture, so a photo that has it needs nearly the whole file even for its header.
"""

import struct

from retailpulse.domain.images import Format
from retailpulse.measure.formats.faults import corrupt, truncated
from retailpulse.measure.formats.image_format import ImageFormat, Size
from retailpulse.measure.formats.pillow import Plugin
from retailpulse.measure.formats.tiff import exif_turns
from retailpulse.measure.formats.work import Work

_CHUNK = struct.Struct("<4sI")
_HAS_EXIF = 0x08

_CHUNK_STEPS = 5


def read_size(data: bytes, work: Work) -> Size | None:
    """Width, height and turn, or None if more bytes are needed."""
    if len(data) < 30:
        return None
    kind = data[12:16]
    if kind == b"VP8X":
        turned = _turned(data, work) if data[20] & _HAS_EXIF else False
        return Size(
            1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little"), turned
        )
    if kind == b"VP8L":
        return _lossless(data)
    if kind == b"VP8 ":
        return _lossy(data)
    raise corrupt("the WebP does not begin with a picture")


def check_end(body: bytes, _size: Size, _work: Work) -> None:
    """Raise ImageError `truncated` if the file is shorter than it says."""
    needed = _end(body)
    if len(body) < needed:
        raise truncated(f"the WebP ends after {len(body)} of {needed} bytes")


def _end(data: bytes) -> int:
    return 8 + int.from_bytes(data[4:8], "little")


def _lossy(data: bytes) -> Size:
    if data[23:26] != b"\x9d\x01\x2a":
        raise corrupt("the WebP has no key frame")
    width, height = struct.unpack_from("<HH", data, 26)
    return Size(width & 0x3FFF, height & 0x3FFF, False)


def _lossless(data: bytes) -> Size:
    if data[20] != 0x2F:
        raise corrupt("the lossless WebP has no signature")
    bits = int.from_bytes(data[21:25], "little")
    return Size(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF), False)


def _turned(data: bytes, work: Work) -> bool | None:
    position, end = 12, _end(data)
    while position + 8 <= min(end, len(data)):
        work.spend(_CHUNK_STEPS)
        kind, length = _CHUNK.unpack_from(data, position)
        start = position + 8
        position = start + length + (length & 1)
        if kind == b"EXIF":
            if start + length > len(data):
                return None
            start += 6 if data.startswith(b"Exif\0\0", start) else 0
            return exif_turns(data, start, position, work)
    return False if position + 8 > end else None


def _is_webp(data: bytes, _: Work) -> bool:
    return data[8:12] == b"WEBP"


_PLUGIN = Plugin("WEBP", "WebPImagePlugin", needs=("webp",))
FORMAT = ImageFormat(
    name=Format.WEBP,
    starts=(b"RIFF",),
    is_it=_is_webp,
    read_size=read_size,
    check_end=check_end,
    load=_PLUGIN.load,
    decode=_PLUGIN.decode,
    bytes_per_pixel=16,  # a lossless one: 13
    reports_out_of_memory=False,
)
