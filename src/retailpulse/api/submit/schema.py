"""The shapes of a submit that the old endpoint and the newer one have in common."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from retailpulse.api.openapi.annotations import ParameterSpec

SUBMIT_EXAMPLE = {
    "count": 2,
    "visits": [
        {
            "store_id": "RP00001",
            "image_url": ["https://photos.example/a.jpg", "https://photos.example/b.jpg"],
            "visit_time": "2026-11-20T10:00:00Z",
        },
        {
            "store_id": "RP00002",
            "image_url": ["https://photos.example/c.jpg"],
            "visit_time": "time of store visit",
        },
    ],
}

Text = Annotated[str, Meta(min_length=1, pattern="^[^\\u0000]*$")]
Priority = Annotated[int, Meta(ge=-100, le=100, description="Images of jobs with a higher one go first.")]


class VisitToSubmit(Struct):
    """A visit to one store, with the URLs of its photos."""

    store_id: Annotated[Text, Meta(description="The id of the store.", examples=["RP00001"])]
    image_url: Annotated[list[Text], Meta(min_length=1, description="The URLs of the photos.")]
    visit_time: Annotated[
        Text, Meta(description="Kept word for word; if it is a date or a time, also stored as an instant.")
    ]


class Submitted(Struct, frozen=True, kw_only=True):
    """The answer to a submit."""

    job_id: Annotated[UUID, Meta(description="The id of the job, which is on disk and queued.")]


IDEMPOTENCY_KEY = ParameterSpec(
    name="Idempotency-Key",
    place="header",
    meaning="The same key with the same body is the same job: send it again without fear.",
    shape=Annotated[str, Meta(min_length=1, max_length=255, pattern="^[ -~]+$")],
    example="4d1cbd8e-64a5-4d4b-8f6f-0e1c5ca1b3a7",
)
