"""Why a photo is flagged, in words, by the numbers of its result and the photo that it is a copy of."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from retailpulse.client import Result
from retailpulse.domain.times import parse_instant


class Earlier(NamedTuple):
    """The photo that another one is a copy of."""

    image_no: int
    store_id: str
    visit_time: str


def reasons(row: Result, earlier: Earlier | None) -> str:
    """One reason for each flag; the same reason once."""
    return "; ".join(dict.fromkeys(_reasons(row, earlier)))


def number_of(row: Result, name: str) -> float | None:
    """The number of this name that was measured of a photo, or None."""
    number: float | None = getattr(row.checks, name)
    return number


def _reasons(row: Result, earlier: Earlier | None) -> Iterator[str]:
    for flag in row.flags:
        match flag:
            case "blurred" | "soft":
                yield f"sharpness {number_of(row, 'sharpness'):.2f}"
            case "dark":
                yield f"95% of it darker than {number_of(row, 'brightness_p95')} of 255"
            case "overexposed":
                low = number_of(row, "brightness_p5")
                yield f"{number_of(row, 'blown'):.0%} of it blown out, 95% brighter than {low} of 255"
            case "blank":
                yield f"something to be seen in {number_of(row, 'content') or 0:.0%} of it"
            case "copy" | "same_scene" if earlier:
                what = "copy of" if flag == "copy" else "same scene as"
                yield f"{what} image {earlier.image_no}, {earlier.store_id}, {_day(earlier.visit_time)}"
            case "time_mismatch" | "stale":
                yield _from_visit(number_of(row, "hours_from_visit"))
            case "far_from_store":
                yield _distance(number_of(row, "store_distance_m"))
            case _:
                yield flag


def _day(visit_time: str) -> str:
    instant = parse_instant(visit_time)
    return f"{instant.day} {instant:%b}" if isinstance(instant, datetime) else visit_time


def _from_visit(hours: float | None) -> str:
    if hours is None:
        return "not taken when it was sent"
    number, unit = (abs(hours) / 24, "days") if abs(hours) >= 48 else (abs(hours), "hours")
    return f"taken {number:.0f} {unit} {'before' if hours < 0 else 'after'} the visit"


def _distance(metres: float | None) -> str:
    if metres is None:
        return "not taken at the store"
    return f"{metres / 1000:,.1f} km from the store" if metres >= 1000 else f"{metres:.0f} m from the store"
