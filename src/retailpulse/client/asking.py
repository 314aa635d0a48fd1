"""Paths and query parameters, as the service reads them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from urllib.parse import quote

from retailpulse.client.transports import Params

Some = str | Iterable[str] | None
"""One text or several, any of which will do."""
When = str | date | None
"""A time: a datetime (in local time where it has no zone), a date, or a text that says one."""


def job_path(job_id: str, *rest: str) -> str:
    """The path of a job, or of something of it; no id leads to another path."""
    return "/".join(("/api/v1/jobs", quote(job_id, safe=""), *rest))


def filters(**given: Some | When | int) -> Params:
    """Query parameters from filters; those that are None are left out."""
    return [(name, value) for name, values in given.items() for value in _texts(values)]


def label_filters(labels: Mapping[str, str] | None) -> Params:
    """One parameter for each label that a job must have."""
    return [("label", f"{name}:{value}") for name, value in (labels or {}).items()]


def _texts(values: Some | When | int) -> Iterable[str]:
    if values is None:
        return ()
    if isinstance(values, datetime):
        return (values.astimezone(UTC).isoformat().replace("+00:00", "Z"),)
    if isinstance(values, date):
        return (values.isoformat(),)
    if isinstance(values, str | int):
        return (str(values),)
    return tuple(str(value) for value in values)
