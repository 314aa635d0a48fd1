"""Reads dates as spreadsheets, mails and cameras write them; ISO 8601 and epochs are read in times.py.

Strict: a text is read only if all of it has one meaning. Weak: month names are English ones, and the number
of a day in a workbook counts from 1900, as one that counts from 1904 looks the same.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum


class DateOrder(StrEnum):
    """What comes first in a date of three numbers that ends with its year: 3/4/2026."""

    DAY_FIRST = "day-first"
    MONTH_FIRST = "month-first"


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_YEARS = range(1990, 2101)
_DAY_ZERO_OF_SERIALS = datetime(1899, 12, 30, tzinfo=UTC)  # serials behind February 1900 count from here
_SPACES = str.maketrans("\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}", "  ")  # browsers write them before PM

_WEEKDAY = r"(?:(?P<weekday>mon|tue|wed|thu|fri|sat|sun)(?:day|s|sday|nesday|rs|rsday|urday)?\.?,? )?"
_MONTH = (
    r"(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>\d{4}|\d\d)"
_TIME = (
    r"(?:(?:[t ]|, ?| {2,4})"
    r"(?P<hour>\d{1,2})(?=[:.]\d| ?[ap])(?:(?P<colon>[:.])(?P<minute>\d\d)(?:(?P=colon)(?P<second>\d\d)"
    r"(?:[.,](?P<fraction>\d{1,9}))?)?)?(?: ?(?P<half>[ap])\.?m\.?)?"
    r"(?: ?(?P<zone>z|(?:utc|gmt|ut)?[+-]\d\d(?::?\d\d)?|utc|gmt|ut)(?: \([a-z /_-]{1,40}\))?)?)?"
)


def _format(date: str) -> re.Pattern[str]:
    return re.compile(_WEEKDAY + date + _TIME, re.ASCII)


_YEAR_FIRST = _format(r"(?P<year>\d{4})(?P<separator>[/.:-])(?P<month>\d{1,2})(?P=separator)(?P<day>\d{1,2})")
_MONTH_NAMED = (
    _format(rf"{_DAY}(?P<separator>[ /-]){_MONTH}(?:(?P=separator)|, ){_YEAR}"),
    _format(rf"{_MONTH} {_DAY},? (?P<year>\d{{4}})"),
)
_YEAR_LAST = {
    DateOrder.DAY_FIRST: _format(
        rf"(?P<day>\d{{1,2}})(?P<separator>[/.-])(?P<month>\d{{1,2}})(?P=separator){_YEAR}"
    ),
    DateOrder.MONTH_FIRST: _format(
        rf"(?P<month>\d{{1,2}})(?P<separator>[/.-])(?P<day>\d{{1,2}})(?P=separator){_YEAR}"
    ),
}
_FIRST_TWO_NUMBERS = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-]", re.ASCII)
_OFFSET = re.compile(r"(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>\d\d)?$", re.ASCII)
_SERIAL = re.compile(r"\d{5}(\.\d{1,20})?", re.ASCII)
_DIGITS = re.compile(
    r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)(?:(?P<hour>\d\d)(?:(?P<minute>\d\d)(?P<second>\d\d)?)?)?"
    r"(?:(?<=\d{14})\.(?P<fraction>\d{1,9})|\.0+)?",
    re.ASCII,
)


def read_written_date(text: str, order: DateOrder | None) -> datetime | None:
    """The instant of a date that is not ISO 8601, in UTC if it names no zone; None if its meaning is unclear.

    Reads 2026/11/20, 20 Nov 2026, RFC 2822 and their kin, with a time or without; serials of workbooks; and
    with an order dates such as 20/11/2026 too. Years are 1990 to 2100, two digits of one mean 20yy.
    """
    text = text.strip().translate(_SPACES).lower()
    if _SERIAL.fullmatch(text):
        return _of_serial(float(text))
    if text[:1].isdigit() and (instant := read_digits(text)) is not None:
        return instant  # a date of eight digits that went through a column of numbers: 20261120.0
    formats = [_YEAR_FIRST, *_MONTH_NAMED]
    if order is not None:
        formats.append(_YEAR_LAST[order])
    found = next(filter(None, (pattern.fullmatch(text) for pattern in formats)), None)
    return None if found is None else _instant(found.groupdict())


def why_of_other_order(text: str, order: DateOrder) -> str:
    """Why a date of one order is none of the other, which is `order`: `20/11/2026 has no month 20`."""
    found = _FIRST_TWO_NUMBERS.search(text)
    month = found[1 if order is DateOrder.MONTH_FIRST else 2] if found else ""
    other = DateOrder.DAY_FIRST if order is DateOrder.MONTH_FIRST else DateOrder.MONTH_FIRST
    return (
        f"{text} has no month {month}: it is {other}" if month and int(month) > 12 else f"{text} is {other}"
    )


def read_digits(digits: str) -> datetime | None:
    """The instant of a date and a time in digits alone, such as 20261120103005; None if they are none.

    It ends with the day, the hour, the minute or the second, and may have the ".0" of a column of numbers.
    """
    found = _DIGITS.fullmatch(digits)
    return None if found is None else _instant(found.groupdict())


def begins_with_year(number: str) -> bool:
    """Whether a number of four digits or more begins with a year from 1990 to 2100."""
    return int(number[:4]) in _YEARS


def _instant(fields: dict[str, str | None]) -> datetime | None:
    """The instant of the fields of a format, None if there is no such day or time."""
    try:
        local = datetime(
            _year(fields["year"] or ""),
            _month(fields),
            int(fields["day"] or 0),
            _hour(fields.get("hour"), fields.get("half")),
            int(fields.get("minute") or 0),
            int(fields.get("second") or 0),
            int(f"{fields.get('fraction') or '':0<6}"[:6]),
            tzinfo=_zone(fields.get("zone"), has_seconds=fields.get("second") is not None),
        )
    except ValueError:
        return None
    weekday = fields.get("weekday")
    if weekday is not None and _WEEKDAYS[local.weekday()] != weekday:
        return None
    return local.astimezone(UTC)


def _year(text: str) -> int:
    year = int(text) + (2000 if len(text) == 2 else 0)
    if year not in _YEARS:
        raise ValueError(text)
    return year


def _month(fields: dict[str, str | None]) -> int:
    name = fields.get("name")
    return int(fields["month"] or 0) if name is None else 1 + _MONTHS.index(name[:3])


def _hour(text: str | None, half: str | None) -> int:
    """The hour of the day, on a clock of twelve hours if its half is given; raises ValueError for none."""
    hour = int(text or 0)
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError(text)
    return hour % 12 + (12 if half == "p" else 0)


def _zone(text: str | None, *, has_seconds: bool) -> timezone:
    """The zone of a time, UTC for none; raises ValueError if no place has such a one.

    10:00-11:00 is two times of a day more often than a zone, so that a bare minus needs seconds before it.
    """
    found = None if text is None else _OFFSET.search(text)
    if text is None or found is None:
        return UTC
    hours, minutes = int(found["hours"]), int(found["minutes"] or 0)
    if hours > 14 or minutes > 59 or (text.startswith("-") and not has_seconds):
        raise ValueError(text)
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if found["sign"] == "-" else offset)


def _of_serial(days: float) -> datetime | None:
    """The instant of a day number of a workbook, to the millisecond, which is as exact as its fraction is."""
    instant = _DAY_ZERO_OF_SERIALS + timedelta(milliseconds=round(days * 86_400_000))
    return instant if instant.year in _YEARS else None
