"""The overview: grey pixels and their means over cells, whatever bands a decoder gives."""

import numpy as np
import pytest
from PIL import Image

from retailpulse.analyze import Overview
from retailpulse.analyze.overview import LEAST_CELLS
from retailpulse.measure.body import decode_body

from .drawn import LIMIT, saved

SHAPE = (3 * LEAST_CELLS + 1, 400)


@pytest.mark.parametrize("bands", [1, 3, 4])
def test_grey_is_the_brightness_of_all_pixels_and_made_once(bands: int) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (*SHAPE, bands), dtype=np.uint8)
    overview = Overview(pixels, 4)
    shown = Image.fromarray(pixels[:, :, 0] if bands == 1 else pixels[:, :, :3])
    np.testing.assert_array_equal(overview.grey, np.asarray(shown.convert("L")))
    assert overview.grey is overview.grey


@pytest.mark.parametrize("bands", [1, 3, 4])
def test_cells_are_means_and_the_last_ones_smaller(bands: int) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (*SHAPE, bands), dtype=np.uint8)
    overview = Overview(pixels, 4)
    grey = overview.grey.astype(float)
    assert overview.side == 3
    assert overview.means.shape == (-(-SHAPE[0] // 3), -(-SHAPE[1] // 3))
    assert overview.means[0, 0] == pytest.approx(grey[:3, :3].mean(), abs=1)
    assert overview.means[1, -1] == pytest.approx(grey[3:6, 399:].mean(), abs=1)
    assert overview.means[-1, -1] == pytest.approx(grey[240:, 399:].mean(), abs=1)
    assert overview.means is overview.means


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
    assert abs(overview.grey.astype(int) - 135).max() <= 3
