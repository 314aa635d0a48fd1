"""Measuring a whole body: its header, whether it is complete, its hash, and whether it decodes.

Work for a thread: hashing and decoding release the interpreter lock, the rest takes microseconds. A body that
is still in the pieces it arrived in is `pieces`' work.
"""

import hashlib

from retailpulse.domain.images import Depth, Header, Measurement
from retailpulse.measure.decode import decode
from retailpulse.measure.formats.sniff import ended_early, sniff
from retailpulse.measure.header import check_size
from retailpulse.measure.work import Work


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
    image_format = sniff(body, work)
    size = None if image_format is None else image_format.read_size(body, work)
    header = None if size is None or image_format is None else check_size(image_format.name, size, max_pixels)
    if image_format is None or header is None:
        raise ended_early(body)
    if depth is Depth.HEADER:
        return header, None
    image_format.check_end(body, size, work)
    return header, decode(image_format, body, size, max_pixels) if depth is Depth.DECODE else None
