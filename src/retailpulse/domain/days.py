"""A day as pages and queries name it."""

from datetime import UTC, date, datetime, timedelta


def day_bounds(text: str) -> tuple[datetime, datetime] | None:
    """When a day such as `2026-11-20` begins and ends, in UTC; None for what is none."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    if found.year == date.max.year:
        return None
    begin = datetime(found.year, found.month, found.day, tzinfo=UTC)
    return begin, begin + timedelta(days=1)
