"""Measuring by the first bytes alone: tell the format, let its reader find the size, check the size.

A first part of a file never says anything else than the whole file does: it says the same or nothing yet.
Both within the work that one file may take: a caller that reads it again as it grows passes the same Work.
"""

from retailpulse.domain.images import Format, Header
from retailpulse.measure.formats.faults import corrupt, too_many_pixels
from retailpulse.measure.formats.image_format import Size
from retailpulse.measure.formats.sniff import sniff
from retailpulse.measure.formats.work import Work


def read_header(data: bytes, max_pixels: int, work: Work | None = None) -> Header | None:
    """The header of an image from its first bytes, or None if more of them are needed.

    Raises ImageError `unsupported_format`, `corrupt` or `too_many_pixels` if more bytes cannot help. Each
    call starts from the beginning: pass a first part that doubles, not one that grows by the packet, and one
    Work for all calls about a file; without it each call has a budget of its own.
    """
    work = work or Work()
    image_format = sniff(data, work)
    size = None if image_format is None else image_format.read_size(data, work)
    if image_format is None or size is None:
        return None
    return check_size(image_format.name, size, max_pixels)


def check_size(image_format: Format, size: Size, max_pixels: int) -> Header | None:
    """The header of an image of this size, or None if that is not all yet; raises like `read_header`."""
    width, height, turned = size.width, size.height, size.turned
    if width * height > max_pixels:
        raise too_many_pixels(width, height, max_pixels)
    if size.may_grow:
        return None
    if width == 0 or height == 0:
        raise corrupt(f"the image says it has {width} x {height} pixels")
    if turned is None and width != height:
        return None
    shown_width, shown_height = size.shown or (width, height)
    return Header(
        format=image_format,
        width=width,
        height=height,
        displayed_width=shown_height if turned else shown_width,
        displayed_height=shown_width if turned else shown_height,
    )
