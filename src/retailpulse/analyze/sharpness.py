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
    _Places: TypeAlias = np.ndarray[tuple[int], np.dtype[np.intp]]
else:
    _Line = _Places = "_Line"

STRONGEST = 0.02
"""The share of steps that count as edges."""
LEAST_STEP = 8
"""A smaller step of brightness is noise, not an edge."""
LEAST_SIDE = 64
"""Pixels along a side under which a picture is too small to judge."""
ENOUGH_PIXELS = 60_000
"""Rows are left out of a picture with more pixels, evenly; every second one at least."""
SAMPLED = 3
"""Of so many steps one is looked at to tell which are the strongest."""
_SHARPEST = {1: 0.7, 2: 0.9, 4: 1.1, 8: 1.1}
"""How sharp, by scale, a sharp photo is: its own pixels are softer than the means of several."""


class Sharpness(msgspec.Struct, frozen=True):
    """`sharpness` from 0 to about 1.3; None if there is no edge."""

    sharpness: float | None


def _find_sharpness(picture: Picture, header: Header, _exif: Exif) -> Sharpness:
    grey, scale = picture.overview(header.width, header.height)
    if min(grey.shape) < LEAST_SIDE:
        return Sharpness(None)
    ratios = _ratios(grey)
    return Sharpness(round(min(ratios) / _SHARPEST[scale], 3) if ratios else None)


def _ratios(grey: GreyImage) -> list[float]:
    """Second over first differences, of each of four directions that has edges; of rows evenly apart."""
    import numpy as np

    width = grey.shape[1]
    # An odd number of rows apart, or of each block of a JPEG the same few rows are met.
    apart = max(2, round(grey.size / ENOUGH_PIXELS) | 1)
    count = (grey.shape[0] - 3) // apart + 1
    size = count * width
    rows = np.empty((3, count, width), np.uint8)  # those above, those that are looked at, those below
    for start in range(3):
        rows[start] = grey[start::apart][:count]
    pixels = rows.reshape(-1)
    here = pixels[size + 1 : 2 * size - 1]
    offsets = (1, size, size + 1, size - 1)  # from a pixel to its neighbour, in each direction
    steps = np.empty((4, size - 2), np.uint8)
    smaller = np.empty_like(here)
    for line, offset in zip(steps, offsets, strict=True):
        after = pixels[size + 1 + offset : 2 * size - 1 + offset]
        np.subtract(np.maximum(here, after, out=line), np.minimum(here, after, out=smaller), out=line)
    steps[:, width - 2 :: width] = 0  # the end of a row and the begin of the next are no neighbours
    steps[:, width - 1 :: width] = 0
    return _ratios_at_edges(pixels, steps, np.array(offsets))


def _ratios_at_edges(pixels: _Line, steps: GreyImage, offsets: _Places) -> list[float]:
    """The same at the strongest steps; `offsets` lead to the neighbour behind a pixel in each direction."""
    import numpy as np

    lines, length = steps.shape
    in_order = np.sort(steps[:, ::SAMPLED], axis=1, kind="stable")  # of bytes by their digits, in one pass
    cuts = np.maximum(in_order[:, -max(1, int(in_order.shape[1] * STRONGEST))], LEAST_STEP)
    reached = steps >= cuts[:, None]
    counts = np.array([np.count_nonzero(line) for line in reached])
    places = np.flatnonzero(reached)
    firsts = pixels.size // 3 + 1 - length * np.arange(lines)  # of each line in `pixels`
    at, offset = places + firsts.repeat(counts), offsets.repeat(counts)
    bends = pixels.take(at - offset).astype(np.int16)
    bends += pixels.take(at + offset)
    bends -= 2 * pixels.take(at).astype(np.int16)
    begins = (counts.cumsum() - counts)[counts > 0]
    if not begins.size:
        return []
    second = np.add.reduceat(np.abs(bends), begins, dtype=np.int64)
    first = np.add.reduceat(steps.reshape(-1).take(places), begins, dtype=np.int64)
    return (second / first).tolist()  # type: ignore[no-any-return]


def _load() -> None:
    import numpy  # noqa: F401  # a confined process cannot import it


ANALYZER = Analyzer(name="sharpness", version=2, facts=Sharpness, analyze=_find_sharpness, load=_load)
