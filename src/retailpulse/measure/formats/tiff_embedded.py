"""TIFF whose strips or tiles are whole files of another format: WebP, or JPEG as in DNG.

Each is decoded by itself and put in its place, in grey. Weak: JPEG 2000 and JPEG XL are not decoded.
"""

from collections.abc import Sequence

from PIL import Image

from retailpulse.measure.formats.faults import corrupt
from retailpulse.measure.formats.image_format import Size
from retailpulse.measure.formats.pillow import Plugin

CODECS = {
    34892: Plugin("JPEG", "JpegImagePlugin", also=("MpoImagePlugin",)),
    50001: Plugin("WEBP", "WebPImagePlugin", needs=("webp",)),
}
"""By the number of the compression."""


def decode_parts(
    body: bytes, size: Size, codec: Plugin, places: Sequence[tuple[int, int]], part: tuple[int, int]
) -> Image.Image:
    """The picture of a body by its parts: their offsets and lengths, and the size of a whole one.

    Raises ImageError `corrupt` if there are too few of them, or one has another size.
    """
    width, height = part
    if width < 1 or height < 1:
        raise corrupt("the TIFF has parts without a size")
    if sum(length for _, length in places) > len(body):
        raise corrupt("the parts of the TIFF overlap")
    corners = ((x, y) for y in range(0, size.height, height) for x in range(0, size.width, width))
    picture = Image.new("L", (size.width, size.height))
    found = iter(places)
    for x, y in corners:
        offset, length = next(found, (0, 0))
        if not length:
            raise corrupt("the TIFF lacks a part of its picture")
        one = codec.decode_image(body[offset : offset + length], width * height)
        if one.size != part and one.size != (min(width, size.width - x), min(height, size.height - y)):
            raise corrupt("a part of the TIFF has another size than the rest")
        picture.paste(one.convert("L"), (x, y))
    return picture
