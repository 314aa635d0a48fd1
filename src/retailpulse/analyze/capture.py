"""When, where and with what a photo was taken, as its EXIF data say.

What is missing, empty or zero is unknown, never wrong. A local time without an offset gets one from the time
of GPS, if the two are at most 14 hours apart. Weak: anybody can write EXIF data, and messengers remove them.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import msgspec

from retailpulse.analyze.analyzer import Analyzer, Exif
from retailpulse.analyze.exif_tags import Tags, read_tags
from retailpulse.analyze.picture import Picture
from retailpulse.domain.flags import Clock
from retailpulse.domain.images import Header

MAX_NAME = 40
"""Most characters of a make, a model or a software; what is longer is cut."""
FARTHEST_OFFSET = timedelta(hours=14)
_QUARTER = timedelta(minutes=15)
_SIXTY, _DAY_HOURS = 60, 24
_DAY = re.compile(r"(\d{4})[:/.-](\d\d?)[:/.-](\d\d?)", re.ASCII)
_TIME = re.compile(_DAY.pattern + r"[ T](\d\d?):(\d\d?):(\d\d?)", re.ASCII)
"""As EXIF has it, with colons in days too, or as ISO 8601 does; a text of another form is no time."""
_OFFSET = re.compile(r"(?:Z|([+-])(\d\d):?([0-5]\d)?)", re.ASCII)
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_MAKE, _MODEL, _SOFTWARE = 0x010F, 0x0110, 0x0131
_TIMES = ((0x9003, 0x9011), (0x9004, 0x9012))
"""DateTimeOriginal with OffsetTimeOriginal, then DateTimeDigitized with OffsetTimeDigitized."""
_LATITUDE, _LONGITUDE, _GPS_TIME, _GPS_DATE = 2, 4, 7, 29
_FIRST_YEAR = 1995
"""No digital camera wrote EXIF before: an earlier year is that of a clock that was reset."""
_LAST_YEAR = 2100
"""No photo of this program is taken later."""
_RESET_DAYS = {(2000, 1, 1), (2001, 1, 1), (2002, 1, 1)}
"""Days at which clocks of cameras and phones begin when their battery was empty."""


class Capture(msgspec.Struct, frozen=True):
    """`taken_at` is ISO 8601, with the offset if it is known; positions are in degrees, WGS 84."""

    taken_at: str | None = None
    clock: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    camera_make: str | None = None
    camera_model: str | None = None
    software: str | None = None


def _find_capture(_picture: Picture, _header: Header, exif: Exif) -> Capture:
    data = exif()
    if data is None:
        return Capture()
    tags = read_tags(data)
    gps = tags.directory(_GPS_IFD)
    taken_at, clock = _time(tags.directory(_EXIF_IFD), _gps_instant(gps))
    latitude, longitude = _position(gps)
    return Capture(
        taken_at=taken_at,
        clock=clock,
        latitude=latitude,
        longitude=longitude,
        camera_make=_name(tags.text(_MAKE)),
        camera_model=_name(tags.text(_MODEL)),
        software=_name(tags.text(_SOFTWARE)),
    )


def _time(tags: Tags, gps: datetime | None) -> tuple[str | None, Clock | None]:
    """When the photo was taken, and what is wrong with the clock; of a wrong clock no time is told."""
    for time_tag, offset_tag in _TIMES:
        written = _TIME.match(tags.text(time_tag))
        if written is None or written.group().startswith("0000"):  # blanks and zeros: it was never set
            continue
        year, month, day, hour, minute, second = map(int, written.groups())
        try:
            local = datetime(year, month, day, hour, minute, second)
        except ValueError:
            return None, Clock.IMPOSSIBLE
        if local.year > _LAST_YEAR:
            return None, Clock.IMPOSSIBLE
        if local.year < _FIRST_YEAR or (local.year, local.month, local.day) in _RESET_DAYS:
            return None, Clock.RESET
        offset = _offset(tags.text(offset_tag))
        if offset is None and gps is not None:
            apart = local - gps.replace(tzinfo=None)
            if abs(apart) > FARTHEST_OFFSET:
                return None, Clock.CONTRADICTED
            offset = round(apart / _QUARTER) * _QUARTER
        return local.replace(tzinfo=None if offset is None else timezone(offset)).isoformat(), None
    return (gps.isoformat() if gps else None), None


def _offset(text: str) -> timedelta | None:
    """The offset that a text like "+05:30" names; None if there is no such zone."""
    found = _OFFSET.fullmatch(text)
    if found is None:
        return None
    sign, hours, minutes = found.groups()
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    if offset > FARTHEST_OFFSET:
        return None
    return -offset if sign == "-" else offset


def _gps_instant(gps: Tags) -> datetime | None:
    if not gps:
        return None
    written = _DAY.match(gps.text(_GPS_DATE))
    if written is None:
        return None
    year, month, day = map(int, written.groups())
    try:
        hours, minutes, seconds = gps.numbers(_GPS_TIME)
        midnight = datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return None
    is_of_clock = 0 <= hours < _DAY_HOURS and 0 <= minutes < _SIXTY and 0 <= seconds <= _SIXTY
    if not (is_of_clock and _FIRST_YEAR <= year <= _LAST_YEAR):
        return None
    return midnight + timedelta(hours=hours, minutes=minutes, seconds=int(seconds))


def _position(gps: Tags) -> tuple[float | None, float | None]:
    """Latitude and longitude, or None for both: 0 degrees of both is what receivers write without a fix."""
    found = list(_degrees(gps)) if gps else []
    if len(found) != 2 or found == [0, 0]:
        return None, None
    return found[0], found[1]


def _degrees(gps: Tags) -> Iterator[float]:
    for tag, most, sides in ((_LATITUDE, 90, "NS"), (_LONGITUDE, 180, "EW")):
        with suppress(ValueError):
            degrees, minutes, seconds = gps.numbers(tag)
            value = degrees + minutes / _SIXTY + seconds / _SIXTY**2
            side = gps.text(tag - 1)[:1].upper()
            is_written_right = 0 <= minutes <= _SIXTY and 0 <= seconds <= _SIXTY and degrees >= 0
            if is_written_right and value <= most and side and side in sides:
                yield round(-value if side == sides[1] else value, 6)


def _name(text: str) -> str | None:
    if not text.isprintable():
        text = "".join(filter(str.isprintable, text))
    return text[:MAX_NAME].strip() or None


ANALYZER = Analyzer(name="capture", version=3, facts=Capture, analyze=_find_capture)
