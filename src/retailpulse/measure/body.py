"""Measuring a whole body: its header, whether it is complete, its hash, and whether it decodes.

Work for a thread: hashing and decoding release the interpreter lock, the rest takes microseconds. A body that
is still in the pieces it arrived in is `pieces`' work.
"""

import hashlib
from typing import Any

from retailpulse.analyze import Picture, ask, registry
from retailpulse.domain.analysis import Analysis
from retailpulse.domain.images import Depth, Header
from retailpulse.measure.decode import decode
from retailpulse.measure.formats.image_format import ImageFormat, Size
from retailpulse.measure.formats.sniff import ended_early, sniff
from retailpulse.measure.formats.work import Work
from retailpulse.measure.header import check_size
from retailpulse.measure.measurement import make_measurement
from retailpulse.schema import Measurement


def measure_body(body: bytes, depth: Depth, max_pixels: int, work: Work | None = None) -> Measurement:
    """Measure a whole body as deep as asked; depth `header` only turns "more bytes needed" into an error.

    Raises ImageError `unsupported_format`, `corrupt`, `truncated` or `too_many_pixels`, nothing else.
    `work` is what was left of the file's budget; without it the file has not been looked at before.
    At depth `decode` every analyzer there is looks at the picture.
    """
    work = work or Work()
    if depth is Depth.HEADER:
        return make_measurement(_read_header(body, max_pixels, work)[0])
    if depth is Depth.DOWNLOAD:
        return _measured(check_complete(body, max_pixels, work), body, ())
    header, picture = decode_body(body, max_pixels, work)
    return _measured(header, body, tuple(ask(analyzer, picture, header) for analyzer in registry.ALL))


def check_complete(body: bytes, max_pixels: int, work: Work) -> Header:
    """The header of a whole body that is complete; raises as `measure_body` at depth `download`."""
    header, image_format, size = _read_header(body, max_pixels, work)
    image_format.check_end(body, size, work)
    return header


def decode_body(body: bytes, max_pixels: int, work: Work | None = None) -> tuple[Header, Picture]:
    """The header and the picture of a whole body; raises as `measure_body` at depth `decode`."""
    work = work or Work()
    header, image_format, size = _read_header(body, max_pixels, work)
    image_format.check_end(body, size, work)
    return header, decode(image_format, body, size, max_pixels)


def _read_header(body: bytes, max_pixels: int, work: Work) -> tuple[Header, ImageFormat[Any], Size]:
    image_format = sniff(body, work)
    if image_format is None:
        raise ended_early(body)
    size = image_format.read_size(body, work)
    if size is None:
        raise image_format.why_no_size(body, work) or ended_early(body)
    header = check_size(image_format.name, size, max_pixels)
    if header is None:
        raise ended_early(body)
    return header, image_format, size


def _measured(header: Header, body: bytes, analyses: tuple[Analysis, ...]) -> Measurement:
    sha256 = hashlib.sha256(body).hexdigest()
    return make_measurement(header, size_bytes=len(body), sha256=sha256, analyses=analyses)
