"""Reads what lists are filtered by: texts that the database can hold, times, labels, ids of jobs."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar.params import Parameter

from retailpulse.domain.days import day_bounds
from retailpulse.domain.errors import InvalidRequest
from retailpulse.domain.ids import parse_job_id
from retailpulse.domain.times import parse_query_time

Areas = Annotated[list[str] | None, Parameter(description="Only stores of this area.")]
StoreIds = Annotated[list[str] | None, Parameter(description="Only this store.")]
JobIds = Annotated[list[str] | None, Parameter(description="Only photos of this job.")]


def texts(name: str, given: list[str] | None) -> tuple[str, ...]:
    """The values of a filter; raises InvalidRequest naming the parameter if one cannot be looked for."""
    for text in given or ():
        checked(name, text)
    return tuple(given or ())


def checked(name: str, text: str) -> str:
    """A text that the database can look for; raises InvalidRequest naming the parameter."""
    if "\0" in text:
        raise InvalidRequest(f"{name}: it holds a NUL character")
    return text


def instant(name: str, text: str | None) -> datetime | None:
    """The instant that a date or a time names, None for none; raises InvalidRequest naming the parameter."""
    if text is None:
        return None
    found = parse_query_time(text)
    if found is None:
        raise InvalidRequest(
            f"{name}: {text[:100]!r} is not a date: write 2026-11-20 or 2026-11-20T10:00:00Z"
        )
    return found


def bounds_of_day(name: str, text: str | None) -> tuple[datetime | None, datetime | None]:
    """When the day begins and ends that a date names, in UTC; raises InvalidRequest naming the parameter."""
    if text is None:
        return None, None
    found = day_bounds(text)
    if found is None:
        raise InvalidRequest(f"{name}: {text[:100]!r} is no day: write 2026-11-20")
    return found


def job_ids(given: list[str] | None) -> tuple[UUID, ...]:
    """The ids of a filter by jobs; raises InvalidRequest for what is none."""
    found = []
    for text in given or ():
        job_id = parse_job_id(text)
        if job_id is None:
            raise InvalidRequest(f"job_id: {text[:100]!r} is no id of a job")
        found.append(job_id)
    return tuple(found)


def labels(given: list[str] | None) -> dict[str, tuple[str, ...]]:
    """The wanted values by the name of each label; raises InvalidRequest for what is no `name:value`."""
    wanted: dict[str, tuple[str, ...]] = {}
    for text in texts("label", given):
        name, colon, value = text.partition(":")
        if not (name and colon):
            raise InvalidRequest(f"label: {text[:100]!r} is not like region:north")
        wanted[name] = (*wanted.get(name, ()), value)
    return wanted
