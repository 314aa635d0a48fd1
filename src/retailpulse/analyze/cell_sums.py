"""Means of a grey picture over grids of boxes, each from few sums that are made once.

The picture is summed over small cells, and those from its upper left corner on (a summed-area table). Weak:
a box that ends within a cell takes a share of it, as if the cell were of one brightness.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from retailpulse.analyze.picture import GreyImage

if TYPE_CHECKING:
    import numpy as np

    Floats: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
    _Whole: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[Any]]
else:
    Floats = _Whole = "Floats"

Region: TypeAlias = tuple[float, float, float, float]
"""Left, upper, right and lower edge, in pixels."""
CELL_ROWS = 96
"""Rows of cells at least, if the picture has as many pixels."""
_CELL_WIDTH = 2
_PACKED = 8
_EVEN_BYTES = 0x00FF00FF00FF00FF


class CellSums:
    """Sums of brightness over cells two pixels wide; those at the right and lower edge may be smaller."""

    def __init__(self, grey: GreyImage) -> None:
        import numpy as np

        self.height, self.width = grey.shape
        self._cells, tall = _cells(grey)
        self.rows = np.minimum(np.arange(self._cells.shape[0] + 1) * tall, self.height)
        """Where each row of cells begins, and the last ends, in pixels."""
        self.columns = np.minimum(np.arange(self._cells.shape[1] + 1) * _CELL_WIDTH, self.width)
        self._table = np.zeros((self._cells.shape[0] + 1, self._cells.shape[1] + 1), dtype=np.int64)
        np.cumsum(self._cells, axis=1, out=self._table[1:, 1:])
        np.cumsum(self._table, axis=0, out=self._table)

    def means(self, rows: slice, columns: slice) -> Floats:
        """The mean brightness of each of these cells."""
        import numpy as np

        sizes = np.diff(self.rows)[rows, None] * np.diff(self.columns)[columns]
        means: Floats = self._cells[rows, columns] / sizes
        return means

    def grids(
        self, regions: Sequence[Region], rows: int, columns: int, *, transposed: Sequence[bool]
    ) -> Floats:
        """Of each region the mean brightness of rows x columns equal boxes.

        Of one that is transposed, rows go from left to right, and columns from the top down.
        """
        import numpy as np

        left, upper, right, lower = np.array(regions).T[:, :, None]
        turned = np.array(transposed)
        most = max(rows, columns)
        # As many edges for all; those beyond the last are the last once more.
        by_row, by_column = (np.minimum(np.arange(most + 1) / count, 1) for count in (rows, columns))
        across = left + (right - left) * np.where(turned[:, None], by_row, by_column)
        along = upper + (lower - upper) * np.where(turned[:, None], by_column, by_row)
        boxes = self._boxes(along, across)
        boxes *= rows * columns / ((right - left) * (lower - upper))[:, :, None]
        grids = boxes[:, :rows, :columns].copy()
        grids[turned] = boxes[turned, :columns, :rows].swapaxes(1, 2)
        return grids

    def _boxes(self, along: Floats, across: Floats) -> Floats:
        """Of each region the sums of brightness between neighbours of these edges."""
        row, part = _places(along, self.rows)
        column, share = _places(across, self.columns)
        width = self._table.shape[1]
        at = row[:, :, None] * width + column[:, None, :]
        part, share, table = part[:, :, None], share[:, None, :], self._table.reshape(-1)
        before = table[at] * (1 - share) + table[at + 1] * share
        behind = table[at + width] * (1 - share) + table[at + width + 1] * share
        corners = before + (behind - before) * part
        lines = corners[:, 1:] - corners[:, :-1]
        boxes: Floats = lines[:, :, 1:] - lines[:, :, :-1]
        return boxes


def _places(pixels: Floats, edges: _Whole) -> tuple[_Whole, Floats]:
    """In which cell each position lies, and how far."""
    import numpy as np

    place = np.interp(pixels, edges, np.arange(edges.size))
    cell = np.minimum(place.astype(np.intp), edges.size - 2)
    return cell, place - cell


def _cells(grey: GreyImage) -> tuple[_Whole, int]:
    """Sums over cells, and how many pixels a cell is high; eight pixels are added at once, as one integer."""
    import numpy as np

    height, width = grey.shape
    padded = np.zeros((height, -(-width // _PACKED) * _PACKED), dtype=np.uint8)
    padded[:, :width] = grey
    packed = padded.view(np.uint64)
    pairs = packed >> np.uint64(8)
    pairs &= np.uint64(_EVEN_BYTES)
    packed &= np.uint64(_EVEN_BYTES)
    pairs += packed
    tall = max(1, min(height // CELL_ROWS, 128))  # the sum of 128 pairs fits 16 bits
    whole = height // tall * tall
    sums = pairs[0:whole:tall].copy()
    for first in range(1, tall):
        sums += pairs[first:whole:tall]
    if whole < height:
        sums = np.concatenate([sums, pairs[whole:].sum(axis=0, keepdims=True)])
    return sums.view(np.uint16)[:, : -(-width // _CELL_WIDTH)], tall
