"""Reading PNG: the size from the first chunk, the end from the last, the checksums in between.

The decoder gets the chunks alone that a picture is made of: texts, profiles and notes fail no picture. Weak:
EXIF behind the picture's data turns nothing, so that a first part and the whole file say the same.
"""

import struct
import zlib
from collections.abc import Iterator

from PIL.Image import Image

from retailpulse.domain.images import Format
from retailpulse.measure.formats.faults import corrupt, truncated, unsupported
from retailpulse.measure.formats.image_format import ImageFormat, Size
from retailpulse.measure.formats.pillow import PillowPicture, Plugin
from retailpulse.measure.formats.tiff import exif_turns
from retailpulse.measure.formats.work import Work

_CHUNK = struct.Struct(">I4s")
_SIZE = struct.Struct(">II")
_CRC = struct.Struct(">I")

_MAX_CHUNK_BYTES = 0x7FFFFFFF + _CRC.size
_CHUNK_STEPS = 3
"""Encoders write 8 kB of data a chunk, or far more: 60,000 chunks would be a picture of 500 MB."""


def read_size(data: bytes, work: Work) -> Size | None:
    """Width, height and turn, or None if more bytes are needed."""
    if len(data) < 24:
        return None
    if data[12:16] == b"CgBI":
        raise unsupported("a PNG as Apple packs it into apps cannot be decoded")
    if data[8:16] != b"\0\0\0\x0dIHDR":
        raise corrupt("the PNG does not begin with its header chunk")
    width, height = _SIZE.unpack_from(data, 16)
    return Size(width, height, _turned(data, work))


def check_end(body: bytes, _: Size, work: Work) -> None:
    """Raise ImageError `truncated` if the last chunk is missing, `corrupt` for what is none."""
    for kind, start, end in _chunks(body, work):
        if not kind.isalpha():
            raise corrupt("the PNG goes on with bytes that are no chunk")
        if end - start > _MAX_CHUNK_BYTES:
            raise corrupt("the PNG has a chunk of an impossible length")
        if kind == b"IEND" and end <= len(body):
            return
    raise truncated("the PNG has no end chunk")


def find_damage(body: bytes, _: Size, work: Work) -> str | None:
    """Which chunk of the picture does not match its checksum, in a few words; None if all do."""
    view = memoryview(body)
    for kind, start, end in _chunks(body, work):
        if not _is_critical(kind):
            continue
        if zlib.crc32(view[start - 4 : end - 4]) != _CRC.unpack_from(body, end - 4)[0]:
            return f"the checksum of the {kind.decode(errors='replace')} chunk does not match"
        if kind == b"IEND":
            break
    return None


def _is_critical(kind: bytes) -> bool:
    """Whether a picture cannot be shown without such a chunk, as the case of its first letter says."""
    return not kind[0] & 0x20


def _essential(body: bytes, work: Work) -> bytes:
    """The file without its ancillary chunks, and without what follows its end."""
    view = memoryview(body)
    parts = []
    begin = 0
    end = 8
    for kind, start, end in _chunks(body, work):
        if not _is_critical(kind):
            parts.append(view[begin : start - 8])
            begin = end
        elif kind == b"IEND":
            break
    return b"".join((*parts, view[begin:end]))


def _turned(data: bytes, work: Work) -> bool | None:
    for kind, start, end in _chunks(data, work):
        # An impossible chunk is the end check's: the size was told before it, perhaps refused already.
        if kind in {b"IDAT", b"IEND"} or end - start > _MAX_CHUNK_BYTES:
            return False
        if kind == b"eXIf":
            return exif_turns(data, start, end - 4, work) if end <= len(data) else None
    return None


def _chunks(data: bytes, work: Work) -> Iterator[tuple[bytes, int, int]]:
    """Each chunk's kind and the offsets of its content and of its end, until the bytes run out."""
    position = 8
    while position + 8 <= len(data):
        work.spend(_CHUNK_STEPS)
        length, kind = _CHUNK.unpack_from(data, position)
        start = position + 8
        position = start + length + 4
        yield kind, start, position


class _PngPicture(PillowPicture):
    __slots__ = ("_body",)

    def __init__(self, image: Image, size: Size, body: bytes) -> None:
        super().__init__(image, size)
        self._body = body

    def _find_exif(self) -> bytes | None:
        for kind, start, end in _chunks(self._body, Work()):
            if kind == b"eXIf":
                return self._body[start : end - 4]
        return None


def _decode(body: bytes, size: Size, max_pixels: int) -> _PngPicture:
    try:
        image = _PLUGIN.decode_image(_essential(body, Work()), max_pixels)
    except (OSError, SyntaxError, ValueError):
        if (damage := find_damage(body, size, Work())) is not None:
            raise corrupt(damage) from None
        raise
    return _PngPicture(image, size, body)


_PLUGIN = Plugin("PNG", "PngImagePlugin", needs=("zlib",))
FORMAT = ImageFormat(
    name=Format.PNG,
    starts=(b"\x89PNG\r\n\x1a\n",),
    read_size=read_size,
    check_end=check_end,
    load=_PLUGIN.load,
    decode=_decode,
    find_damage=find_damage,
)
