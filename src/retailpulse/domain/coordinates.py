"""Coordinates, of stores and of photos: degrees as tables hold them, and how far two places are apart.

Weak: latitude and longitude that are swapped are only noticed where the latitude cannot be one.
"""

import math
import re
from typing import NamedTuple

MOST_LATITUDE, MOST_LONGITUDE = 90, 180
_DEGREES = re.compile(
    r"[+-]?(?:\d{1,20}(?:[.,]\d{0,30})?|[.,]\d{1,30})(?:e[+-]?\d{1,2})?", re.ASCII | re.IGNORECASE
)
_EARTH_METERS = 6_371_008.8
"""The mean radius of the earth (IUGG)."""


class Coordinates(NamedTuple):
    """A place in degrees, WGS 84."""

    latitude: float
    longitude: float


class BadCoordinates(ValueError):
    """Texts that are no coordinates; the second argument says which of the two is at fault."""


def read_coordinates(latitude: str, longitude: str) -> Coordinates | None:
    """The place that two texts name, None if both are empty; raises BadCoordinates with what to do.

    A decimal comma is read as a point. Both zero, as programs write where they know no place, is a place.
    """
    if not (latitude or longitude):
        return None
    if not (latitude and longitude):
        name, other = ("Latitude", "Longitude") if longitude else ("Longitude", "Latitude")
        raise BadCoordinates(
            f"the {name.lower()} is empty, the {other.lower()} is not: give both or none", name
        )
    north, east = _degrees("Latitude", latitude), _degrees("Longitude", longitude)
    if abs(north) > MOST_LATITUDE:
        are_swapped = abs(north) <= MOST_LONGITUDE and abs(east) <= MOST_LATITUDE
        advice = "are latitude and longitude swapped?" if are_swapped else "did it lose its decimal point?"
        raise BadCoordinates(
            f"the latitude {latitude} is beyond {MOST_LATITUDE} degrees: {advice}", "Latitude"
        )
    if abs(east) > MOST_LONGITUDE:
        advice = "did it lose its decimal point?"
        raise BadCoordinates(
            f"the longitude {longitude} is beyond {MOST_LONGITUDE} degrees: {advice}", "Longitude"
        )
    return Coordinates(north, east)


def _degrees(name: str, text: str) -> float:
    plain = text.removesuffix("\N{DEGREE SIGN}").rstrip().replace("\N{MINUS SIGN}", "-")
    if not _DEGREES.fullmatch(plain):
        shown = "".join(character if character.isprintable() else " " for character in text[:40])
        advice = "write 12.9716, with a minus for south or west"
        raise BadCoordinates(f"the {name.lower()} {shown!r} is no number of degrees: {advice}", name)
    return float(plain.replace(",", "."))


def meters_between(one: Coordinates, other: Coordinates) -> float:
    """How far two places are apart along the great circle of a sphere: within 0.6% of the truth."""
    north, other_north = math.radians(one.latitude), math.radians(other.latitude)
    half_north = (other_north - north) / 2
    half_east = math.radians(other.longitude - one.longitude) / 2
    part = math.sin(half_north) ** 2 + math.cos(north) * math.cos(other_north) * math.sin(half_east) ** 2
    return 2 * _EARTH_METERS * math.asin(math.sqrt(part if part < 1 else 1.0))
