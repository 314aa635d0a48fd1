"""Sharpness: how quickly brightness changes at the strongest edges, in the direction in which it is slowest.

In each of four directions, at the 2% of pixels with the largest step to their neighbour, it is the sum of
second differences over the sum of first ones: near 1 at a hard edge, near 0 where an edge is spread over many
pixels. Motion blurs only the edges across it, hence the least of the four. It does not depend on contrast.
Most photos are far from blurred, which a few rows show; only the others are looked at closely. Weak: a
picture without edges has no sharpness to speak of; that it is blank is told by `exposure`.
"""

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from retailpulse.analyze.analyzer import Analyzer, Exif
from retailpulse.analyze.overview import GreyImage, Overview
from retailpulse.analyze.picture import Picture
from retailpulse.domain.images import Header

if TYPE_CHECKING:
    import numpy as np

    _Line: TypeAlias = np.ndarray[tuple[int], np.dtype[np.uint8]]
else:
    _Line = "_Line"

STRONGEST = 0.02
"""The share of steps that count as edges."""
LEAST_STEP = 8
"""A smaller step of brightness is noise, not an edge."""
LEAST_SIDE = 64
"""Pixels along a side under which a picture is too small to judge."""
GLANCE, CLOSE_LOOK = 8_000, 30_000
"""Pixels that are looked at: rows are left out of a picture with more, evenly; every second one at least."""
SURE = 0.75
"""A sharpness by a glance from which no closer look is taken: hardly ever that of a photo of 0.6."""
LEAST_ROWS = 8
"""Rows of each strip at least, about, however wide the picture is."""
STRIPS = 4
"""A picture is looked at in strips side by side, each at other rows: level edges lie along few of them."""
SAMPLED = 2_000
"""Steps of a direction, about, that are looked at to tell which are the strongest."""
_SHARPEST = {1: 0.7, 2: 0.9, 4: 1.1, 8: 1.1}
"""How sharp, by scale, a sharp photo is: its own pixels are softer than the means of several."""


class Sharpness(msgspec.Struct, frozen=True):
    """`sharpness` from 0 to about 1.3; None if there is no edge."""

    sharpness: float | None


def _find_sharpness(picture: Picture, header: Header, _exif: Exif) -> Sharpness:
    overview = picture.overview(header.width, header.height)
    if min(overview.shape) < LEAST_SIDE:
        return Sharpness(None)
    found = _sharpness(overview, GLANCE)
    if found is None or found < SURE:
        found = _sharpness(overview, CLOSE_LOOK)
    return Sharpness(found)


def _sharpness(overview: Overview, enough_pixels: int) -> float | None:
    ratios = _ratios(_sampled(overview.grey, enough_pixels))
    return round(min(ratios) / _SHARPEST[overview.scale], 3) if ratios else None


def _sampled(grey: GreyImage, enough_pixels: int) -> GreyImage:
    """Rows evenly apart of each strip: all above those that are looked at, these, and all below them."""
    import numpy as np

    height, width = grey.shape
    # An odd number of rows apart, or of each block of a JPEG the same few rows are met.
    apart = max(2, min(round(height * width / enough_pixels), height // LEAST_ROWS) | 1)
    lower = max(1, apart // STRIPS)  # each strip than the one to its left
    count = (height - 3 - (STRIPS - 1) * lower) // apart + 1
    strip = min(width // STRIPS, enough_pixels // STRIPS)  # of a very wide picture, the begin of each strip
    strides = (width, lower * width + width // STRIPS, apart * width, 1)
    return np.ndarray((3, STRIPS, count, strip), np.uint8, grey, strides=strides).reshape(-1, strip)


def _ratios(rows: GreyImage) -> list[float]:
    """Second over first differences at the strongest steps, of each of four directions that has edges."""
    import numpy as np

    pixels, size = rows.reshape(-1), rows.size // 3
    steps = _steps(pixels, rows.shape[1])
    length = steps.shape[1]
    some = np.sort(steps[:, :: max(1, length // SAMPLED)], axis=1, kind="stable")  # of bytes by their digits
    cuts = np.maximum(some[:, -max(1, int(some.shape[1] * STRONGEST))], LEAST_STEP)
    places = np.flatnonzero(steps >= cuts[:, None])
    begins = places.searchsorted(length * np.arange(len(steps) + 1))
    counts = begins[1:] - begins[:-1]  # of each direction, one behind another
    begins = begins[:-1][counts > 0]
    first = np.add.reduceat(steps.reshape(-1).take(places), begins, dtype=np.int64)
    ahead = np.array((1, size - 1, size, size + 1)).repeat(counts)  # where the neighbour is
    at = places + (size + 1 - length * np.arange(len(steps))).repeat(counts)
    bends = pixels.take(at).astype(np.int16)
    bends *= -2
    bends += pixels.take(at - ahead)
    bends += pixels.take(at + ahead)
    second = np.add.reduceat(np.abs(bends), begins, dtype=np.int64)
    return list(map(float, second / first))


def _steps(pixels: _Line, width: int) -> GreyImage:
    """How far pixels are from their neighbour to the right and from the three below: (4, pixels)."""
    import numpy as np

    size = pixels.size // 3
    here, right = pixels[size + 1 : 2 * size - 1], pixels[size + 2 : 2 * size]
    below = np.ndarray((3, size - 2), np.uint8, pixels, 2 * size, (1, 1))
    steps, lower = np.empty((2, 4, size - 2), np.uint8)
    np.maximum(here, right, out=steps[0])
    np.maximum(here, below, out=steps[1:])
    np.minimum(here, right, out=lower[0])
    np.minimum(here, below, out=lower[1:])
    steps -= lower
    steps[:, width - 2 :: width] = 0  # the end of a row and the begin of the next are no neighbours
    steps[:, width - 1 :: width] = 0
    return steps


def _load() -> None:
    import numpy  # noqa: F401  # a confined process cannot import it


ANALYZER = Analyzer(name="sharpness", version=4, facts=Sharpness, analyze=_find_sharpness, load=_load)
