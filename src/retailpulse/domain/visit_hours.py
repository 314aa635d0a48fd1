"""How far the time at which a photo was taken is from its visit, at the least.

A time without an offset from UTC may be that of any zone, and a visit at midnight may be a date alone. What
is told is then the smallest difference that there can be, so that nobody is blamed for a zone.
"""

import re
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache

from retailpulse.domain.date_formats import begins_with_year, read_digits

_HOUR = timedelta(hours=1)
_AHEAD_HOURS, _BEHIND_HOURS = 14.0, 12.0
"""Zones are up to 14 hours ahead of UTC, and up to 12 behind it."""
_DAY_HOURS = 24.0
_NUMBER = re.compile(r"[+-]?\d{9,14}(\.\d+)?", re.ASCII)
_ZONE = re.compile(
    r"[t ][\d:.,]+ ?(?:[ap]\.?m\.? ?)?"
    r"(?:z|(?:utc|gmt|ut)?[+-]\d\d(?::?\d\d)?|utc|gmt|ut)(?: \([a-z /_-]{1,40}\))?$",
    re.ASCII,
)
_MIDNIGHT = re.compile(r"[t ]0?0:00(?::00(?:[.,]0+)?)?(?![\d:.,])", re.ASCII)


def hours_from_visit(taken_at: str, visit_time: str, visited_at: datetime) -> float | None:
    """Hours from a visit to when its photo was taken, negative before it; None if `taken_at` is no time.

    `taken_at` is ISO 8601, `visit_time` as submitted, `visited_at` the instant that was read in it.
    """
    is_local, is_midnight = _read_form(visit_time)
    is_day = is_midnight or visited_at.astimezone(UTC).time() == time()
    return _hours(taken_at, visited_at, is_local=is_local, lasts_hours=_DAY_HOURS if is_day else 0.0)


def hours_from_instant(taken_at: str, instant: datetime) -> float | None:
    """The same from an instant that is known."""
    return _hours(taken_at, instant, is_local=False, lasts_hours=0.0)


def _hours(taken_at: str, begin: datetime, *, is_local: bool, lasts_hours: float) -> float | None:
    try:
        taken = datetime.fromisoformat(taken_at)
        is_taken_local = taken.tzinfo is None
        apart = ((taken.replace(tzinfo=UTC) if is_taken_local else taken) - begin) / _HOUR
    except (ValueError, OverflowError):
        return None
    least, most = apart - lasts_hours, apart
    if is_taken_local or is_local:
        least -= max(_AHEAD_HOURS * is_taken_local, _BEHIND_HOURS * is_local)
        most += max(_BEHIND_HOURS * is_taken_local, _AHEAD_HOURS * is_local)
    if most < 0:
        return round(most, 2)
    return round(least, 2) if least > 0 else 0.0


@lru_cache(maxsize=4_096)  # the images of a visit are settled one after another
def _read_form(visit_time: str) -> tuple[bool, bool]:
    """Whether a time has no offset from UTC, and whether it is written as midnight."""
    said = visit_time.strip().lower()
    return not _names_zone(said), _MIDNIGHT.search(said) is not None


def _names_zone(said: str) -> bool:
    """Whether a time in small letters has an offset from UTC; an epoch has."""
    if _NUMBER.fullmatch(said):
        return not (begins_with_year(said) and read_digits(said) is not None)
    return _ZONE.search(said) is not None
