"""The result of an image, as the API answers it and clients read it; and examples of two."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from retailpulse.domain.images import Cause, Outcome
from retailpulse.domain.reviews import Decision
from retailpulse.domain.times import Instant
from retailpulse.schema.checks import Checks
from retailpulse.schema.columns import SqlType, Stored, columns_of
from retailpulse.schema.image_facts import CaptureFacts, ImageFacts, PictureFacts
from retailpulse.schema.record import Joined, Record, described


class EarlierResult(Record, frozen=True, kw_only=True):
    """The result of an image from before a retry."""

    outcome: Outcome
    cause: Annotated[str, described("Why it was not measured.", words=Cause)]
    detail: Annotated[str | None, described("The same in words.")] = None
    tries: Annotated[int, described("How many requests that rested on.")]
    settled_at: Annotated[Instant, described("When that was written, UTC.")]


class ImageOutcome(Record, frozen=True, kw_only=True):
    """Which image it is, and how it ended."""

    image_no: Annotated[
        int,
        Stored(sql_type=SqlType.INTEGER, is_distinct=True),
        described("The number of the image in the job, from 1.", example=1),
    ]
    store_id: Annotated[
        str, Stored(sql_type=SqlType.TEXT, table="visits"), described("As submitted.", example="RP00001")
    ]
    visit_time: Annotated[
        str,
        Stored(sql_type=SqlType.TEXT, table="visits"),
        described("As submitted.", example="2026-11-20T10:00:00Z"),
    ]
    image_url: Annotated[
        str,
        Stored(sql_type=SqlType.TEXT, table="images", is_distinct=True),
        described("As submitted.", example="https://photos.example/a.jpg"),
    ]
    outcome: Annotated[
        Outcome | None,
        Stored(sql_type=SqlType.TEXT),
        described("How it ended; null: not settled yet.", example="measured", words=Outcome),
    ] = None
    cause: Annotated[
        str | None, Stored(sql_type=SqlType.TEXT), described("Why it was not measured.", words=Cause)
    ] = None
    detail: Annotated[
        str | None, Stored(sql_type=SqlType.TEXT), described("The same in words.", example="HTTP 404")
    ] = None


class CheckedImage(Record, frozen=True, kw_only=True):
    """The numbers of an image in an object of their own; formats without objects have a column for each."""

    checks: Annotated[
        Checks,
        described(
            "The numbers behind the flags, as far as they are known.",
            example={column.name: column.example for column in columns_of(Checks)},
        ),
    ] = msgspec.field(default_factory=Checks)


class Settling(Record, frozen=True, kw_only=True):
    """What it took to settle an image."""

    tries: Annotated[
        int,
        Stored(sql_type=SqlType.SMALLINT),
        described("How many requests the result rests on.", example=1),
    ] = 0
    settled_at: Annotated[
        Instant | None,
        Stored(sql_type=SqlType.TIMESTAMPTZ),
        described("When the result was written, UTC.", example="2026-11-20T10:00:07.412Z"),
    ] = None


class ResultsBefore(Record, frozen=True, kw_only=True):
    """What was said of an image before."""

    earlier: Annotated[
        list[EarlierResult] | None,
        described("Only with `include=earlier`: what retries took back, the oldest first.", is_left_out=True),
    ] = None


class VisitOfImage(Record, frozen=True, kw_only=True):
    """The visit that an image is of, its store as the master now has it, and its sender's own columns."""

    visit_no: Annotated[
        int,
        Stored(sql_type=SqlType.INTEGER, table="images"),
        described("The number of the visit in the job, from 1.", example=1),
    ] = 0
    store_name: Annotated[
        str | None,
        Stored(sql_type=SqlType.TEXT, table="stores"),
        described("The name of the store; null: the store master has no such store.", example="Corner Shop"),
    ] = None
    area: Annotated[
        str | None,
        Stored(sql_type=SqlType.TEXT, table="stores", column="area_code"),
        described("The area code of the store.", example="7100"),
    ] = None
    extra: Annotated[
        dict[str, str] | None,
        Stored(sql_type=SqlType.JSON, table="images"),
        described("The sender's own columns, as submitted; null: there were none.", example={"route": "4"}),
    ] = None


class ReviewOfImage(Record, frozen=True, kw_only=True):
    """What a person decided on a photo, by the decision that stands."""

    review: Annotated[
        str | None,
        Stored(sql_type=SqlType.TEXT),
        described("What a person decided on it; null: nothing.", example="accepted", words=Decision),
    ] = None
    reviewed_by: Annotated[
        str | None,
        Stored(sql_type=SqlType.TEXT, table="reviews", column="decided_by"),
        described("Who that was: the name of an API key, or one that was given.", example="anna"),
    ] = None
    reviewed_at: Annotated[
        Instant | None,
        Stored(sql_type=SqlType.TIMESTAMPTZ, table="reviews", column="decided_at"),
        described("When, UTC.", example="2026-11-21T09:12:40.118Z"),
    ] = None
    review_reason: Annotated[
        str | None,
        Stored(sql_type=SqlType.TEXT, table="reviews", column="reason"),
        described("Why.", example="the shelf can be read"),
    ] = None


class Result(
    ImageOutcome,
    PictureFacts,
    CheckedImage,
    CaptureFacts,
    Settling,
    ResultsBefore,
    VisitOfImage,
    ReviewOfImage,
    metaclass=Joined,
    frozen=True,
    kw_only=True,
):
    """The result of one image."""


RESULT = columns_of(Result)
"""A result as columns, in the order in which every format gives them."""


def _nested(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of columns as the API answers it."""
    found: dict[str, Any] = {}
    for column in RESULT:
        if column.group is None:
            found[column.name] = row[column.name]
        else:
            group = found.setdefault(column.group, {})
            if row[column.name] is not None:
                group[column.name] = row[column.name]
    return found


_MEASURED: dict[str, Any] = {column.name: column.example for column in RESULT} | {"detail": None}
_FAILED: dict[str, Any] = {
    **_MEASURED,
    **dict.fromkeys((*ImageFacts.__struct_fields__, *ReviewOfImage.__struct_fields__)),
    "flags": [],
    "image_no": 2,
    "image_url": "https://photos.example/b.jpg",
    "outcome": "failed",
    "cause": "http_status",
    "detail": "HTTP 404",
    "settled_at": "2026-11-20T10:00:07.398Z",
}
RESULT_ROWS = (_MEASURED, _FAILED)
"""One that was measured, and one that failed, as rows of columns."""
RESULT_EXAMPLES = tuple(map(_nested, RESULT_ROWS))
"""The same as the API answers them."""
