"""Measuring a whole body: its header, whether it is complete, its hash, and whether it decodes.

Work for a thread: hashing and decoding release the interpreter lock, the rest takes microseconds.
"""

import hashlib
from collections.abc import Callable

from retailpulse.domain.images import Depth, Format, Measurement
from retailpulse.measure import bmp, gif, heif, jpeg, png, tiff, webp
from retailpulse.measure.decode import decode
from retailpulse.measure.header import read_header
from retailpulse.measure.sniff import ended_early

_END_CHECKS: dict[Format, Callable[[bytes], None]] = {
    Format.JPEG: jpeg.check_end,
    Format.PNG: png.check_end,
    Format.GIF: gif.check_end,
    Format.WEBP: webp.check_end,
    Format.BMP: bmp.check_end,
    Format.TIFF: tiff.check_end,
    Format.AVIF: heif.check_end,
    Format.HEIC: heif.check_end,
}


def measure_body(body: bytes, depth: Depth, max_pixels: int) -> Measurement:
    """Measure a whole body as deep as asked; depth `header` only turns "more bytes needed" into an error.

    Raises ImageError `unsupported_format`, `corrupt`, `truncated` or `too_many_pixels`, nothing else.
    """
    header = read_header(body, max_pixels)
    if header is None:
        raise ended_early(body)
    if depth is Depth.HEADER:
        return Measurement(header=header)
    _END_CHECKS[header.format](body)
    suspect = decode(header.format, body, max_pixels) if depth is Depth.DECODE else None
    return Measurement(
        header=header, size_bytes=len(body), sha256=hashlib.sha256(body).digest(), suspect=suspect
    )
