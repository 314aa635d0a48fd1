"""Pixels of 16 or 32 bits in a BMP whose colours lie behind any masks: Pillow knows a dozen of them alone.

Weak: alpha is not looked at, as viewers do not agree on it.
"""

import struct
from typing import Any

from retailpulse.measure.formats.faults import corrupt
from retailpulse.measure.formats.image_format import Size
from retailpulse.measure.formats.libraries import library

MASKED = frozenset({3, 6})
"""The compressions that stand for masks: of three colours, or of alpha too."""
_DEFAULTS = {16: (0x7C00, 0x3E0, 0x1F), 32: (0xFF0000, 0xFF00, 0xFF)}
_WEIGHTS = (19595, 38470, 7471)
"""How much of red, green and blue is in grey, of 65,536: those of ITU-R 601, as Pillow has them."""
_MASKS_AT = 54
"""Behind the shortest header that says a compression, and inside of all longer ones."""
_BAND_PIXELS = 1 << 18


def is_masked(bits: int, compression: int) -> bool:
    """Whether pixels of so many bits and such a compression have masks."""
    return compression in MASKED and bits in _DEFAULTS


def grey_of_masked(body: bytes, size: Size, bits: int, start: int, *, is_top_down: bool) -> Any:
    """The picture as rows of bytes of grey; raises ImageError `corrupt` if its masks are none."""
    numpy = library("numpy")
    masks = struct.unpack_from("<III", body, _MASKS_AT)
    if not any(masks):
        masks = _DEFAULTS[bits]
    kind = numpy.dtype("<u2" if bits == 16 else "<u4")
    row_numbers = (size.width * bits + 31) // 32 * 32 // bits
    pixels = numpy.frombuffer(body, kind, size.height * row_numbers, start).reshape(size.height, row_numbers)
    grey = numpy.empty((size.height, size.width), numpy.uint8)
    step = max(1, _BAND_PIXELS // size.width)
    for first in range(0, size.height, step):  # a band at a time, as its numbers are wider than bytes
        band = pixels[first : first + step, : size.width].astype(numpy.uint32)
        total = numpy.full(band.shape, 0x8000, numpy.uint32)
        for mask, weight in zip(masks, _WEIGHTS, strict=True):
            if mask:
                total += _channel(band, mask) * numpy.uint32(weight)
        grey[first : first + step] = total >> 16
    return grey if is_top_down else grey[::-1]


def _channel(pixels: Any, mask: int) -> Any:
    """A colour of each pixel, 0 to 255."""
    shift = (mask & -mask).bit_length() - 1
    most = mask >> shift
    if most & (most + 1):
        raise corrupt("the BMP has a colour mask with a gap")
    if most > 0xFF:  # the highest eight bits say enough
        shift += most.bit_length() - 8
        most = 0xFF
    values = (pixels >> shift) & most
    return values if most == 0xFF else (values * 255 + most // 2) // most
