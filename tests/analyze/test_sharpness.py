"""Sharpness tells pictures out of focus and shaken ones from sharp ones, whatever their size and contrast."""

import numpy as np
import pytest
from PIL import Image

from retailpulse.analyze import sharpness as sharpness_module
from retailpulse.analyze.sharpness import ANALYZER, CLOSE_LOOK, GLANCE, SURE
from retailpulse.measure.body import decode_body

from .drawn import LIMIT, WIDTH, blurred, facts, moved, saved, shelf


def sharpness(picture: Image.Image, kind: str = "JPEG") -> float:
    found = facts(ANALYZER, saved(picture, kind))["sharpness"]
    assert isinstance(found, float)
    return found


@pytest.fixture(scope="module")
def sharp() -> Image.Image:
    return shelf()


def test_blur_takes_sharpness_away_step_by_step(sharp: Image.Image) -> None:
    found = [sharpness(blurred(sharp, thousandths)) for thousandths in (0, 1, 2, 4)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 2 * found[2] > 3 * found[3] > 0


@pytest.mark.parametrize("sideways", [True, False])
def test_motion_in_one_direction_alone_is_seen(sharp: Image.Image, sideways: bool) -> None:
    assert sharpness(moved(sharp, 16, sideways=sideways)) < sharpness(sharp) / 3


def test_contrast_does_not_matter(sharp: Image.Image) -> None:
    faint = sharp.point([96 + value // 4 for value in range(256)])
    assert sharpness(faint) == pytest.approx(sharpness(sharp), rel=0.15)


def test_every_format_tells_the_same(sharp: Image.Image) -> None:
    assert sharpness(sharp, "PNG") == pytest.approx(sharpness(sharp, "WEBP"), rel=0.1)
    assert sharpness(sharp, "PNG") == pytest.approx(sharpness(sharp), rel=0.1)


def test_it_hardly_depends_on_the_size() -> None:
    found = [sharpness(shelf(width, width * 3 // 4)) for width in (4032, WIDTH, 1280, 800, 400)]
    assert max(found) < 2 * min(found)


@pytest.mark.parametrize("size", [(64, 64), (64, 16_000), (16_000, 64), (700, 65)])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_noise_is_sharp_however_long_the_picture(size: tuple[int, int], mode: str) -> None:
    noise = Image.effect_noise(size, 60).convert(mode)
    assert sharpness(noise) > 1
    assert sharpness(noise, "PNG") > 1


def test_of_a_very_wide_picture_no_more_is_looked_at_than_of_others() -> None:
    for shape in ((100, 1_000_000), (1_000_000, 100), (3_000, 4_000)):
        sampled = sharpness_module._sampled(np.zeros(shape, np.uint8), CLOSE_LOOK)
        assert sampled.size <= 3 * sharpness_module.LEAST_ROWS * CLOSE_LOOK


def test_level_edges_make_no_sharp_photo_soft_wherever_they_lie() -> None:
    boards = np.full((1512, 2016), 200, dtype=np.uint8)
    for top in range(100, 1500, 300):
        boards[top : top + 40] = 60
    boards[:, ::160] = 90
    found = [sharpness(Image.fromarray(np.roll(boards, rows, axis=0)), "PNG") for rows in range(0, 72, 8)]
    assert min(found) > 0.8


def test_a_photo_near_the_thresholds_is_looked_at_closely(sharp: Image.Image) -> None:
    body = saved(blurred(sharp, 1.2))
    header, picture = decode_body(body, LIMIT)
    overview = picture.overview(header.width, header.height)
    glance, close, whole = (
        sharpness_module._sharpness(overview, pixels) for pixels in (GLANCE, CLOSE_LOOK, overview.pixels.size)
    )
    assert glance is not None
    assert glance < SURE
    assert facts(ANALYZER, body)["sharpness"] == close == pytest.approx(whole, rel=0.1)


@pytest.mark.parametrize("size", [(1, 1), (2, 900), (900, 3), (15, 40)])
def test_a_picture_too_small_to_tell_has_none(size: tuple[int, int]) -> None:
    assert facts(ANALYZER, saved(Image.new("L", size, 90)))["sharpness"] is None


def test_a_picture_without_edges_has_none() -> None:
    ramp = np.linspace(90, 120, 640, dtype=np.uint8)[None].repeat(480, axis=0)
    for picture in (Image.new("L", (640, 480), 90), Image.fromarray(ramp)):
        assert facts(ANALYZER, saved(picture, "PNG"))["sharpness"] is None
