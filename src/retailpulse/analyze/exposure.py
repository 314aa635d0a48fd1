"""Exposure and content: how bright a picture is, and whether anything is to be seen in it.

By the overview: how its brightness is distributed, and how much it varies within each tile of an
8 x 8 grid. Weak: a screen full of noise is content.
"""

from bisect import bisect_left
from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from retailpulse.analyze.analyzer import Analyzer, Exif
from retailpulse.analyze.overview import GreyImage
from retailpulse.analyze.picture import Picture
from retailpulse.domain.images import Header

if TYPE_CHECKING:
    import numpy as np

    Floats: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.float32]]
else:
    Floats = "Floats"

TILES = 8
"""Tiles along each side of the grid."""
LEAST_TILE = 8
"""Pixels along each side of a tile at least."""
VARIED = 6
"""The standard deviation of brightness above which a tile shows something."""
BRIGHT = 250
"""The brightness from which a pixel is blown out."""
ENOUGH_LINES = 72
"""Rows and columns are left out, evenly, where as many are left: every tile has at least 9 by 9 pixels."""
_REMEMBERED = 16
"""Matrices that are kept: photos come in few sizes."""
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

    whole = picture.overview(header.width, header.height).grey
    rows, columns = max(1, whole.shape[0] // ENOUGH_LINES), max(1, whole.shape[1] // ENOUGH_LINES)
    grey = whole[::rows, ::columns].copy()
    size = grey.size
    in_order = np.sort(grey, axis=None, kind="stable").tobytes()  # of bytes by their digits, in one pass
    p2, p5, p50, p95, p98, p99 = (in_order[max(0, ceil(share * size) - 1)] for share in _SHARES)
    return Exposure(
        brightness=round(int(np.add.reduce(grey, axis=None, dtype=np.uint32)) / size, 1),
        brightness_p5=p5,
        brightness_p50=p50,
        brightness_p95=p95,
        brightness_p99=p99,
        contrast=p98 - p2,
        blown=round(1 - bisect_left(in_order, BRIGHT) / size, 4),
        content=_content(grey),
    )


def _content(grey: GreyImage) -> float | None:
    """The share of tiles that vary; rows and columns beyond the last whole tile are left out."""
    import numpy as np

    rows, columns = grey.shape[0] // TILES, grey.shape[1] // TILES
    if min(rows, columns) < LEAST_TILE:
        return None
    pixels = np.empty((2, rows * TILES, columns * TILES), np.float32)
    pixels[0] = grey[: rows * TILES, : columns * TILES]
    np.multiply(pixels[0], pixels[0], out=pixels[1])
    means, squares = _means(rows) @ pixels @ _means(columns).T
    return round(int(np.count_nonzero(squares - means * means > VARIED**2)) / TILES**2, 3)


@lru_cache(_REMEMBERED)
def _means(side: int) -> Floats:
    """What takes the mean of each of the tiles of so many pixels along a side: (tiles, pixels)."""
    import numpy as np

    means: Floats = np.repeat(np.eye(TILES, dtype=np.float32), side, axis=1) / np.float32(side)
    means.flags.writeable = False
    return means


def _load() -> None:
    import numpy  # noqa: F401  # a confined process cannot import it


ANALYZER = Analyzer(name="exposure", version=4, facts=Exposure, analyze=_find_exposure, load=_load)
