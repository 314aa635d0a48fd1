"""Reads the times that people send, visit times and the ends of a range of days, and writes instants.

ISO 8601 and epochs are read here, dates as spreadsheets and mails write them in date_formats.py. Weak: ten
digits that are both a date and an epoch of 2033 to 2036 are the date.
"""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from msgspec import Meta

from retailpulse.domain.date_formats import DateOrder, begins_with_year, read_digits, read_written_date
from retailpulse.domain.errors import InvalidRequest

Instant = Annotated[datetime, Meta(tz=True)]
"""A time with its zone, as answers tell it: RFC 3339."""

_EPOCH = re.compile(r"[+-]?\d{9,14}(\.\d+)?", re.ASCII)
# Python's own reader takes any character between date and time, and "2026-11-20-10:00" for ten o'clock; from
# 3.14 on it takes 24:00, which no earlier one does.
_ISO = re.compile(r"[0-9W-]{7,10}(?:[T ](?!24)[0-9:]+(?:[.,][0-9]+)?(?:Z|[+-][0-9:]+)?)?", re.ASCII)
_LOST_PLUS = re.compile(r"(?<=\d) (?=\d\d:?\d\d$)", re.ASCII)
_TOO_LONG_CHARACTERS = 100  # a visit's time may be any text, of megabytes too
_BEYOND_EPOCHS = 10_000_000_000_000  # more than 13 digits
_MILLISECONDS_FROM = 100_000_000_000  # as seconds this is the year 5138


def in_utc(instant: datetime) -> str:
    """The instant as answers tell it: RFC 3339 in UTC; one without a zone is in local time."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_instant(text: str) -> datetime | None:
    """The instant that a text names, in UTC if it has no zone; None if it is no time.

    Reads RFC 3339, ISO 8601, `YYYY-MM-DD HH:MM:SS`, a bare date, YYYYMMDDHH with or without MM and SS, and
    seconds or milliseconds since 1970.
    """
    text = text.strip().upper()
    try:
        if text[4:5] != "-" and _EPOCH.fullmatch(text):
            return _parse_number(text)
        if not _ISO.fullmatch(text):
            return None
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is UTC:
            return instant
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _parse_number(text: str) -> datetime | None:
    """The instant of 9 to 14 digits: a date and a time if they are one, else an epoch.

    Raises ValueError, OverflowError or OSError if it is beyond the years of Python.
    """
    if begins_with_year(text):
        instant = read_digits(text)
        # As epochs 9, 11 or 12 such digits lie in 1976 or after 2600: it is a mistyped date.
        if instant is not None or len(text.partition(".")[0]) in {9, 11, 12}:
            return instant
    number = float(text)
    if abs(number) >= _BEYOND_EPOCHS:
        return None
    return datetime.fromtimestamp(number / 1000 if abs(number) >= _MILLISECONDS_FROM else number, UTC)


def parse_visit_time(text: str, order: DateOrder | None = None) -> datetime | None:
    """The instant that a visit's time names, None if it is no time or could be two.

    As `parse_instant`, and beside it dates as spreadsheets and mails write them (`read_written_date`). Dates
    such as 3/4/2026 need an order: without one they have no instant, even if only one order fits.
    """
    if len(text) >= _TOO_LONG_CHARACTERS:
        return None
    return parse_instant(text) or read_written_date(text, order)


def is_ambiguous_date(text: str) -> bool:
    """Whether a visit's time is a date that needs an order of day and month, such as 3/4/2026."""
    return bool(possible_date_orders(text))


def possible_date_orders(text: str) -> list[DateOrder]:
    """The orders of day and month in which a visit's time is a date, if it needs one.

    3/4/2026 has both, 20/11/2026 one; what needs none, or is no date, has none.
    """
    return [] if parse_visit_time(text) else [order for order in DateOrder if parse_visit_time(text, order)]


def parse_query_time(text: str) -> datetime | None:
    """The instant that a parameter of a query names, None if it is no time; as `parse_instant`.

    A query's "+" means a space: 2026-11-20T10:00:00+05:30 arrives as 2026-11-20T10:00:00 05:30.
    """
    return parse_instant(_LOST_PLUS.sub("+", text) if "T" in text.upper() else text)


def parse_day_range(start: str | None, end: str | None) -> tuple[datetime | None, datetime | None]:
    """The instants from which and before which a range of days or times lasts; both ends are inclusive.

    An end that is given is never None. Raises InvalidRequest naming the end that cannot be read.
    """
    first = _bound("startdate", start)
    last = _bound("enddate", end)
    if last is None or end is None:
        return first, None
    step = timedelta(days=1) if _is_bare_date(end) else timedelta(microseconds=1)
    try:
        return first, last + step
    except OverflowError:
        return first, datetime.max.replace(tzinfo=UTC)


def _bound(name: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    instant = parse_query_time(text)
    if instant is None:
        raise InvalidRequest(f"{name} {text[:100]!r} is not a date: write 2026-11-20 or 2026-11-20T10:00:00Z")
    return instant


def _is_bare_date(text: str) -> bool:
    try:
        date.fromisoformat(text.strip())
    except ValueError:
        return False
    return True
