"""Fingerprint: hashes by which copies of a photo are found, however they were encoded, cut, framed or turned.

A hash tells of a grid of 16 x 17 means which are brighter than their neighbour (dHash). Before, the part is
stood upright, as people see it, and mirrored until its middle is brighter at its right and lower end; that of
the picture on its side is asked for as well. Weak: parts of a picture cut at one corner, or turned by more
than some degrees, have others.
"""

from base64 import b64encode
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from retailpulse.analyze.analyzer import Analyzer, Exif
from retailpulse.analyze.bars import within_bars
from retailpulse.analyze.cells import Cells, Floats, Region
from retailpulse.analyze.orientation import is_on_its_side
from retailpulse.analyze.picture import Picture
from retailpulse.domain.fingerprints import SIDE, Part, build
from retailpulse.domain.images import Header

CUTS = (0.07, 0.14, 0.22)
"""The shares of width and height that the inner parts leave out: what is cut evenly is within 4% of one."""
LEAST_SIDE = 64
"""Pixels along a side under which a picture has no fingerprint."""
MOST_RATIO = 20
"""Times its shorter side that the longer one may be: what is longer is no photo, and has very many cells."""
LEAST_FRAMED = 0.1
"""The share of a picture that bars leave at least, or they are part of it."""
MOSTLY_FRAMED = 0.7
"""Under this share the whole picture has no hash: it would be that of the frame."""
STEP = 0.25
"""A neighbour is brighter by more than this; less is noise."""
VISIBLE_STEP = 1.0
LEAST_VISIBLE = 96
"""Steps that can be seen: a part with fewer of them is nearly blank, and resembles all that are."""
LEAST_CHANGES = 36
"""Bits that differ from their neighbour: with fewer, a part is a slope of light or a few shapes."""
UNSURE = 0.08
"""Of the standard deviation: the middle is about as bright at both ends, so that a copy may be mirrored."""
_WHOLE = int(Part.KEPT | Part.ASKED)
_INNER = int(Part.KEPT | Part.EXACT)
_TURNED = int(Part.EXACT)
_SIDEWAYS, _UPSIDE_DOWN = int(Part.SIDEWAYS), int(Part.UPSIDE_DOWN)
_REMEMBERED = 16
"""Sizes of photos whose parts are kept in mind."""
_MIDDLE = (slice(None), slice(4, 12), slice(4, 13))
"""Captions stand at the edges, and must not decide how a picture is turned."""


if TYPE_CHECKING:
    import numpy as np

    Booleans: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
else:
    Booleans = "Booleans"


class Fingerprint(msgspec.Struct, frozen=True):
    """`fingerprint` is that of `domain.fingerprints` in base64; None if there is too little to be seen."""

    fingerprint: str | None


def _find_fingerprint(picture: Picture, header: Header, _exif: Exif) -> Fingerprint:
    overview = picture.overview(header.width, header.height)
    if not LEAST_SIDE <= min(overview.shape) >= max(overview.shape) / MOST_RATIO:
        return Fingerprint(None)
    cells = Cells(overview)
    parts, regions = _parts(cells.width, cells.height, within_bars(cells))
    is_turned = is_on_its_side(picture, header)
    grids = cells.grids(
        regions, SIDE, SIDE + 1, transposed=[is_turned == (part != _TURNED) for part in parts]
    )
    found = [(part, *hashed) for part, hashed in zip(parts, _hashed(grids), strict=True) if hashed]
    # Of the whole, upright or on its side, there must be something to be seen.
    if all(part == _INNER for part, _, _ in found):
        return Fingerprint(None)
    return Fingerprint(b64encode(build([(part | turn, digest) for part, turn, digest in found])).decode())


