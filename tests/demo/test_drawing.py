"""The dice fall the same way everywhere, and the camera's geometry is right."""

import pytest
from PIL import Image

from retailpulse.demo.dice import Dice
from retailpulse.demo.perspective import Quad, from_quad, onto_quad

QUAD: Quad = ((10.0, 5.0), (90.0, 20.0), (80.0, 70.0), (20.0, 95.0))
SIDES = ((0, 0), (40, 0), (40, 30), (0, 30))


def mapped(coefficients: tuple[float, ...], x: float, y: float) -> tuple[float, float]:
    a, b, c, d, e, f, g, h = coefficients
    return (a * x + b * y + c) / (g * x + h * y + 1), (d * x + e * y + f) / (g * x + h * y + 1)


def test_the_corners_of_a_picture_come_from_the_corners_of_the_quad() -> None:
    coefficients = from_quad(QUAD, 40, 30)
    for (x, y), corner in zip(SIDES, QUAD, strict=True):
        assert mapped(coefficients, x, y) == pytest.approx(corner)


def test_the_corners_of_the_quad_show_the_corners_of_the_source() -> None:
    coefficients = onto_quad(QUAD, 40, 30)
    for (x, y), corner in zip(QUAD, SIDES, strict=True):
        assert mapped(coefficients, x, y) == pytest.approx(corner, abs=1e-9)


def test_a_source_laid_onto_a_quad_lies_there_and_nowhere_else() -> None:
    source = Image.new("L", (40, 30), 255)
    laid = source.transform((100, 100), Image.Transform.PERSPECTIVE, onto_quad(QUAD, 40, 30))
    assert laid.getpixel((50, 50)) == 255
    assert laid.getpixel((5, 5)) == laid.getpixel((95, 95)) == 0


def test_the_same_seed_gives_the_same_draws_and_another_seed_others() -> None:
    first, again, other = Dice(7), Dice(7), Dice(8)
    draws = [first.whole(0, 1000) for _ in range(20)]
    assert draws == [again.whole(0, 1000) for _ in range(20)]
    assert draws != [other.whole(0, 1000) for _ in range(20)]


def test_draws_stay_in_their_bounds_and_reach_them() -> None:
    dice = Dice(1)
    assert {dice.whole(1, 6) for _ in range(500)} == {1, 2, 3, 4, 5, 6}
    assert all(2.0 <= dice.between(2.0, 3.0) < 3.0 for _ in range(500))
    assert {dice.pick("abc") for _ in range(100)} == {"a", "b", "c"}
