"""Means of a grey picture over grids of boxes, by its cells of some pixels.

What each box takes of the cells is a matrix, so that grids of all parts are few products. Weak: a box that
ends within a cell takes a share of it, as if the cell were of one brightness.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from retailpulse.analyze.overview import GreyImage, Overview

if TYPE_CHECKING:
    import numpy as np

    Floats: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.float32]]
    Whole: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.intp]]
else:
    Floats = Whole = "Floats"

Region: TypeAlias = tuple[float, float, float, float]
"""Left, upper, right and lower edge, in pixels."""
Part: TypeAlias = tuple[float, float, int]
"""A begin and an end, in pixels, and into how many equal boxes what lies between them is cut."""
_REMEMBERED = 16
"""Matrices that are kept: photos come in few sizes."""


class Cells:
    """The mean brightness of square cells, (rows, columns); the last ones may be smaller."""

    def __init__(self, overview: Overview) -> None:
        self.height, self.width = overview.shape
        self._side = overview.side
        self.means: GreyImage = overview.means

    def row_edge(self, row: int) -> float:
        """Where a row of cells begins, or the one before it ends, in pixels."""
        return float(min(row * self._side, self.height))

    def column_edge(self, column: int) -> float:
        """The same for a column of cells."""
        return float(min(column * self._side, self.width))

    def grids(
        self, regions: Sequence[Region], rows: int, columns: int, *, transposed: Sequence[bool]
    ) -> Floats:
        """Of each region the mean brightness of rows x columns equal boxes.

        Of one that is transposed, rows go from left to right, and columns from the top down.
        """
        import numpy as np

        size = self._side, self.height, self.width
        down, right = _boxes(tuple(regions), tuple(transposed), rows, columns, size)
        lines = down.reshape(-1, down.shape[2]) @ self.means.astype(np.float32)
        boxes = lines.reshape(*down.shape[:2], -1) @ right
        grids = boxes[:, :rows, :columns].copy()
        for place, turned in enumerate(transposed):
            if turned:
                grids[place] = boxes[place, :columns, :rows].T
        return grids


@lru_cache(_REMEMBERED)
def _boxes(
    regions: tuple[Region, ...],
    transposed: tuple[bool, ...],
    rows: int,
    columns: int,
    size: tuple[int, int, int],
) -> tuple[Floats, Floats]:
    """By what cells are multiplied from the left and from the right for the boxes of all regions.

    `size` is that of a cell, and the height and the width of the picture.
    """
    side, height, width = size
    counts = [(columns, rows) if turned else (rows, columns) for turned in transposed]
    pairs = list(zip(regions, counts, strict=True))
    down = _shares([(upper, lower, count) for (_, upper, _, lower), (count, _) in pairs], side, height)
    right = _shares([(left, right, count) for (left, _, right, _), (_, count) in pairs], side, width)
    return down, right.swapaxes(1, 2)


def _shares(parts: Sequence[Part], side: int, length: int) -> Floats:
    """What share of each box of each part lies in each cell: (parts, boxes, cells).

    A part of fewer boxes than another has boxes of nothing behind its own.
    """
    import numpy as np

    lower = np.arange(0, length, side)
    upper = np.minimum(lower + side, length)
    most = max(count for _, _, count in parts)
    edges = np.empty((len(parts), most + 1, 1), np.float32)
    sizes = np.empty((len(parts), 1, 1), np.float32)
    for place, (begin, end, count) in enumerate(parts):
        edges[place, :, 0] = np.minimum(begin + (end - begin) * np.arange(most + 1) / count, end)
        sizes[place] = (end - begin) / count
    covered = np.minimum(np.maximum(edges, lower), upper)
    shares: Floats = ((covered[:, 1:] - covered[:, :-1]) / sizes).astype(np.float32)
    shares.flags.writeable = False
    return shares
