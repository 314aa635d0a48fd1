"""Distances between places; how coordinates are read is held by tests/api/test_store_places.py."""

import pytest

from retailpulse.domain.coordinates import Coordinates, meters_between


@pytest.mark.parametrize(
    ("one", "other", "meters"),
    [
        ((0, 0), (0, 0), 0),
        ((0, 0), (1, 0), 111_195),
        ((60, 10), (60, 11), 55_597),
        ((0, 179.999), (0, -179.999), 222),
        ((90, 0), (90, 135), 0),
        ((0, 0), (0, 180), 20_015_115),
        ((12.5, 77.5), (-12.5, -102.5), 20_015_115),
        ((48.8566, 2.3522), (51.5074, -0.1278), 343_556),
    ],
)
def test_meters_along_the_great_circle(
    one: tuple[float, float], other: tuple[float, float], meters: int
) -> None:
    assert meters_between(Coordinates(*one), Coordinates(*other)) == pytest.approx(meters, abs=2)
    assert meters_between(Coordinates(*other), Coordinates(*one)) == pytest.approx(meters, abs=2)
