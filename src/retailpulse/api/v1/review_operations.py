"""What the operations on reviews take and answer, as the API's description tells it, with examples."""

from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Raw, Struct

from retailpulse.api.openapi.annotations import (
    JOB_ID,
    LINK,
    REVIEWER_PATTERN,
    ContentSpec,
    RequestBodySpec,
    ResponseSpec,
    Tag,
    documented,
)
from retailpulse.domain.flags import Flag
from retailpulse.domain.reviews import MAX_NAME_CHARACTERS, MAX_REASON_CHARACTERS, Decision
from retailpulse.schema import Review, ReviewAnswer, ReviewedPhoto

MAX_DECISIONS = 1_000

ImageNumber = Annotated[int, Meta(ge=1, lt=2**31, description="Its number in the job, from 1.")]
Reason = Annotated[
    str, Meta(max_length=MAX_REASON_CHARACTERS, pattern="^[^\\u0000]*$", description="Why, in free words.")
]
Name = Annotated[
    str,
    Meta(
        description="Who decides, at a service without API keys; with one, its name is kept.",
        examples=["anna"],
        extra_json_schema={"pattern": REVIEWER_PATTERN, "maxLength": MAX_NAME_CHARACTERS},
    ),
]
Revision = Annotated[
    int,
    Meta(
        ge=0,
        lt=2**31,
        description="The `revision` of the photo on which the decision rests; needed to replace another one.",
    ),
]


class Pair(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The other photo of a pair that may be copies."""

    job_id: UUID
    image_no: ImageNumber


class NewReview(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A decision on a photo."""

    decision: Annotated[
        Decision,
        Meta(
            description="`accepted`: it counts; `rejected`: it does not count for its visit; `flag_wrong`: "
            "its flag is wrong, or of a `pair`, that neither is a copy."
        ),
    ]
    reason: Reason | None = None
    flag: Annotated[Flag | None, Meta(description="The flag that it is about.")] = None
    pair: Annotated[
        Pair | None,
        Meta(
            description="Of `flag_wrong`: a photo that it is matched with. Without it, one that is flagged "
            "`copy` or `same_scene` is told apart from its `matched`, unless `flag` is another one."
        ),
    ] = None
    revision: Revision | None = None
    by: Name | None = None


class PhotoDecision(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A decision of a batch, and on which photo."""

    job_id: UUID
    image_no: ImageNumber
    decision: Decision
    reason: Reason | None = None
    flag: Flag | None = None
    pair: Pair | None = None
    revision: Revision | None = None


class NewReviews(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Decisions on many photos, each of which stands or is refused by itself."""

    decisions: Annotated[list[PhotoDecision], Meta(min_length=1, max_length=MAX_DECISIONS)]
    by: Name | None = None


class RawReviews(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same as it is read: decisions one by one, so that a malformed one spoils no other."""

    decisions: Annotated[list[Raw], Meta(min_length=1, max_length=MAX_DECISIONS)]
    by: Name | None = None


class ReviewAnswers(Struct, frozen=True, kw_only=True):
    """What came of each decision, in their order."""

    items: list[ReviewAnswer]


class ReviewPage(Struct, frozen=True, kw_only=True):
    """A page of the queue."""

    items: Annotated[list[ReviewedPhoto], Meta(description="Photos, those of the oldest job first.")]
    next: Annotated[
        str | None,
        Meta(
            description="The path and query of the next page, with the same filters; null on the last one.",
            examples=["/api/v1/review?cursor=rQf3hO4xWyIyMDI2Il0&limit=100"],
        ),
    ]
    left: Annotated[int, Meta(description="How many there are from this page on, at most 1,000.")]
    counted_all: Annotated[bool, Meta(description="False: there are more than `left`.")]


_MEANING = "The photo with the decision that stands, and its history."
STATE: dict[str, Any] = {
    "operation_id": "getReview",
    "summary": "What was decided on a photo",
    "tags": [Tag.REVIEW],
    "opt": documented(Review, 404, meaning=_MEANING),
}
DECIDE: dict[str, Any] = {
    "operation_id": "reviewImage",
    "summary": "Decide on a photo",
    "tags": [Tag.REVIEW],
    "opt": documented(
        Review,
        404,
        409,
        meaning=_MEANING,
        body=RequestBodySpec(
            meaning="The decision.",
            contents=(
                ContentSpec(shape=NewReview, example={"decision": "rejected", "reason": "a covered lens"}),
            ),
        ),
    ),
}
UNDO: dict[str, Any] = {
    "operation_id": "undoReview",
    "summary": "Undo the decision on a photo",
    "tags": [Tag.REVIEW],
    "opt": documented(Review, 404, 409, meaning=_MEANING),
}
QUEUE: dict[str, Any] = {
    "operation_id": "listReviews",
    "summary": "Photos to decide on",
    "tags": [Tag.REVIEW],
    "opt": documented(ReviewPage, meaning="A page of photos.", headers={"Link": LINK}),
}
DECIDE_MANY: dict[str, Any] = {
    "operation_id": "reviewImages",
    "summary": "Decide on many photos",
    "tags": [Tag.REVIEW],
    "opt": documented(
        None,
        answers={
            200: ResponseSpec(
                meaning="What came of each decision; some may be refused.",
                contents=(ContentSpec(shape=ReviewAnswers),),
            )
        },
        body=RequestBodySpec(
            meaning="Up to 1,000 decisions.",
            contents=(
                ContentSpec(
                    shape=NewReviews,
                    example={"decisions": [{"job_id": JOB_ID, "image_no": 1, "decision": "accepted"}]},
                ),
            ),
        ),
    ),
}
