"""Means of a grey picture over grids of boxes, each from few sums that are made once.

The picture is summed over small cells, and those from its upper left corner on (a summed-area table). Weak:
a box that ends within a cell takes a share of it, as if the cell were of one brightness.
"""

from collections.abc import Sequence
from functools import cache
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
        self._cells, self._tall = _cells(grey)
        self.rows = np.minimum(np.arange(self._cells.shape[0] + 1) * self._tall, self.height)
        """Where each row of cells begins, and the last ends, in pixels."""
        self.columns = np.minimum(np.arange(self._cells.shape[1] + 1) * _CELL_WIDTH, self.width)
        self._table = np.zeros(
            (self._cells.shape[0] + 1, self._cells.shape[1] + 1), dtype=_whole_type(grey.size)
        )
        np.cumsum(self._cells, axis=1, out=self._table[1:, 1:])
        np.cumsum(self._table, axis=0, out=self._table)

    def means(self, rows: slice, columns: slice) -> Floats:
        """The mean brightness of each of these cells; steps of slices give cells at both ends."""
        tall = self.rows[1:][rows, None] - self.rows[:-1][rows, None]
        means: Floats = self._cells[rows, columns] / (
            tall * (self.columns[1:][columns] - self.columns[:-1][columns])
        )
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
        by_row, by_column = _edges(rows, columns)
        across = left + (right - left) * np.where(turned[:, None], by_row, by_column)
        along = upper + (lower - upper) * np.where(turned[:, None], by_column, by_row)
        boxes = self._boxes(along, across)
        boxes *= rows * columns / ((right - left) * (lower - upper))[:, :, None]
        grids = boxes[:, :rows, :columns].copy()
        grids[turned] = boxes[turned, :columns, :rows].swapaxes(1, 2)
        return grids

    def _boxes(self, along: Floats, across: Floats) -> Floats:
        """Of each region the sums of brightness between neighbours of these edges."""
        row, part = _places(along, self.rows, self._tall)
        column, share = _places(across, self.columns, _CELL_WIDTH)
        width = self._table.shape[1]
        at = row[:, :, None] * width + column[:, None, :]
        part, share, table = part[:, :, None], share[:, None, :], self._table.reshape(-1)
        before, behind = table.take(at).astype(float), table.take(at + width).astype(float)
        before += (table.take(at + 1) - before) * share
        behind += (table.take(at + (width + 1)) - behind) * share
        behind -= before
        behind *= part
        behind += before
        lines = behind[:, 1:] - behind[:, :-1]
        boxes: Floats = lines[:, :, 1:] - lines[:, :, :-1]
        return boxes


def _whole_type(pixels: int) -> "type[np.int32 | np.int64]":
    """The shorter integers that hold the sum of so many pixels: less memory to touch."""
    import numpy as np

    return np.int32 if pixels * 255 <= np.iinfo(np.int32).max else np.int64


@cache
def _edges(*counts: int) -> list[Floats]:
    """Edges of so many equal boxes from 0 to 1; the shorter lists end with 1 once more."""
    import numpy as np

    return [np.minimum(np.arange(max(counts) + 1) / count, 1) for count in counts]


def _places(pixels: Floats, edges: _Whole, size: int) -> tuple[_Whole, Floats]:
    """In which cell of so many pixels each position lies, and how far; the last cell may be smaller."""
    import numpy as np

    last = edges.size - 2
    place = np.maximum(pixels / size, last + (pixels - edges[-2]) / (edges[-1] - edges[-2]))
    cell = np.minimum(place.astype(np.intp), last)
    return cell, place - cell


def _cells(grey: GreyImage) -> tuple[_Whole, int]:
    """Sums over cells, and how many pixels a cell is high; eight pixels are added at once, as one integer.

    The first row of each row of cells goes first, then their second rows, so that little memory is touched.
    """
    import numpy as np

    height, width = grey.shape
    tall = max(1, min(height // CELL_ROWS, 128))  # the sum of 128 pairs fits 16 bits
    pixels = np.zeros((-(-height // tall), -(-width // _PACKED) * _PACKED), dtype=np.uint8)
    packed = pixels.view(np.uint64)
    sums = np.zeros_like(packed)
    for first in range(tall):
        rows = grey[first::tall]
        pixels[: len(rows), :width] = rows
        pixels[len(rows) :] = 0
        sums += packed & np.uint64(_EVEN_BYTES)
        packed >>= np.uint64(8)
        packed &= np.uint64(_EVEN_BYTES)
        sums += packed
    return sums.view(np.uint16)[:, : -(-width // _CELL_WIDTH)], tall
