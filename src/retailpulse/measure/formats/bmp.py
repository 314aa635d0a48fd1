"""Reading BMP: the size from either kind of header, the end from the length of the pixels.

Weak: a compressed picture (RLE, embedded JPEG or PNG) is complete if a length field says so.
"""

import struct

from PIL import Image

from retailpulse.domain.images import Format
from retailpulse.measure.formats.bmp_masks import MASKED, grey_of_masked, is_masked
from retailpulse.measure.formats.faults import corrupt, truncated, unsupported
from retailpulse.measure.formats.image_format import ImageFormat, Size
from retailpulse.measure.formats.pillow import PillowPicture, Plugin
from retailpulse.measure.formats.work import Work
from retailpulse.measure.formats.zeros import has_zeroed_pages

_CORE_BYTES = 12
_HEADER_BYTES = frozenset({_CORE_BYTES, 40, 52, 56, 64, 108, 124})
_UNCOMPRESSED, _RUN_LENGTHS = 0, frozenset({1, 2})
_BITS = frozenset({1, 4, 8, 16, 24, 32})


def has_known_header(data: bytes, _: Work) -> bool | None:
    """Whether a header of a known length follows the letters BM; None if more bytes are needed."""
    return int.from_bytes(data[14:18], "little") in _HEADER_BYTES if len(data) >= 18 else None


def read_size(data: bytes, _: Work) -> Size | None:
    """Width and height, or None if more bytes are needed; rows stored top down count the same."""
    if len(data) < 26:
        return None
    if data[14] == _CORE_BYTES:
        width, height = struct.unpack_from("<HH", data, 18)
    else:
        width, height = struct.unpack_from("<ii", data, 18)
    if width < 0:
        raise corrupt("the BMP has a negative width")
    return Size(width, abs(height), False)


def check_end(body: bytes, _size: Size, _work: Work) -> None:
    """Raise ImageError `truncated` if the pixels are not all there.

    The length in the file's header is often wrong, so it counts only if the pixels are compressed.
    """
    if len(body) < 54 and _has_long_header(body):
        raise truncated("the BMP ends inside its header")
    needed = _plain_end(body)
    if needed is None:
        needed = min(_number(body, 2), _compressed_end(body))
    if len(body) < needed:
        raise truncated(f"the BMP ends after {len(body)} of {needed} bytes")


def _has_long_header(body: bytes) -> bool:
    """Whether the header is one of those that say a compression."""
    return body[14] >= 40


def _kind(body: bytes) -> tuple[int, int, int, int]:
    """Width, height (negative if the first row is the top one), bits of a pixel, compression."""
    if _has_long_header(body):
        width, height, _, bits, compression = struct.unpack_from("<iiHHI", body, 18)
        return width, height, bits, compression
    width, height, _, bits = struct.unpack_from("<HHHH", body, 18)
    return width, height, bits, _UNCOMPRESSED


def _plain_end(body: bytes) -> int | None:
    """The offset at which uncompressed pixels end, or None if they are compressed."""
    width, height, bits, compression = _kind(body)
    # With one bit a pixel, what stands for masks elsewhere stands for a fax.
    if compression != _UNCOMPRESSED and (compression not in MASKED or bits < 16):
        return None
    pixel_bytes: int = (width * bits + 31) // 32 * 4 * abs(height)
    return _number(body, 10) + pixel_bytes


def _compressed_end(body: bytes) -> int:
    return _number(body, 10) + _number(body, 34)


def _number(body: bytes, position: int) -> int:
    return int.from_bytes(body[position : position + 4], "little")


def _decode(body: bytes, size: Size, max_pixels: int) -> PillowPicture:
    _, height, bits, compression = _kind(body)
    if is_masked(bits, compression):
        grey = grey_of_masked(body, size, bits, _number(body, 10), is_top_down=height < 0)
        return PillowPicture(Image.fromarray(grey), size)
    is_known = (
        compression == _UNCOMPRESSED or compression in _RUN_LENGTHS or (compression == 3 and bits == 24)
    )
    if bits not in _BITS or not is_known:
        raise unsupported(f"a BMP of {bits} bits a pixel and compression {compression} cannot be decoded")
    return _PLUGIN.decode(body, size, max_pixels)


def find_damage(body: bytes, _size: Size, work: Work) -> str | None:
    """Whether pages of uncompressed pixels were zeroed, in a few words; None if none were."""
    end = _plain_end(body)
    if end is not None and has_zeroed_pages(body, _number(body, 10), end, work):
        return "a page of the BMP's pixels was zeroed"
    return None


_PLUGIN = Plugin("BMP", "BmpImagePlugin")
FORMAT = ImageFormat(
    name=Format.BMP,
    starts=(b"BM",),
    is_it=has_known_header,
    read_size=read_size,
    check_end=check_end,
    load=_PLUGIN.load,
    decode=_decode,
    find_damage=find_damage,
)
