"""Sums over cells give means of boxes, exact where boxes end at the edges of cells."""

import numpy as np
import pytest

from retailpulse.analyze.cell_sums import CellSums


@pytest.mark.parametrize("shape", [(64, 64), (97, 250), (383, 501), (1200, 70)])
def test_the_mean_of_the_whole_is_exact_whatever_its_size(shape: tuple[int, int]) -> None:
    grey = np.random.default_rng(5).integers(0, 256, shape, dtype=np.uint8)
    sums = CellSums(grey)
    whole = (0.0, 0.0, float(shape[1]), float(shape[0]))
    means = sums.grids([whole, whole], 1, 1, transposed=[False, True])
    assert means.tolist() == [[[pytest.approx(grey.mean())]]] * 2
    cells = sums.means(slice(None), slice(None))
    assert cells.shape == (sums.rows.size - 1, sums.columns.size - 1)
    assert cells[-1, -1] == pytest.approx(grey[sums.rows[-2] :, sums.columns[-2] :].mean())


def test_boxes_are_in_their_places() -> None:
    grey = np.random.default_rng(5).integers(0, 256, (400, 500), dtype=np.uint8)
    upper, lower = grey[8:200, 100:400], grey[200:392, 100:400]
    expected = [[part[:, first : first + 100].mean() for first in (0, 100, 200)] for part in (upper, lower)]
    region = (100.0, 8.0, 400.0, 392.0)
    sums = CellSums(grey)
    wide = sums.grids([region, (0.0, 0.0, 6.0, 6.0)], 2, 3, transposed=[False, False])
    both = sums.grids([region, region], 3, 2, transposed=[False, True])
    assert wide.shape == (2, 2, 3)
    np.testing.assert_allclose(wide[0], expected)
    np.testing.assert_allclose(both[1].T, expected)
    assert both[0, 0, 0] == pytest.approx(grey[8:136, 100:250].mean())


def test_sums_of_a_large_white_picture_do_not_overflow() -> None:
    sums = CellSums(np.full((2_400, 4_000), 255, dtype=np.uint8))
    (((mean,),),) = sums.grids([(0.0, 0.0, 4_000.0, 2_400.0)], 1, 1, transposed=[False])
    assert mean == pytest.approx(255)
