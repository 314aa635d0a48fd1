"""Cells give means of boxes: exact but for the rounding of cells, where boxes end at the edges of cells."""

import numpy as np
import pytest

from retailpulse.analyze import Overview
from retailpulse.analyze.cells import Cells
from retailpulse.analyze.overview import LEAST_CELLS

ROUNDED = 0.5


def drawn(rows: int, columns: int) -> np.ndarray:
    """Noise of which the rows of each cell are alike, as cells are judged by two of them."""
    side = max(1, min(rows, columns) // LEAST_CELLS)
    noise = np.random.default_rng(5).integers(0, 256, (-(-rows // side), columns), dtype=np.uint8)
    return noise.repeat(side, axis=0)[:rows]


def cells_of(grey: np.ndarray) -> Cells:
    return Cells(Overview(grey[:, :, None], 1))


@pytest.mark.parametrize("shape", [(64, 64), (97, 250), (383, 501), (1200, 70)])
def test_the_mean_of_the_whole_is_that_of_the_picture_whatever_its_size(shape: tuple[int, int]) -> None:
    grey = drawn(*shape)
    cells = cells_of(grey)
    assert min(cells.means.shape) >= min(LEAST_CELLS, *shape)
    whole = (0.0, 0.0, float(shape[1]), float(shape[0]))
    means = cells.grids([whole, whole], 1, 1, transposed=[False, True])
    assert means.tolist() == [[[pytest.approx(grey.mean(), abs=ROUNDED)]]] * 2
    row, column = cells.means.shape[0] - 1, cells.means.shape[1] - 1
    last = grey[int(cells.row_edge(row)) :, int(cells.column_edge(column)) :]
    assert cells.means[row, column] == pytest.approx(last.mean(), abs=ROUNDED)
    assert (cells.row_edge(row + 1), cells.column_edge(column + 1)) == shape


def test_boxes_are_in_their_places() -> None:
    grey = drawn(400, 500)
    upper, lower = grey[20:200, 100:400], grey[200:380, 100:400]
    expected = [[part[:, first : first + 100].mean() for first in (0, 100, 200)] for part in (upper, lower)]
    region = (100.0, 20.0, 400.0, 380.0)
    cells = cells_of(grey)
    wide = cells.grids([region, (0.0, 0.0, 6.0, 6.0)], 2, 3, transposed=[False, False])
    both = cells.grids([region, region], 3, 2, transposed=[False, True])
    assert wide.shape == (2, 2, 3)
    np.testing.assert_allclose(wide[0], expected, atol=ROUNDED)
    np.testing.assert_allclose(both[1].T, expected, atol=ROUNDED)
    assert both[0, 0, 0] == pytest.approx(grey[20:140, 100:250].mean(), abs=ROUNDED)


def test_a_box_takes_its_share_of_a_cell_at_its_edge() -> None:
    grey = np.zeros((96, 96), dtype=np.uint8)
    grey[:, 48:] = 200
    ((left, right),) = cells_of(grey).grids([(47.75, 0.0, 49.25, 96.0)], 1, 2, transposed=[False])[0]
    assert (left, right) == (pytest.approx(200 * 2 / 3), pytest.approx(200))
