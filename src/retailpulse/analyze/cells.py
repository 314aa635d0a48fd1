"""Means of a grey picture over grids of boxes, each from a smaller picture that is made once.

The picture is reduced to cells of some pixels; what each box takes of them is a matrix, so that grids of all
parts are few products. Weak: a box that ends within a cell takes a share of it, as if the cell were of one
brightness.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from retailpulse.analyze.picture import GreyImage

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
LEAST_CELLS = 96
"""Cells along the shorter side at least, if the picture has as many pixels."""
_REMEMBERED = 16
"""Matrices that are kept: photos come in few sizes."""


class Cells:
    """The mean brightness of square cells, (rows, columns); the last ones may be smaller."""

    def __init__(self, grey: GreyImage) -> None:
        import numpy as np
        from PIL import Image

        self.height, self.width = grey.shape
        self._side = max(1, min(grey.shape) // LEAST_CELLS)
        reduced = grey if self._side == 1 else np.asarray(Image.fromarray(grey).reduce(self._side))
        self.means: GreyImage = reduced

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

        counts = [(columns, rows) if turned else (rows, columns) for turned in transposed]
        along = tuple(
            (upper, lower, count) for (_, upper, _, lower), (count, _) in zip(regions, counts, strict=True)
        )
        across = tuple(
            (left, right, count) for (left, _, right, _), (_, count) in zip(regions, counts, strict=True)
        )
        down = _shares(along, self._side, self.height)
        right = _shares(across, self._side, self.width)
        lines = down.reshape(-1, down.shape[2]) @ self.means.astype(np.float32)
        boxes = lines.reshape(*down.shape[:2], -1) @ right.swapaxes(1, 2)
        grids = boxes[:, :rows, :columns].copy()
        for place, turned in enumerate(transposed):
            if turned:
                grids[place] = boxes[place, :columns, :rows].T
        return grids


@lru_cache(_REMEMBERED)
def _shares(parts: tuple[Part, ...], side: int, length: int) -> Floats:
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
