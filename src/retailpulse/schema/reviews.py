"""What people decided on a photo: the decision that stands, its history, the answers of a batch."""

from typing import Annotated

import msgspec

from retailpulse.domain.flags import Flag
from retailpulse.domain.matches import MatchKind, Relation
from retailpulse.domain.reviews import Decision, ReviewStep
from retailpulse.domain.times import Instant
from retailpulse.schema.record import Record, described

_JOB = "01932c5e-7a00-7000-8000-000000000001"


class PhotoRef(Record, frozen=True, kw_only=True):
    """A photo: an image of a job."""

    job_id: Annotated[str, described("The id of its job.", example=_JOB, format="uuid")]
    image_no: Annotated[int, described("Its number in the job, from 1.", example=7)]


class EarlierPhoto(PhotoRef, frozen=True, kw_only=True):
    """The earlier photo that a photo is most like."""

    store_id: Annotated[str, described("As submitted.", example="RP00002")]
    visit_time: Annotated[str, described("As submitted.", example="2026-11-13T10:00:00Z")]
    kind: Annotated[str, described("How alike the two are.", example="copy", words=MatchKind)]
    relation: Annotated[
        str, described("How their visits belong together.", example="other_store", words=Relation)
    ]
    distance: Annotated[
        int, described("In how many of 256 bits their fingerprints differ; 0: of one file.", example=12)
    ]


class ReviewEntry(Record, frozen=True, kw_only=True):
    """An entry of the history of a photo, which is never changed."""

    revision: Annotated[int, described("The number of the entry, from 1.", example=1)]
    decision: Annotated[
        str, described("What was decided, or `undone`.", example="rejected", words=ReviewStep)
    ]
    undoes: Annotated[int | None, described("Of `undone`: the entry that does not stand any more.")] = None
    flags: Annotated[
        list[str], described("What the photo was flagged for then.", example=["blank"], words=Flag)
    ] = msgspec.field(default_factory=list)
    flag: Annotated[str | None, described("The flag that it is about, if it is about one.", words=Flag)] = (
        None
    )
    pair: Annotated[
        PhotoRef | None, described("The other photo of the pair that it is about, if it is about one.")
    ] = None
    reason: Annotated[str | None, described("Why.", example="a covered lens")] = None
    by: Annotated[str, described("Who: the name of the API key, or a name that was given.", example="anna")]
    at: Annotated[Instant, described("When, UTC.", example="2026-11-21T09:12:40.118Z")]


class ReviewedPhoto(Record, frozen=True, kw_only=True):
    """A photo of the queue, with the decision that stands."""

    job_id: Annotated[str, described("The id of its job.", example=_JOB, format="uuid")]
    image_no: Annotated[int, described("Its number in the job, from 1.", example=1)]
    store_id: Annotated[str, described("As submitted.", example="RP00001")]
    area: Annotated[str | None, described("The area code of the store.", example="7100")] = None
    store_name: Annotated[str | None, described("The name of the store.", example="Corner Shop")] = None
    visit_time: Annotated[str, described("As submitted.", example="2026-11-20T10:00:00Z")]
    image_url: Annotated[str, described("As submitted.", example="https://photos.example/a.jpg")]
    sha256: Annotated[str | None, described("Of the whole file, hex; null at depth header.")] = None
    flags: Annotated[list[str], described("What may be wrong with it.", example=["blank"], words=Flag)] = (
        msgspec.field(default_factory=list)
    )
    matched: Annotated[
        EarlierPhoto | None,
        described("The earlier photo that it is most like; null: none, or one of a job that is gone."),
    ] = None
    review: Annotated[
        str | None,
        described("The decision that stands; null: none.", example="rejected", words=Decision),
    ] = None
    reviewed_by: Annotated[str | None, described("Who has decided.", example="anna")] = None
    reviewed_at: Annotated[
        Instant | None, described("When that was, UTC.", example="2026-11-21T09:12:40.118Z")
    ] = None
    review_reason: Annotated[str | None, described("Why.", example="a covered lens")] = None
    flag: Annotated[
        str | None, described("The flag that the decision is about, if it is about one.", words=Flag)
    ] = None
    pair: Annotated[
        PhotoRef | None, described("The other photo of the pair that it is about, if it is about one.")
    ] = None
    revision: Annotated[
        int, described("How many entries its history has; what a decision may rest on.", example=1)
    ] = 0


class Review(ReviewedPhoto, frozen=True, kw_only=True):
    """A photo with the decision that stands, and everything that was ever decided on it."""

    history: Annotated[list[ReviewEntry], described("All entries, the oldest first.")] = msgspec.field(
        default_factory=list
    )


class ReviewAnswer(Record, frozen=True, kw_only=True):
    """What came of one decision of a batch."""

    job_id: Annotated[
        str | None,
        described("The id of the job; null: it could not be read.", example=_JOB, format="uuid"),
    ]
    image_no: Annotated[
        int | None, described("The number of the image; null: it could not be read.", example=1)
    ]
    status: Annotated[int, described("As of a request of its own: 200, 400, 404 or 409.", example=200)]
    detail: Annotated[str | None, described("Why it was refused; null: it stands.")] = None
