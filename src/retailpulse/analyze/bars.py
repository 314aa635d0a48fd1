"""Uniform bars around a picture: those of a letterbox, and what a phone shows around a photo in a screenshot.

A row or a column of cells is part of a bar if most of it is of one brightness, so that text, icons and
rounded corners may be in it. Weak: a photo that ends in one brightness loses that edge too; its copies do as
well.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from retailpulse.analyze.cell_sums import CellSums, Floats, Region

if TYPE_CHECKING:
    import numpy as np

    Booleans = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]

UNIFORM = 0.6
"""The share of a bar that is of one brightness."""
TOLERANCE = 1.5
"""What is no farther from a brightness is of it."""
LONGEST_TEXT = 0.06
"""What interrupts a bar for a smaller share of the picture, as a line of text does, is part of it."""


def within_bars(sums: CellSums) -> Region | None:
    """The part of a picture that no bar covers: the whole without bars, None if they cover everything."""
    top, bottom, left, right = 0, sums.rows.size - 1, 0, sums.columns.size - 1
    if not any(_are_bars(lines)[0].any() for lines in _outermost(sums)):
        return 0.0, 0.0, float(sums.width), float(sums.height)  # as most photos are
    cells = sums.means(slice(None), slice(None))
    for _ in range(2):  # a frame may be seen only once another is gone
        above, below = _widths(cells[top:bottom, left:right])
        top, bottom = top + above, bottom - below
        if bottom <= top:
            return None
        before, behind = _widths(cells[top:bottom, left:right].T)
        left, right = left + before, right - behind
        if right <= left:
            return None
    return (
        float(sums.columns[left]),
        float(sums.rows[top]),
        float(sums.columns[right]),
        float(sums.rows[bottom]),
    )


def _outermost(sums: CellSums) -> Iterator[Floats]:
    """The first and the last row of cells, and the first and the last column, each as a row."""
    everything = slice(None)
    yield sums.means(slice(None, None, max(1, sums.rows.size - 2)), everything)
    yield sums.means(everything, slice(None, None, max(1, sums.columns.size - 2))).T


def _widths(cells: Floats) -> tuple[int, int]:
    """How many rows at the begin and at the end are bars."""
    import numpy as np

    is_bar, level = _are_bars(cells)
    return _width(is_bar, level), _width(np.flip(is_bar), np.flip(level))


def _are_bars(cells: Floats) -> "tuple[Booleans, Floats]":
    """Of each row whether it is a bar, and its brightness: that of its median."""
    import numpy as np

    middle = cells.shape[1] // 2
    level: Floats = np.partition(cells, middle, axis=1)[:, middle]
    uniform = np.abs(cells - level[:, None]) <= TOLERANCE
    return np.count_nonzero(uniform, axis=1) >= UNIFORM * cells.shape[1], level


def _width(is_bar: "Booleans", level: Floats) -> int:
    import numpy as np

    if not is_bar[0]:
        return 0
    at = 0
    while at < is_bar.size:
        ends = np.flatnonzero(~is_bar[at:])
        if not ends.size:
            return is_bar.size
        end = at + int(ends[0])
        goes_on = np.flatnonzero(is_bar[end:] & (np.abs(level[end:] - level[end - 1]) <= TOLERANCE))
        if not goes_on.size or goes_on[0] >= LONGEST_TEXT * is_bar.size:
            return end
        at = end + int(goes_on[0])
    return is_bar.size