@lru_cache(_REMEMBERED)
def _parts(width: int, height: int, framed: Region | None) -> tuple[tuple[int, ...], tuple[Region, ...]]:
    """The parts of a picture: those that are kept are hashed upright, the last one on its side.

    Shelves on their side are alike, whatever stands on them, so that no hash of one is kept, and a copy that
    was turned is met only by what was kept upright.
    """
    whole = (0.0, 0.0, float(width), float(height))
    share = _area(framed) / _area(whole) if framed else 0.0
    inner = framed if framed and share >= LEAST_FRAMED else whole
    found = [(_WHOLE, whole)] if inner == whole or share >= MOSTLY_FRAMED else []
    if inner != whole:
        found.append((_WHOLE, inner))
    found += [(_INNER, _cut(inner, cut)) for cut in CUTS]
    found.append((_TURNED, inner))
    return tuple(part for part, _ in found), tuple(region for _, region in found)


def _hashed(grids: Floats) -> Iterator[tuple[int, bytes] | None]:
    """How each grid may be turned, and its hash; None of a blank one."""
    import numpy as np

    down, right = _smoothing()
    steps = down @ grids @ right
    brighter = steps > STEP
    changes = _counts(brighter[:, :, 1:] != brighter[:, :, :-1])
    visible = _counts(np.abs(steps) >= VISIBLE_STEP)
    middle = grids[_MIDDLE].reshape(len(grids), -1)
    slopes, size = middle @ _slopes(), middle.shape[1]
    squares = (middle * middle) @ _slopes()[:, 2]
    for place, (to_right, to_bottom) in enumerate(slopes[:, :2].tolist()):
        if to_right < 0:
            brighter[place] = steps[place, :, ::-1] < -STEP
        if to_bottom < 0:
            brighter[place] = brighter[place, ::-1].copy()
    digests = np.packbits(brighter.reshape(len(grids), -1), axis=1)
    unsure = UNSURE * np.sqrt(np.maximum(squares * size - slopes[:, 2] ** 2, 0))
    is_unsure = (np.abs(slopes[:, :2]) <= unsure[:, None]).tolist()
    for place, (sideways, upside_down) in enumerate(is_unsure):
        turn = sideways * _SIDEWAYS + upside_down * _UPSIDE_DOWN
        is_blank = changes[place] < LEAST_CHANGES or visible[place] < LEAST_VISIBLE
        yield None if is_blank else (turn, digests[place].tobytes())


def _counts(true: Booleans) -> list[int]:
    """How much is true of each part."""
    import numpy as np

    counts: list[int] = np.add.reduce(true.reshape(len(true), -1), axis=1, dtype=np.intp).tolist()
    return counts


@cache
def _smoothing() -> tuple[Floats, Floats]:
    """By what grids are multiplied from the left and from the right for the steps between smoothed boxes.

    Each box has a sixth of the next one on either side, so that a part cut a little differently keeps its
    bits.
    """
    import numpy as np

    down, right = (_smooth(np.eye(size, dtype=np.float32)) for size in (SIDE, SIDE + 1))
    return down, right[:, 1:] - right[:, :-1]


def _smooth(lines: Floats) -> Floats:
    smooth = lines * 4
    smooth[:, 1:] += lines[:, :-1]
    smooth[:, :-1] += lines[:, 1:]
    smooth[:, 0] += lines[:, 0]
    smooth[:, -1] += lines[:, -1]
    smooth /= 6
    return smooth


@cache
def _slopes() -> Floats:
    """By what the middle is multiplied: how much brighter is it at its right, its lower end, and in all?"""
    import numpy as np

    down, right = np.meshgrid(np.linspace(-1, 1, 8), np.linspace(-1, 1, 9), indexing="ij")
    return np.stack([right.reshape(-1), down.reshape(-1), np.ones(right.size)], axis=1).astype(np.float32)


def _cut(region: Region, share: float) -> Region:
    left, upper, right, lower = region
    across, along = (right - left) * share / 2, (lower - upper) * share / 2
    return left + across, upper + along, right - across, lower - along


def _area(region: Region) -> float:
    return (region[2] - region[0]) * (region[3] - region[1])


def _load() -> None:
    import numpy  # noqa: F401  # a confined process cannot import them
    from PIL import Image  # noqa: F401


ANALYZER = Analyzer(name="fingerprint", version=4, facts=Fingerprint, analyze=_find_fingerprint, load=_load)
