"""Times in options: ages such as 30d, the dates, times and ages that lists are filtered by, days of reports.

Days are those of UTC, as a bare date is for the service; those of a report are those of its time zone.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

import rich_click as click

from retailpulse.domain.times import parse_query_time

T = TypeVar("T")

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_AGE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)([smhd])", re.ASCII)
_DAYS_AGO = {"today": 0, "yesterday": 1}


def read_age(_context: click.Context, _option: click.Parameter, value: str | None) -> timedelta | None:
    """Reads a time like 30d."""
    if value is None:
        return None
    age = _parse_age(value.strip())
    if age is None:
        raise click.BadParameter(f"{value!r} is no time; write one like 30d, 12h, 90m or 45s")
    return age


def read_time(_context: click.Context, _option: click.Parameter, value: str | None) -> str | datetime | None:
    """Reads what a list is filtered by: a date or a time as the service reads it, a day's name, or an age."""
    if value is None:
        return None
    text = value.strip()
    days_ago = _DAYS_AGO.get(text.lower())
    if days_ago is not None:
        return (datetime.now(UTC) - timedelta(days=days_ago)).date().isoformat()
    age = _parse_age(text)
    try:
        if age is not None:
            return datetime.now(UTC) - age
    except OverflowError:
        raise click.BadParameter(f"{value!r} was before the first year") from None
    if parse_query_time(text) is None:
        raise click.BadParameter(
            f"{value!r} is no time; write 2026-11-20, 2026-11-20T10:00:00Z, today, yesterday or 7d (days ago)"
        )
    return text


def read_day(context: click.Context, _option: click.Parameter, value: str | None) -> date | None:
    """Reads a day, its name, or how many days ago it was, in the time zone of the eager option --tz."""
    if value is None:
        return None
    text = value.strip()
    days_ago = _DAYS_AGO.get(text.lower())
    age = _parse_age(text) if text.endswith("d") else None
    try:
        if days_ago is not None:
            age = timedelta(days=days_ago)
        return date.fromisoformat(text) if age is None else _today(context.params.get("tz")) - age
    except OverflowError:
        raise click.BadParameter(f"{value!r} was before the first year") from None
    except ValueError:
        raise click.BadParameter(
            f"{value!r} is no day; write 2026-11-20, today, yesterday or 7d (days ago)"
        ) from None


def _today(zone: str | None) -> date:
    try:
        return datetime.now(ZoneInfo(zone) if zone else UTC).date()
    except (ValueError, OSError, KeyError):  # as a path, a folder, or no name at all
        raise click.BadParameter(
            f"{zone!r} is no time zone that this machine knows; write the day as 2026-11-20"
        ) from None


def time_options(
    verb: str, *, start: str = "--after", end: str = "--before"
) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """The options of a list of what was `verb` at a time: `start` or later, and before `end`."""
    late = f"{verb} before; the same kinds of times as {start}."
    early = f"{verb} then or later: a date, an RFC 3339 time, today, yesterday, 7d or 12h ago."

    def add(command: Callable[..., T]) -> Callable[..., T]:
        for name, meaning in ((end, late), (start, early)):
            command = click.option(name, metavar="TIME", callback=read_time, help=meaning)(command)
        return command

    return add


def _parse_age(text: str) -> timedelta | None:
    found = _AGE.fullmatch(text)
    return None if found is None else timedelta(**{_UNITS[found[2]]: float(found[1])})
