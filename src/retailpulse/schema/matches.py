"""A match: a photo that was handed in before, and the earliest one that it is most like."""

from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from retailpulse.domain.matches import MatchKind, Relation
from retailpulse.domain.times import Instant
from retailpulse.schema.record import Record, described, fields_of


class MatchedPhoto(Record, frozen=True, kw_only=True):
    """One of the two photos of a match."""

    job_id: Annotated[str, described("Its job.", example="01932c5e-7a00-7000-8000-000000000001")]
    image_no: Annotated[int, described("The number of the image in the job, from 1.", example=1)]
    store_id: Annotated[str, described("As submitted.", example="RP00001")]
    visit_time: Annotated[str, described("As submitted.", example="2026-11-20T10:00:00Z")]
    image_url: Annotated[str, described("As submitted.", example="https://photos.example/a.jpg")]
    settled_at: Annotated[
        Instant, described("When its result was written, UTC.", example="2026-11-20T10:00:07.412Z")
    ]


class Match(Record, frozen=True, kw_only=True):
    """A photo, and the earliest one that it is most like."""

    photo: Annotated[MatchedPhoto, described("The later one, by the submit of its job.")]
    earlier: Annotated[MatchedPhoto, described("The earlier one.")]
    kind: Annotated[
        str, described("How alike they are: the most alike first.", example="copy", words=MatchKind)
    ]
    distance: Annotated[
        int, described("In how many of 256 bits their fingerprints differ; 0: of one file.", example=12)
    ]
    relation: Annotated[
        str, described("How their visits belong together.", example="other_store", words=Relation)
    ]
    area: Annotated[
        str | None,
        described("The area code of the later photo's store, as the master now has it.", example="7100"),
    ] = None


def _line_fields() -> list[tuple[str, Any, Any]]:
    photo = list(fields_of(MatchedPhoto))
    match = [field for field in fields_of(Match) if field[0] not in {"photo", "earlier"}]
    return [*photo, *((f"earlier_{name}", hint, more) for name, hint, more in photo), *match]


if TYPE_CHECKING:

    class MatchLine(Record, frozen=True, kw_only=True):
        """A match as a line of a file; fields of the earlier photo begin with `earlier_`."""

else:
    MatchLine = msgspec.defstruct(
        "MatchLine",
        _line_fields(),
        bases=(Record,),
        namespace={
            "__doc__": "A match as a line of a file; fields of the earlier photo begin with `earlier_`."
        },
        module=__name__,
        frozen=True,
        kw_only=True,
    )
