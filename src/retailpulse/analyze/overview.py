"""The overview of a picture: its pixels at a small scale, as most analyzers look at them.

They are in colour where the decoder has them so, and only what is looked at becomes grey: to convert all of
them takes as long as an analyzer.
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

    __slots__ = ("_grey", "pixels", "scale", "shape")

    def __init__(self, pixels: Pixels, scale: int) -> None:
        self._grey: tuple[GreyImage, GreyImage] | None = None
        self.pixels = pixels
        self.scale = scale
        self.shape = pixels.shape[0], pixels.shape[1]

    @property
    def side(self) -> int:
        """Pixels along a side of a cell."""
        return max(1, min(self.shape) // LEAST_CELLS)

    @property
    def lines(self) -> GreyImage:
        """Rows in grey: two of each row of cells, or all if cells are single pixels."""
        return self._in_grey()[0]

    @property
    def means(self) -> GreyImage:
        """The mean brightness of square cells, by two rows of each; the last ones may be smaller."""
        return self._in_grey()[1]

    def _in_grey(self) -> tuple[GreyImage, GreyImage]:
        if self._grey is None:
            import numpy as np

            side, rows = self.side, self.shape[0]
            if side == 1:
                whole = grey_of(self.pixels)
                self._grey = whole, whole
                return self._grey
            # Of one row alone, edges that lie level move by more than those that stand.
            pairs = np.arange(0, rows, side)[:, None] + (side // 4, side - 1 - side // 4)
            lines = _grey_image(self.pixels.take(np.minimum(pairs, rows - 1).reshape(-1), 0))
            self._grey = pixels_of(lines), pixels_of(lines.reduce((side, 2)))
        return self._grey


def grey_of(pixels: Pixels) -> GreyImage:
    """The brightness of pixels, weighed as the eye does."""
    return pixels[:, :, 0] if pixels.shape[2] == 1 else pixels_of(_grey_image(pixels))


def pixels_of(image: "Image.Image") -> GreyImage:
    """The pixels of a grey picture of Pillow."""
    import numpy as np

    # As `numpy.asarray` does in twice the time.
    return np.frombuffer(image.tobytes(), np.uint8).reshape(image.height, image.width)


def _grey_image(pixels: Pixels) -> "Image.Image":
    image = image_of(pixels)
    return image if image.mode == "L" else image.convert("L")


def image_of(pixels: Pixels) -> "Image.Image":
    """Pixels as Pillow has them; those of four bands are not copied."""
    from PIL import Image

    if pixels.shape[2] == len("RGBX"):
        size = pixels.shape[1], pixels.shape[0]
        return Image.frombuffer("RGBX", size, pixels, "raw", "RGBX", 0, 1)
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
