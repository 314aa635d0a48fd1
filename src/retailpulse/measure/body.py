"""Measuring a whole body: its header, whether it is complete, its hash, and whether it decodes.

Work for a thread: hashing and decoding release the interpreter lock, the rest takes microseconds. A body that
is still in the pieces it arrived in is `pieces`' work.
"""

import hashlib
from collections.abc import Callable

from retailpulse.domain.images import Depth, Format, Header, Measurement
from retailpulse.measure.decode import decode, decode_jpeg
from retailpulse.measure.formats import bmp, gif, heif, jpeg, png, tiff, webp
from retailpulse.measure.formats.sniff import ended_early, sniff
from retailpulse.measure.header import check_size, read_header
from retailpulse.measure.work import Work

_END_CHECKS: dict[Format, Callable[[bytes, Work], None]] = {
    Format.PNG: png.check_end,
    Format.GIF: gif.check_end,
    Format.WEBP: webp.check_end,
    Format.BMP: bmp.check_end,
    Format.TIFF: tiff.check_end,
    Format.AVIF: heif.check_end,
    Format.HEIC: heif.check_end,
}


def measure_body(body: bytes, depth: Depth, max_pixels: int, work: Work | None = None) -> Measurement:
    """Measure a whole body as deep as asked; depth `header` only turns "more bytes needed" into an error.

    Raises ImageError `unsupported_format`, `corrupt`, `truncated` or `too_many_pixels`, nothing else.
    `work` is what was left of the file's budget; without it the file has not been looked at before.
    """
    header, suspect = _examine(body, depth, max_pixels, work or Work())
    if depth is Depth.HEADER:
        return Measurement(header=header)
    sha256 = hashlib.sha256(body).digest()
    return Measurement(header=header, size_bytes=len(body), sha256=sha256, suspect=suspect)


def check_complete(body: bytes, max_pixels: int, work: Work) -> Header:
    """The header of a whole body that is complete; raises as `measure_body` at depth `download`."""
    return _examine(body, Depth.DOWNLOAD, max_pixels, work)[0]


def _examine(body: bytes, depth: Depth, max_pixels: int, work: Work) -> tuple[Header, str | None]:
    """The header, and what looks damaged in a picture that decodes."""
    if sniff(body, work) is Format.JPEG:
        return _examine_jpeg(body, depth, max_pixels, work)
    header = read_header(body, max_pixels, work)
    if header is None:
        raise ended_early(body)
    if depth is not Depth.HEADER:
        _END_CHECKS[header.format](body, work)
    return header, decode(header.format, body, max_pixels) if depth is Depth.DECODE else None


def _examine_jpeg(body: bytes, depth: Depth, max_pixels: int, work: Work) -> tuple[Header, str | None]:
    """The same for a JPEG, whose markers are walked over once for all there is to know."""
    frame = jpeg.read_frame(body, work)
    header = None if frame is None else check_size(Format.JPEG, frame.size, max_pixels)
    if frame is None or header is None:
        raise ended_early(body)
    if depth is Depth.HEADER:
        return header, None
    scan = jpeg.find_scan(body, frame, work)
    jpeg.check_end((body,), scan, work)
    return header, decode_jpeg(body, frame, scan, max_pixels) if depth is Depth.DECODE else None
