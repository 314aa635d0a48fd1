"""Exposure tells dark, blown out and blank pictures from others by a few numbers, which are exact."""

import numpy as np
import pytest
from PIL import Image

from retailpulse.analyze.exposure import ANALYZER

from .drawn import facts, saved, shelf


def test_numbers_of_a_known_picture_are_exact() -> None:
    pixels = np.full((240, 320), 40, dtype=np.uint8)
    pixels[:, 80:] = 100
    pixels[:, 304:] = 255
    found = facts(ANALYZER, saved(Image.fromarray(pixels), "PNG"))
    assert found["brightness"] == pytest.approx(40 * 0.25 + 100 * 0.7 + 255 * 0.05, abs=0.06)
    assert found["blown"] == pytest.approx(0.05)
    percentiles = [found[f"brightness_p{share}"] for share in (5, 50, 95, 99)]
    assert percentiles == [40, 100, 100, 255]
    assert found["contrast"] == 255 - 40


def test_stops_of_light_less_are_seen() -> None:
    picture = shelf()
    dark = picture.point([value >> 4 for value in range(256)])
    assert facts(ANALYZER, saved(picture))["brightness_p95"] > 150
    assert facts(ANALYZER, saved(dark))["brightness_p95"] < 20


def test_what_shows_something_is_counted_by_tiles() -> None:
    assert facts(ANALYZER, saved(shelf()))["content"] > 0.8
    assert facts(ANALYZER, saved(Image.new("L", (1200, 900), 180)))["content"] == 0.0
    half = shelf()
    half.paste(128, (0, 0, half.width // 2, half.height))
    assert facts(ANALYZER, saved(half))["content"] == pytest.approx(0.5, abs=0.13)


@pytest.mark.parametrize("size", [(1, 1), (3, 700), (700, 3), (15, 15)])
def test_a_picture_too_small_for_tiles_has_the_other_numbers(size: tuple[int, int]) -> None:
    found = facts(ANALYZER, saved(Image.new("L", size, 77), "PNG"))
    assert found["content"] is None
    assert found["brightness_p50"] == 77


def test_a_large_picture_is_sampled_evenly() -> None:
    pixels = np.full((1920, 2560), 40, dtype=np.uint8)
    pixels[960:] = 200
    found = facts(ANALYZER, saved(Image.fromarray(pixels), "PNG"))
    assert found["brightness"] == pytest.approx(120, abs=2)
