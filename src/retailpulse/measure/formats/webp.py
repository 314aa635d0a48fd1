"""Reading WebP: the size from the first chunk, the turn from EXIF, the end from the chunks.

The length of the whole is often wrong, and browsers show what is there: the chunks decide, and the decoder
gets the right length. Weak: EXIF stands behind the picture, so a photo that has it needs nearly all of it
even for its header.
"""

import struct

from retailpulse.domain.images import Format
from retailpulse.measure.formats import webp_data
from retailpulse.measure.formats.faults import corrupt, truncated
from retailpulse.measure.formats.image_format import ImageFormat, Size
from retailpulse.measure.formats.pillow import PillowPicture, Plugin
from retailpulse.measure.formats.tiff import exif_turns
from retailpulse.measure.formats.work import Work

_CHUNK = struct.Struct("<4sI")
_HEAD_BYTES = {b"VP8X": 30, b"VP8L": 25, b"VP8 ": 30}
"""How many bytes say the size, by the kind of the first chunk."""
_PICTURES = frozenset({b"VP8 ", b"VP8L", b"ANMF"})
_HAS_EXIF = 0x08
_HAS_ANIMATION = 0x02
_FLAGGED = ((_HAS_EXIF, b"EXIF"), (0x04, b"XMP "))
"""What stands behind the picture if the flags say so."""

_CHUNK_STEPS = 5


def read_size(data: bytes, work: Work) -> Size | None:
    """Width, height and turn, or None if more bytes are needed."""
    if len(data) < 16:
        return None
    kind = data[12:16]
    if kind not in _HEAD_BYTES:
        raise corrupt("the WebP does not begin with a picture")
    if len(data) < _HEAD_BYTES[kind]:
        return None
    if kind == b"VP8X":
        turned = _turned(data, work) if data[20] & _HAS_EXIF else False
        return Size(
            1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little"), turned
        )
    return _lossless(data) if kind == b"VP8L" else _lossy(data)


def check_end(body: bytes, _size: Size, work: Work) -> None:
    """Raise ImageError `truncated` if a chunk that the file needs or announces is not all there."""
    _chunks_end(body, work)


def _chunks_end(body: bytes, work: Work) -> int:
    """The offset behind the last chunk that counts; raises ImageError `truncated`."""
    announced = _end(body)
    is_extended = body[12:16] == b"VP8X"
    position = 12
    seen: set[bytes] = set()
    while position + 8 <= len(body) and (position < announced or seen.isdisjoint(_PICTURES)):
        work.spend(_CHUNK_STEPS)
        kind, length = _CHUNK.unpack_from(body, position)
        if position + 8 + length > len(body):
            break
        seen.add(kind)
        position += 8 + length + (length & 1)
        if not is_extended:
            break
    if seen.isdisjoint(_PICTURES) or (is_extended and _lacks_a_chunk(body, position, seen)):
        raise truncated(f"the WebP ends after {len(body)} of {announced} bytes")
    return position


def _lacks_a_chunk(body: bytes, position: int, seen: set[bytes]) -> bool:
    """Whether an extended file that ends before its announced end has lost one of its chunks there."""
    lost = _end(body) - len(body)
    if lost <= 0:
        return False
    if position < len(body):  # it ends within one
        return True
    if body[20] & _HAS_ANIMATION:
        return lost > _CHUNK.size  # so many bytes may be a frame
    return any(body[20] & flag and kind not in seen for flag, kind in _FLAGGED)


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


def _with_right_length(body: bytes) -> bytes:
    """The same file; if the length that it announces does not fit its chunks, with the one that does."""
    end = _chunks_end(body, Work())  # the end check went over the same chunks
    if end == _end(body) <= len(body):
        return body
    return body[:4] + (end - 8).to_bytes(4, "little") + body[8:end].ljust(end - 8, b"\0")


def _decode(body: bytes, size: Size, max_pixels: int) -> PillowPicture:
    return _PLUGIN.decode(_with_right_length(body), size, max_pixels)


def find_damage(body: bytes, size: Size, work: Work) -> str | None:
    """Which chunk has zeros that no encoder writes, in a few words; None if none has."""

    def decodes(other: bytes) -> bool:
        try:
            _PLUGIN.decode(other, size, size.width * size.height)
        except Exception:  # decoders raise about anything there is
            return False
        return True

    end = min(len(body), _chunks_end(body, work))
    return webp_data.find_damage(body, end, size, work, decodes)


_PLUGIN = Plugin("WEBP", "WebPImagePlugin", needs=("webp",))
FORMAT = ImageFormat(
    name=Format.WEBP,
    starts=(b"RIFF",),
    is_it=_is_webp,
    read_size=read_size,
    check_end=check_end,
    load=_PLUGIN.load,
    decode=_decode,
    find_damage=find_damage,
    bytes_per_pixel=16,  # a lossless one: 13
    reports_out_of_memory=False,
)
