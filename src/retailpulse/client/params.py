"""Paths and query parameters, as the service reads them."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from urllib.parse import quote

from retailpulse.client.transports import Params
from retailpulse.domain.times import in_utc

Some = str | Iterable[str] | None
"""One text or several, any of which will do."""
When = str | date | None
"""A time: a datetime (in local time if it has no zone), a date, or a text that says one."""


def job_path(job_id: str, *rest: str) -> str:
    """The path of a job, or of something of it; no id leads to another path."""
    return "/".join(("/api/v1/jobs", quote(job_id, safe=""), *rest))


def filters(**given: Some | When | int) -> Params:
    """Query parameters from filters; those that are None are left out."""
    return [(name, value) for name, values in given.items() for value in _texts(values)]


def label_filters(labels: Mapping[str, Some] | None) -> Params:
    """A parameter for each label that a job may have; of several values of one name each will do."""
    return [
        ("label", f"{name}:{value}") for name, values in (labels or {}).items() for value in _texts(values)
    ]


def _texts(values: Some | When | int) -> Iterable[str]:
    if values is None:
        return ()
    if isinstance(values, datetime):
        return (in_utc(values),)
    if isinstance(values, date):
        return (values.isoformat(),)
    if isinstance(values, str | int):
        return (str(values),)
    return tuple(str(value) for value in values)
