"""The facts of an image: each field said once, with its type, SQL type, description and example.

A new fact is a field here, a column made by a migration, and what measures it: the measuring processes, the
table, the API, the client, CSV, Parquet and the examples of the documents follow from the field.
"""

from typing import Annotated
from uuid import UUID

import msgspec

from retailpulse.domain.analysis import Analysis
from retailpulse.domain.flags import Clock, Flag
from retailpulse.domain.images import Cause, Format, Header, Outcome
from retailpulse.domain.thumbnails import ThumbnailKind
from retailpulse.schema.checks import Checks
from retailpulse.schema.columns import SqlType, Stored, columns_of
from retailpulse.schema.record import Joined, Record, described


class PictureFacts(Record, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What the file and its picture are, and what may be wrong with them."""

    format: Annotated[
        str | None,
        Stored(sql_type=SqlType.TEXT),
        described("Recognised by the bytes.", example="jpeg", words=Format),
    ] = None
    width: Annotated[
        int | None,
        Stored(sql_type=SqlType.INTEGER),
        described("Pixels as they are stored.", example=4032),
    ] = None
    height: Annotated[
        int | None,
        Stored(sql_type=SqlType.INTEGER),
        described("Pixels as they are stored.", example=3024),
    ] = None
    displayed_width: Annotated[
        int | None,
        Stored(sql_type=SqlType.INTEGER),
        described("Pixels as viewers show them.", example=3024),
    ] = None
    displayed_height: Annotated[
        int | None,
        Stored(sql_type=SqlType.INTEGER),
        described("Pixels as viewers show them.", example=4032),
    ] = None
    perimeter: Annotated[
        int | None,
        Stored(sql_type=SqlType.BIGINT, is_generated=True),
        described("2 * (height + width) of the stored pixels.", example=14112),
    ] = None
    size_bytes: Annotated[
        int | None,
        Stored(sql_type=SqlType.BIGINT),
        described("Of the whole file; null at depth header.", example=2508113),
    ] = None
    sha256: Annotated[
        str | None,
        Stored(sql_type=SqlType.BYTEA, is_distinct=True, octets=32),
        described(
            "Of the whole file, hex; null at depth header.",
            example="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        ),
    ] = None
    suspect: Annotated[
        str | None,
        Stored(sql_type=SqlType.TEXT),
        described(
            "What looks damaged in a picture that still decodes: zeroed parts, missing scans, a wrong "
            "checksum or size, what its decoder says; or that its answer broke off though it is whole.",
            example="the HEVC data have zeros where none can be",
        ),
    ] = None
    flags: Annotated[
        list[str],
        Stored(sql_type=SqlType.TEXTS),
        described("What may be wrong with the photo, by its `checks`.", example=["soft"], words=Flag),
    ] = msgspec.field(default_factory=list)


class CaptureFacts(Record, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """When, where and with what a photo was taken, as its EXIF data say."""

    taken_at: Annotated[
        str | None,
        Stored(sql_type=SqlType.TEXT),
        described(
            "When, by EXIF: ISO 8601, with an offset if it is known.", example="2026-11-20T10:31:07+05:30"
        ),
    ] = None
    clock: Annotated[
        str | None,
        Stored(sql_type=SqlType.TEXT),
        described("What is wrong with the camera's clock: reset, impossible or contradicted.", words=Clock),
    ] = None
    latitude: Annotated[
        float | None,
        Stored(sql_type=SqlType.DOUBLE),
        described("Where, by EXIF: degrees.", example=12.971599),
    ] = None
    longitude: Annotated[
        float | None,
        Stored(sql_type=SqlType.DOUBLE),
        described("Where, by EXIF: degrees.", example=77.594566),
    ] = None
    camera_make: Annotated[
        str | None, Stored(sql_type=SqlType.TEXT), described("By EXIF.", example="HMD Global")
    ] = None
    camera_model: Annotated[
        str | None, Stored(sql_type=SqlType.TEXT), described("By EXIF.", example="Nokia 8.3 5G")
    ] = None
    software: Annotated[
        str | None,
        Stored(sql_type=SqlType.TEXT),
        described("What wrote the file, by EXIF.", example="15.2.1"),
    ] = None


class ImageFacts(
    PictureFacts,
    Checks,
    CaptureFacts,
    metaclass=Joined,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    gc=False,
):
    """What is known of an image that was measured; None if not known at the depth of its job.

    What PostgreSQL makes from other facts, as `perimeter`, is None until the facts are read from it.
    """


FACTS = tuple(column for column in columns_of(ImageFacts) if not column.stored.is_generated)
"""The facts that are measured, as columns; PostgreSQL makes the others from them."""

_READ = {*Header.__struct_fields__, "size_bytes", "sha256", "flags"}
FACTS_OF_VISIT = tuple(fact for fact in FACTS if fact.stored.is_of_visit)
"""The facts that depend on the visit too: they are told where results are settled."""
ANALYZED_FACTS = tuple(fact for fact in FACTS if fact.name not in _READ and fact not in FACTS_OF_VISIT)
"""The facts that analyzers find; the others are read from the file, or follow from these."""


class Thumbnail(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A small picture of an image, upright: a JPEG, and its size in pixels."""

    kind: ThumbnailKind
    width: int
    height: int
    jpeg: bytes


class Measurement(ImageFacts, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The facts of an image that was measured, and at depth `decode` one analysis of each analyzer that ran.

    A fact that an analyzer found stands in both, if it is a field of ImageFacts. `fingerprint` is no fact for
    clients: storage searches it (`domain.fingerprints`); it is None if nothing is to be seen in the picture.
    Thumbnails are no facts either: they have a table of their own.
    """

    analyses: tuple[Analysis, ...] = ()
    fingerprint: bytes | None = None
    thumbnails: tuple[Thumbnail, ...] = ()


class ImageResult(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How one image ended, as it is settled, and with it every other image of its job with the same URL.

    `tries` counts the requests that were made; `earlier` is that of the image when it was claimed: a result
    from before a retry is of no use after it.
    """

    job_id: UUID
    image_no: int
    outcome: Outcome
    earlier: int = 0
    cause: Cause | None = None
    detail: str | None = None
    measurement: Measurement | None = None
    tries: int = 0
