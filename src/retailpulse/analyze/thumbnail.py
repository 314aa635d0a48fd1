"""Thumbnails: small JPEGs of a picture for people to look at, upright, without any metadata.

The smaller one is made of the overview that analyzers look at; the larger one takes a second decode of a
JPEG. Weak: a colour profile is not applied, so that colours of a wide gamut look a little dull.
"""

from typing import TYPE_CHECKING

from retailpulse.analyze.orientation import orientation_of
from retailpulse.analyze.picture import SCALES, Picture, overview_scale
from retailpulse.domain.images import Header
from retailpulse.domain.thumbnails import ThumbnailKind

if TYPE_CHECKING:
    from PIL import Image

_ENOUGH = 0.5
"""The share of the most pixels from which a scale is taken as it is, rather than a larger one reduced."""
_QUALITIES = (70, 40)
"""Of JPEG: the second one if the first takes too many bytes."""
_TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
"""What makes a picture upright, by its orientation."""


def draw(kind: ThumbnailKind, picture: Picture, header: Header, most_bytes: int) -> bytes | None:
    """A JPEG of at most the pixels of its kind, never enlarged; None if it takes more bytes.

    Raises whatever the libraries raise.
    """
    from PIL import Image

    try:
        image = picture.colour(_scale(kind, header))
    except ValueError:  # its decoder offers no other
        image = picture.colour()
    longer = max(image.size)
    if longer > kind.most_pixels:
        width, height = (max(1, round(side * kind.most_pixels / longer)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    orientation = orientation_of(picture, header)
    if orientation in _TURNS:
        image = image.transpose(Image.Transpose[_TURNS[orientation]])
    return _encode(image, most_bytes)


def load() -> None:
    """Import what a confined process cannot."""
    import numpy  # noqa: F401
    import simplejpeg  # noqa: F401
    from PIL import Image  # noqa: F401


def _scale(kind: ThumbnailKind, header: Header) -> int:
    if kind is ThumbnailKind.THUMBNAIL:
        return overview_scale(header.width, header.height)  # it is in hand
    longer = max(header.width, header.height)
    return next((scale for scale in SCALES if longer // scale >= _ENOUGH * kind.most_pixels), 1)


def _encode(image: "Image.Image", most_bytes: int) -> bytes | None:
    import numpy as np
    import simplejpeg

    pixels = np.asarray(image)
    for quality in _QUALITIES:
        encoded: bytes = simplejpeg.encode_jpeg(pixels, quality, image.mode, "420")
        if len(encoded) <= most_bytes:
            return encoded
    return None
