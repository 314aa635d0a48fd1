"""What is said of a submit: rows that are wrong, warnings, and what a dry run found, line by line.

What comes from outside is shown without control characters: it may hold escapes.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

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
        yield f"  {place:<{wide}}  {column:<{wider}}  {printable(error.reason)}".rstrip()
    if count > len(places):
        yield f"  and {count - len(places):,} more; --json lists up to a hundred"


def warning_lines(warnings: Sequence[SubmitWarning]) -> Iterator[str]:
    """Warnings, one in a line."""
    for one in warnings:
        where = f" ({_place(one)}: {printable(one.example)})" if one.example else ""
        yield f"Warning: {printable(one.code)}, {one.count:,} times{where}: {printable(one.detail)}".replace(
            " (:", " ("
        )


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
    yield f"{found.visits:,} visits with {found.images:,} images are good; nothing was submitted."
    for host in found.hosts:
        yield f"  {host.images:,} images at {printable(host.origin)}"
    if found.more_hosts:
        yield f"  and images at {found.more_hosts:,} more hosts"
    yield from warning_lines(found.warnings)
    if found.error_count:
        yield f"{found.error_count:,} errors:"
        yield from error_lines(found.errors, found.error_count)


def _place(one: RowError | SubmitWarning) -> str:
    if one.line is not None:
        return f"line {one.line:,}"
    return "" if one.visit is None else f"visit {one.visit:,}"
