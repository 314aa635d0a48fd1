"""Where a photo was taken, as seen from its store: a direction, and a drawing of a circle and a dot."""

import math
from dataclasses import dataclass

from retailpulse.dashboard import words
from retailpulse.service import PhotoDetail

_REACH = 88.0
"""How far from the middle anything is drawn; the drawing goes from -100 to 100."""
_WINDS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sketch:
    """A drawing with the store in its middle; `radius` is what is allowed, None if anything is."""

    text: str
    x: float
    y: float
    radius: float | None


def sketch(detail: PhotoDetail) -> Sketch | None:
    """How far a photo was taken from its store, and where; None if one of the two places is unknown.

    The distance is that which was measured; the direction is that from where the store now is.
    """
    photo, store, meters = detail.result, detail.store, detail.result.checks.store_distance_m
    if meters is None or store is None or store.latitude is None or store.longitude is None:
        return None
    if photo.latitude is None or photo.longitude is None:
        return None
    north = photo.latitude - store.latitude
    turn = (photo.longitude - store.longitude + 180) % 360 - 180
    east = turn * math.cos(math.radians(store.latitude))
    angle = math.atan2(east, north)
    scale = _REACH / max(meters, detail.allowed_meters, 1)
    wind = _WINDS[round(angle / (math.pi / 4)) % len(_WINDS)]
    return Sketch(
        text=f"{words.distance(meters)} {wind}" if meters else words.distance(0),
        x=round(scale * meters * math.sin(angle), 1),
        y=round(-scale * meters * math.cos(angle), 1),
        radius=round(scale * detail.allowed_meters, 1) if detail.allowed_meters else None,
    )
