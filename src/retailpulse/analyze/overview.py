"""The overview of a picture: its pixels at a small scale, as most analyzers look at them.

They are in colour where the decoder has them so. All of them become grey at once, as copying chosen rows of
four bytes a pixel first takes longer than that.
"""

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    GreyImage: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.uint8]]
    """Rows of brightness, from 0 (black) to 255; read-only, as analyzers share it."""
    Pixels: TypeAlias = np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]
    """Rows of pixels of one band (grey), three (red, green, blue), or four, of which the last is nothing."""
else:
    GreyImage = Pixels = "GreyImage"

LEAST_CELLS = 80
"""Cells along the shorter side at least, if the picture has as many pixels."""


class Overview:
    """The pixels of a picture at 1/`scale`, (rows, columns, bands), one after another in memory."""

    __slots__ = ("_grey", "_image", "_means", "pixels", "scale", "shape")

    def __init__(self, pixels: Pixels, scale: int) -> None:
        self._grey: GreyImage | None = None
        self._image: Image.Image | None = None
        self._means: GreyImage | None = None
        self.pixels = pixels
        self.scale = scale
        self.shape = pixels.shape[0], pixels.shape[1]

    @property
    def side(self) -> int:
        """Pixels along a side of a cell."""
        return max(1, min(self.shape) // LEAST_CELLS)

    @property
    def grey(self) -> GreyImage:
        """The brightness of all pixels, weighed as the eye does."""
        if self._grey is None:
            is_grey = self.pixels.shape[2] == 1
            self._grey = self.pixels[:, :, 0] if is_grey else pixels_of(self._in_grey())
        return self._grey

    @property
    def means(self) -> GreyImage:
        """The mean brightness of square cells; the last ones may be smaller."""
        if self._means is None:
            self._means = self.grey if self.side == 1 else pixels_of(self._in_grey().reduce(self.side))
        return self._means

    def _in_grey(self) -> "Image.Image":
        if self._image is None:
            image = image_of(self.pixels)
            self._image = image if image.mode == "L" else image.convert("L")
        return self._image


def pixels_of(image: "Image.Image") -> GreyImage:
    """The pixels of a grey picture of Pillow."""
    import numpy as np

    # As `numpy.asarray` does in twice the time.
    return np.frombuffer(image.tobytes(), np.uint8).reshape(image.height, image.width)


def image_of(pixels: Pixels) -> "Image.Image":
    """Pixels as Pillow has them; those of four bands are not copied."""
    from PIL import Image

    if pixels.shape[2] == len("RGBX"):
        size = pixels.shape[1], pixels.shape[0]
        return Image.frombuffer("RGBX", size, pixels, "raw", "RGBX", 0, 1)
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
