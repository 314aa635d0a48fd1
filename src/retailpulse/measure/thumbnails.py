"""Thumbnails as the worker takes them from a decoder that a picture may have taken over.

Each must be a JPEG of no more bytes and pixels than one of its kind has, without EXIF data; its pixels are
whatever the decoder says.
"""

import logging

from retailpulse.domain.errors import ImageError
from retailpulse.domain.thumbnails import FORMAT, ThumbnailKind
from retailpulse.measure.formats import jpeg_markers
from retailpulse.measure.formats.sniff import sniff
from retailpulse.measure.formats.work import Work
from retailpulse.schema import Thumbnail

logger = logging.getLogger(__name__)

MOST_BYTES = {ThumbnailKind.THUMBNAIL: 100_000, ThumbnailKind.REVIEW: 500_000}


def believed_thumbnail(kind: ThumbnailKind, data: bytes) -> Thumbnail | None:
    """The thumbnail that a decoder told, or None if it is none."""
    if len(data) > MOST_BYTES[kind]:
        return None
    work = Work()
    try:
        image_format = sniff(data, work)
        frame = jpeg_markers.read_frame(data, work)
    except ImageError:
        frame = image_format = None
    is_jpeg = image_format is not None and image_format.name is FORMAT
    if not is_jpeg or frame is None or frame.exif is not None or frame.scan is None:
        logger.warning("a decoder gave a %s that is none", kind)
        return None
    if not 0 < max(frame.width, frame.height) <= kind.most_pixels or not min(frame.width, frame.height):
        logger.warning("a decoder gave a %s of %d x %d pixels", kind, frame.width, frame.height)
        return None
    return Thumbnail(kind=kind, width=frame.width, height=frame.height, jpeg=data)
