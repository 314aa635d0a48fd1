"""Why a photo is flagged, in words, by the numbers of its result and the photo that it is a copy of."""

from datetime import datetime
from typing import NamedTuple

from retailpulse.domain.times import parse_instant
from retailpulse.schema.results import Result


class Earlier(NamedTuple):
    """The photo that another one is a copy of."""

    image_no: int
    store_id: str
    visit_time: str


def reasons(row: Result, earlier: Earlier | None) -> str:
    """One reason for each flag; the same reason once."""
    return "; ".join(dict.fromkeys(reason(row, flag, earlier) for flag in row.flags))


def number_of(row: Result, name: str) -> float | None:
    """The number of this name that was measured of a photo, or None."""
    number: float | None = getattr(row.checks, name)
    return number


def reason(row: Result, flag: str, earlier: Earlier | None) -> str:
    """Why a photo has this flag; the flag itself if there is no more to say."""
    checks, said = row.checks, flag
    match flag:
        case "blurred" | "soft" if checks.sharpness is not None:
            said = f"sharpness {checks.sharpness:.2f}"
        case "dark" if checks.brightness_p95 is not None:
            said = f"95% of it darker than {checks.brightness_p95} of 255"
        case "overexposed" if checks.blown is not None:
            low = checks.brightness_p5
            said = f"{checks.blown:.0%} of it blown out, 95% brighter than {low} of 255"
        case "blank":
            said = f"something to be seen in {checks.content or 0:.0%} of it"
        case "copy" | "same_scene" if earlier:
            what = "copy of" if flag == "copy" else "same scene as"
            said = f"{what} image {earlier.image_no}, {earlier.store_id}, {_day(earlier.visit_time)}"
        case "time_mismatch" | "stale":
            said = _from_visit(checks.hours_from_visit)
        case "far_from_store":
            said = distance(checks.store_distance_m)
    return said


def _day(visit_time: str) -> str:
    instant = parse_instant(visit_time)
    return f"{instant.day} {instant:%b}" if isinstance(instant, datetime) else visit_time


def _from_visit(hours: float | None) -> str:
    if hours is None:
        return "not taken when it was sent"
    number, unit = (abs(hours) / 24, "days") if abs(hours) >= 48 else (abs(hours), "hours")
    return f"taken {number:.0f} {unit} {'before' if hours < 0 else 'after'} the visit"


def distance(metres: float | None) -> str:
    """1.2 km from the store, or 35 m from it."""
    if metres is None:
        return "not taken at the store"
    return f"{metres / 1000:,.1f} km from the store" if metres >= 1000 else f"{metres:.0f} m from the store"
