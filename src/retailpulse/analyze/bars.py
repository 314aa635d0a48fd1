"""Uniform bars around a picture: those of a letterbox, and what a phone shows around a photo in a screenshot.

A row or a column of cells is part of a bar if most of it is of one brightness, so that text, icons and
rounded corners may be in it. Weak: a photo that ends in one brightness loses that edge too; its copies do as
well.
"""

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, TypeAlias

from retailpulse.analyze.cells import Cells, Region
from retailpulse.analyze.overview import GreyImage

if TYPE_CHECKING:
    import numpy as np

    _Booleans: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    _Line: TypeAlias = np.ndarray[tuple[int], np.dtype[np.uint8]]
    _Levels: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.int16]]
else:
    _Booleans = _Levels = _Line = "_Levels"

UNIFORM = 0.6
"""The share of a bar that is of one brightness."""
TOLERANCE = 1
"""What is no farther from a brightness is of it."""
LONGEST_TEXT = 0.06
"""What interrupts a bar for a smaller share of the picture, as a line of text does, is part of it."""


def within_bars(cells: Cells) -> Region | None:
    """The part of a picture that no bar covers: the whole without bars, None if they cover everything."""
    means = cells.means
    top, bottom, left, right = 0, means.shape[0], 0, means.shape[1]
    # Most photos have no bars: of these only the outermost lines are looked at.
    if not any(map(_is_uniform, (means[0], means[-1], means[:, 0], means[:, -1]))):
        return 0.0, 0.0, float(cells.width), float(cells.height)
    for _ in range(2):  # a frame may be seen only once another is gone
        above, below = _widths(means[top:bottom, left:right])
        top, bottom = top + above, bottom - below
        if bottom <= top:
            return None
        before, behind = _widths(means[top:bottom, left:right].T)
        left, right = left + before, right - behind
        if right <= left:
            return None
    return cells.column_edge(left), cells.row_edge(top), cells.column_edge(right), cells.row_edge(bottom)


def _is_uniform(line: _Line) -> bool:
    """What `_are_bars` says of a line, of one alone in less time."""
    in_order = sorted(line.tobytes())
    level = in_order[len(in_order) // 2]
    count = bisect_right(in_order, level + TOLERANCE) - bisect_left(in_order, level - TOLERANCE)
    return count >= UNIFORM * len(in_order)


def _widths(means: GreyImage) -> tuple[int, int]:
    """How many rows at the begin and at the end are bars."""
    import numpy as np

    is_bar, level = _are_bars(means)
    return _width(is_bar, level), _width(np.flip(is_bar), np.flip(level))


def _are_bars(means: GreyImage) -> tuple[_Booleans, _Levels]:
    """Of each row whether it is a bar, and its brightness: that of its median."""
    import numpy as np

    middle = means.shape[1] // 2
    level = np.partition(means, middle, axis=1)[:, middle].astype(np.int16)
    uniform = np.abs(means - level[:, None]) <= TOLERANCE
    return np.count_nonzero(uniform, axis=1) >= UNIFORM * means.shape[1], level


def _width(is_bar: _Booleans, level: _Levels) -> int:
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
