"""Exposure and content: how bright a picture is, and whether anything is to be seen in it.

By the overview: how its brightness is distributed, and how much it varies within each tile of an
8 x 8 grid. Weak: a screen full of noise is content.
"""

import msgspec

from retailpulse.analyze.analyzer import Analyzer, Exif
from retailpulse.analyze.picture import GreyImage, Picture
from retailpulse.domain.images import Header

TILES = 8
"""Tiles along each side of the grid."""
LEAST_TILE = 8
"""Pixels along each side of a tile at least."""
VARIED = 6
"""The standard deviation of brightness above which a tile shows something."""
BRIGHT = 250
"""The brightness from which a pixel is blown out."""
ENOUGH_PIXELS = 6_000
"""Rows and columns are left out of a picture with more pixels, evenly."""
_SHARES = (0.02, 0.05, 0.5, 0.95, 0.98, 0.99)


class Exposure(msgspec.Struct, frozen=True):
    """Brightness from 0 to 255: the mean, and percentiles; `blown` is the share of pixels of 250 and more.

    `contrast` lies between the percentiles 2 and 98. `content` is the share of tiles that show something,
    None if the picture is too small for tiles.
    """

    brightness: float
    brightness_p5: int
    brightness_p50: int
    brightness_p95: int
    brightness_p99: int
    contrast: int
    blown: float
    content: float | None


def _find_exposure(picture: Picture, header: Header, _exif: Exif) -> Exposure:
    import numpy as np

    grey = _sampled(picture.overview(header.width, header.height)[0])
    counts = np.bincount(grey.reshape(-1), minlength=256)
    reached = np.cumsum(counts)
    p2, p5, p50, p95, p98, p99 = np.searchsorted(reached, [share * grey.size for share in _SHARES]).tolist()
    return Exposure(
        brightness=round(float(counts @ np.arange(256)) / grey.size, 1),
        brightness_p5=p5,
        brightness_p50=p50,
        brightness_p95=p95,
        brightness_p99=p99,
        contrast=p98 - p2,
        blown=round(float(counts[BRIGHT:].sum()) / grey.size, 4),
        content=_content(grey),
    )


def _sampled(grey: GreyImage) -> GreyImage:
    import numpy as np

    step = 1
    while grey.size // (step + 1) ** 2 >= ENOUGH_PIXELS:
        step += 1
    sampled: GreyImage = np.ascontiguousarray(grey[::step, ::step])
    return sampled


def _content(grey: GreyImage) -> float | None:
    """The share of tiles that vary; rows and columns beyond the last whole tile are left out."""
    import numpy as np

    rows, columns = grey.shape[0] // TILES, grey.shape[1] // TILES
    if min(rows, columns) < LEAST_TILE:
        return None
    # Rows of tiles as they follow one another; sums of so few pixels are exact.
    pixels = grey[: rows * TILES, : columns * TILES].astype(np.float32).reshape(-1, columns)
    sums = pixels @ np.ones(columns, np.float32)
    squares = np.einsum("ij,ij->i", pixels, pixels)
    means, squares = (
        lines.reshape(TILES, rows, TILES).sum(axis=1) / (rows * columns) for lines in (sums, squares)
    )
    return round(float(np.count_nonzero(squares - means * means > VARIED**2)) / TILES**2, 3)


def _load() -> None:
    import numpy  # noqa: F401  # a confined process cannot import it


ANALYZER = Analyzer(name="exposure", version=2, facts=Exposure, analyze=_find_exposure, load=_load)
