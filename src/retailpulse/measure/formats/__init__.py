"""The formats that are accepted: a module for each, with its description as `FORMAT`, and all of them here.

A new format is a word in `domain.images.Format`, a module here and its line in `ALL`.
"""

from contextlib import suppress
from typing import Any

from retailpulse.measure.formats import avif, bmp, gif, heic, jpeg, png, tiff, webp
from retailpulse.measure.formats.image_format import ImageFormat

ALL: tuple[ImageFormat[Any], ...] = (
    jpeg.FORMAT,
    png.FORMAT,
    gif.FORMAT,
    webp.FORMAT,
    bmp.FORMAT,
    tiff.FORMAT,
    avif.FORMAT,
    heic.FORMAT,
)
"""In the order in which a file is tried: the commonest first."""
BY_NAME = {image_format.name: image_format for image_format in ALL}


def load_libraries() -> None:
    """Load what decoders use; a missing library is reported at the first picture that needs it."""
    for image_format in ALL:
        with suppress(ImportError):
            image_format.load()
