"""The overview: grey that is made of what is looked at alone, whatever bands a decoder gives."""

import numpy as np
import pytest
from PIL import Image

from retailpulse.analyze import Overview
from retailpulse.analyze.overview import LEAST_CELLS, grey_of
from retailpulse.measure.body import decode_body

from .drawn import LIMIT, saved

SHAPE = (3 * LEAST_CELLS + 1, 400)


@pytest.mark.parametrize("bands", [1, 3, 4])
def test_lines_are_two_rows_of_each_cell_in_grey(bands: int) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (*SHAPE, bands), dtype=np.uint8)
    overview = Overview(pixels, 4)
    assert overview.side == 3
    rows = [min(row + at, SHAPE[0] - 1) for row in range(0, SHAPE[0], 3) for at in (0, 2)]
    shown = Image.fromarray(pixels[:, :, 0] if bands == 1 else pixels[:, :, :3])
    np.testing.assert_array_equal(overview.lines, np.asarray(shown.convert("L"))[rows])
    assert overview.lines is overview.lines


def test_cells_are_means_of_two_rows_and_the_last_ones_smaller() -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (*SHAPE, 1), dtype=np.uint8)
    overview = Overview(pixels, 4)
    lines = overview.lines.reshape(-1, 2, SHAPE[1]).mean(axis=1)
    assert overview.means.shape == (lines.shape[0], -(-SHAPE[1] // 3))
    np.testing.assert_allclose(overview.means[:, 0], lines[:, :3].mean(axis=1), atol=1)
    np.testing.assert_allclose(overview.means[:, -1], lines[:, 399:].mean(axis=1), atol=1)


def test_a_small_picture_is_its_own_cells() -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (LEAST_CELLS + 5, 200, 1), dtype=np.uint8)
    np.testing.assert_array_equal(Overview(pixels, 1).means, pixels[:, :, 0])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF"])
def test_every_decoder_gives_an_overview_once(kind: str) -> None:
    header, picture = decode_body(saved(Image.new("RGB", (1280, 960), (200, 120, 40)), kind), LIMIT)
    assert not picture.was_asked
    overview = picture.overview(header.width, header.height)
    assert picture.was_asked
    assert (overview.shape, overview.scale) == ((240, 320), 4)
    assert overview is picture.overview(header.width, header.height)
    assert abs(grey_of(overview.pixels).astype(int) - 135).max() <= 3
