"""What is said of a submit: rows that are wrong, warnings, and what a dry run found, line by line.

What comes from outside is shown without control characters: it may hold escapes.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from retailpulse.cli.option_words import in_options
from retailpulse.cli.terminal import printable
from retailpulse.schema import DryRun, RowError, SubmittedJob, SubmitWarning

MAX_SHOWN = 20
"""How many errors are shown."""


def refused_lines(members: Mapping[str, Any]) -> Iterator[str]:
    """The rows that a refusal lists; none if it is about something else."""
    try:
        errors = msgspec.convert(members.get("errors", []), list[RowError])
        count = msgspec.convert(members.get("error_count", len(errors)), int)
    except msgspec.ValidationError:
        return
    if len(errors) > 1:
        yield from error_lines(errors, count)


def error_lines(errors: Sequence[RowError], count: int) -> Iterator[str]:
    """Errors as a table: where, which column, why."""
    places = [_place(error) for error in errors[:MAX_SHOWN]]
    columns = [printable(error.column or "") for error in errors[:MAX_SHOWN]]
    wide, wider = max(map(len, places), default=0), max(map(len, columns), default=0)
    for place, column, error in zip(places, columns, errors, strict=False):
        yield f"  {place:<{wide}}  {column:<{wider}}  {in_options(printable(error.reason))}".rstrip()
    if count > len(places):
        yield f"  and {count - len(places):,} more; --json lists up to a hundred"


def warning_lines(warnings: Sequence[SubmitWarning]) -> Iterator[str]:
    """Warnings, one in a line."""
    for one in warnings:
        example = ": ".join(filter(None, (_place(one), printable(one.example or ""))))
        where = f" ({example})" if one.example else ""
        often = "once" if one.count == 1 else f"{one.count:,} times"
        yield f"Warning: {printable(one.code)}, {often}{where}: {in_options(printable(one.detail))}"


def skipped_lines(job: SubmittedJob) -> Iterator[str]:
    """The rows that were left out of a job."""
    if job.skipped_count:
        rows = "1 row was" if job.skipped_count == 1 else f"{job.skipped_count:,} rows were"
        yield f"{rows} left out:"
        yield from error_lines(job.skipped, len(job.skipped))


def dry_run_lines(found: DryRun) -> Iterator[str]:
    """What a submit would be."""
    if found.read_as:
        yield f"Read as {printable(found.read_as)}."
    good = f"{_count(found.visits, 'visit')} with {_count(found.images, 'image')}"
    yield f"Good: {good}. Nothing was submitted."
    for host in found.hosts:
        yield f"  {_count(host.images, 'image')} at {printable(host.origin)}"
    if found.more_hosts:
        yield f"  and images at {_count(found.more_hosts, 'more host')}"
    yield from warning_lines(found.warnings)
    if found.error_count:
        yield f"{_count(found.error_count, 'error')}:"
        yield from error_lines(found.errors, found.error_count)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _place(one: RowError | SubmitWarning) -> str:
    if one.line is not None:
        return f"line {one.line:,}"
    return "" if one.visit is None else f"visit {one.visit:,}"
