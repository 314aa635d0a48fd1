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
from retailpulse.analyze.overview import GreyImage, Overview, Pixels, grey_of
from retailpulse.analyze.picture import Picture
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
GLANCE, CLOSE_LOOK = 8_000, 30_000
"""Pixels that are looked at: rows are left out of a picture with more, evenly; every second one at least."""
SURE = 0.75
"""A sharpness by a glance from which no closer look is taken: hardly ever that of a photo of 0.6."""
LEAST_ROWS = 8
"""Rows of each strip at least, about, however wide the picture is."""
STRIPS = 4
"""A picture is looked at in strips side by side, each at other rows: level edges lie along few of them."""
SAMPLED = 4
"""Of so many steps one is looked at to tell which are the strongest."""
_GREEN = 1
"""The band that a glance takes for brightness, of which it is the largest part."""
_SHARPEST = {1: 0.7, 2: 0.9, 4: 1.1, 8: 1.1}
"""How sharp, by scale, a sharp photo is: its own pixels are softer than the means of several."""


class Sharpness(msgspec.Struct, frozen=True):
    """`sharpness` from 0 to about 1.3; None if there is no edge."""

    sharpness: float | None


def _find_sharpness(picture: Picture, header: Header, _exif: Exif) -> Sharpness:
    overview = picture.overview(header.width, header.height)
    if min(overview.shape) < LEAST_SIDE:
        return Sharpness(None)
    found = _sharpness(overview, GLANCE, bands=slice(_GREEN, _GREEN + 1))
    if found is None or found < SURE:
        found = _sharpness(overview, CLOSE_LOOK, bands=slice(None))
    return Sharpness(found)


def _sharpness(overview: Overview, enough_pixels: int, *, bands: slice) -> float | None:
    ratios = _ratios(_sampled(overview.pixels, enough_pixels, bands))
    return round(min(ratios) / _SHARPEST[overview.scale], 3) if ratios else None


def _sampled(pixels: Pixels, enough_pixels: int, bands: slice) -> GreyImage:
    """Rows evenly apart of each strip: all above those that are looked at, these, and all below them."""
    import numpy as np

    height, width, all_bands = pixels.shape
    # An odd number of rows apart, or of each block of a JPEG the same few rows are met.
    apart = max(2, min(round(height * width / enough_pixels), height // LEAST_ROWS) | 1)
    lower = max(1, apart // STRIPS)  # each strip than the one to its left
    count = (height - 3 - (STRIPS - 1) * lower) // apart + 1
    row, strip = width * all_bands, width // STRIPS
    rows = np.ndarray(
        (3, STRIPS, count, strip, all_bands),
        np.uint8,
        pixels,
        strides=(row, lower * row + strip * all_bands, apart * row, all_bands, 1),
    )
    chosen = rows[..., bands if all_bands > 1 else slice(None)].copy()
    return grey_of(chosen.reshape(-1, strip, chosen.shape[-1]))


def _ratios(rows: GreyImage) -> list[float]:
    """Second over first differences, of each of four directions that has edges."""
    import numpy as np

    width = rows.shape[1]
    size = rows.size // 3
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
    places = np.flatnonzero(steps >= cuts[:, None])
    ends = places.searchsorted(length * np.arange(lines + 1))
    counts = ends[1:] - ends[:-1]
    firsts = pixels.size // 3 + 1 - length * np.arange(lines)  # of each line in `pixels`
    at, offset = places + firsts.repeat(counts), offsets.repeat(counts)
    bends = pixels.take(at - offset).astype(np.int16)
    bends += pixels.take(at + offset)
    bends -= 2 * pixels.take(at).astype(np.int16)
    begins = ends[:-1][counts > 0]
    if not begins.size:
        return []
    second = np.add.reduceat(np.abs(bends), begins, dtype=np.int64)
    first = np.add.reduceat(steps.reshape(-1).take(places), begins, dtype=np.int64)
    return (second / first).tolist()  # type: ignore[no-any-return]


def _load() -> None:
    import numpy  # noqa: F401  # a confined process cannot import it


ANALYZER = Analyzer(name="sharpness", version=3, facts=Sharpness, analyze=_find_sharpness, load=_load)
