"""What a submit is answered: the job with its warnings, what a dry run found, and rows that are wrong."""

from typing import Annotated

import msgspec

from retailpulse.schema.jobs import Job
from retailpulse.schema.record import Record, described

MAX_ROW_ERRORS = 100
"""So many rows that are wrong are listed; all are counted."""
ReadAs = Annotated[
    str | None,
    described("How a table was read; null for JSON.", example="CSV, separator semicolon, Windows-1252"),
]


class RowError(Record, frozen=True, kw_only=True):
    """What is wrong with one row: a line of a file, or a visit of a JSON document."""

    line: Annotated[
        int | None,
        described("The line of the file, from 1, the header included; null in a JSON document.", example=3),
    ] = None
    visit: Annotated[
        int | None, described("The visit of a JSON document, from 1; null in a file of rows.", example=None)
    ] = None
    column: Annotated[
        str | None, described("The column or field; null: the row as a whole.", example="store_id")
    ] = None
    reason: Annotated[str, described("What is wrong, and what to do.", example="it is empty")]


class SubmitWarning(Record, frozen=True, kw_only=True):
    """Something that was accepted and may still be a mistake."""

    code: Annotated[
        str,
        described(
            "`visit_time_unreadable`: the text names no time; `visit_time_ambiguous`: it may be day or month "
            "first, say `date_order`; `store_not_found`: the store master has no such store; "
            "`bad_url`: what stands there is no URL.",
            example="visit_time_ambiguous",
        ),
    ]
    count: Annotated[int, described("How many visits it is about.", example=12)]
    detail: Annotated[str, described("The same in words, and what to do.")]
    example: Annotated[str | None, described("The first value.", example="03/04/2026")] = None
    line: Annotated[int | None, described("Its line in a file of rows.", example=2)] = None
    visit: Annotated[int | None, described("Its visit in a JSON document, from 1.")] = None


class SubmittedJob(Job, frozen=True, kw_only=True):
    """A job as the submit answers it."""

    warnings: Annotated[list[SubmitWarning], described("What may be a mistake.")] = msgspec.field(
        default_factory=list
    )
    skipped: Annotated[
        list[RowError],
        described(f"With `on_bad_row=skip`: the first {MAX_ROW_ERRORS} errors of rows left out."),
    ] = msgspec.field(default_factory=list)
    skipped_count: Annotated[int, described("How many rows were left out.", example=0)] = 0
    read_as: ReadAs = None


class HostShare(Record, frozen=True, kw_only=True):
    """A host, and how many images of a submit are there."""

    origin: Annotated[str, described("The host.", example="https://photos.example:443")]
    images: Annotated[int, described("Images of the submit there.", example=3)]


class UnknownStores(Record, frozen=True, kw_only=True):
    """Stores of a submit that are not in the store master; their images would fail."""

    count: Annotated[int, described("How many stores.", example=1)]
    examples: Annotated[list[str], described("At most ten of them.", example=["RP09999"])]


class DryRun(Record, frozen=True, kw_only=True):
    """What a submit would be; nothing of it was kept."""

    visits: Annotated[int, described("Visits that are good.", example=2)]
    images: Annotated[int, described("Images of these.", example=3)]
    stores_unknown: Annotated[UnknownStores, described("Stores that the store master does not have.")]
    hosts: Annotated[list[HostShare], described("At most ten hosts, those with the most images first.")]
    more_hosts: Annotated[int, described("How many further hosts there are.", example=0)] = 0
    warnings: Annotated[list[SubmitWarning], described("What may be a mistake.")]
    errors: Annotated[list[RowError], described(f"The first {MAX_ROW_ERRORS} errors of rows.")]
    error_count: Annotated[int, described("How many errors there are in all.", example=0)]
    read_as: ReadAs = None
