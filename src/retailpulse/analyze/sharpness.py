"""Sharpness: how quickly brightness changes at the strongest edges, in the direction in which it is slowest.

In each of four directions, at the 2% of pixels with the largest step to their neighbour, it is the sum of
second differences over the sum of first ones: near 1 at a hard edge, near 0 where an edge is spread over many
pixels. Motion blurs only the edges across it, hence the least of the four. It does not depend on contrast.
Weak: a picture without edges has no sharpness to speak of; that it is blank is told by `exposure`.
"""

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from retailpulse.analyze.analyzer import Analyzer, Exif
from retailpulse.analyze.picture import GreyImage, Picture
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
_SHARPEST = {1: 0.7, 2: 0.9, 4: 1.1, 8: 1.1}
"""How sharp, by scale, a sharp photo is: its own pixels are softer than the means of several."""


class Sharpness(msgspec.Struct, frozen=True):
    """`sharpness` from 0 to about 1.3; None if there is no edge."""

    sharpness: float | None


def _find_sharpness(picture: Picture, header: Header, _exif: Exif) -> Sharpness:
    grey, scale = picture.overview(header.width, header.height)
    if min(grey.shape) < LEAST_SIDE:
        return Sharpness(None)
    ratios = [ratio for ratio in _ratios(grey) if ratio is not None]
    return Sharpness(round(min(ratios) / _SHARPEST[scale], 3) if ratios else None)


def _ratios(grey: GreyImage) -> list[float | None]:
    """Second over first differences in four directions; every second row is looked at."""
    import numpy as np

    width = grey.shape[1]
    middle, above, below = (
        np.ascontiguousarray(rows).reshape(-1) for rows in (grey[1:-1:2], grey[:-2:2], grey[2::2])
    )
    here = middle[1:-1]
    return [
        _ratio(here, middle[:-2], middle[2:], width),
        _ratio(here, above[1:-1], below[1:-1], width),
        _ratio(here, above[:-2], below[2:], width),
        _ratio(here, above[2:], below[:-2], width),
    ]


def _ratio(here: _Line, before: _Line, after: _Line, width: int) -> float | None:
    """The same for one direction; rows of so many pixels follow one another, without the first pixel."""
    import numpy as np

    steps = np.maximum(here, after)
    other = np.minimum(here, after)
    steps -= other
    steps[width - 2 :: width] = 0  # the end of a row and the begin of the next are no neighbours
    steps[width - 1 :: width] = 0
    size = (here.size + 2) // width * (width - 2)
    reached = other.view(np.bool_)  # memory that is taken anew costs more than the comparison
    cut = max(_cut(steps, max(1, int(size * STRONGEST)), reached), LEAST_STEP)
    places = np.flatnonzero(np.greater_equal(steps, cut, out=reached))
    if not places.size:
        return None
    bends = before.take(places).astype(np.int16)
    bends += after.take(places)
    bends -= 2 * here.take(places).astype(np.int16)
    return float(np.abs(bends).sum(dtype=np.int64) / steps.take(places).sum(dtype=np.int64))


def _cut(steps: _Line, count: int, reached: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> int:
    """The largest step that at least `count` of them reach; `reached` is overwritten."""
    import numpy as np

    cut = 0
    for bit in (128, 64, 32, 16, 8, 4, 2, 1):
        if np.count_nonzero(np.greater_equal(steps, cut + bit, out=reached)) >= count:
            cut += bit
    return cut


def _load() -> None:
    import numpy  # noqa: F401  # a confined process cannot import it


ANALYZER = Analyzer(name="sharpness", version=1, facts=Sharpness, analyze=_find_sharpness, load=_load)
