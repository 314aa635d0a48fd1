"""The shapes of a submit that the old endpoint and the newer one have in common."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from retailpulse.api.openapi.annotations import ParameterSpec
from retailpulse.domain.credentials import Credential

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


HOST = "(?=[^/:?]{1,253}([/:?]|$))[A-Za-z0-9._-]+"
PORT = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
# Within the schema and not behind a reference, as not all readers of schemas see what stands beside one.
_CREDENTIAL = {
    **msgspec.json.schema(Credential)["$defs"]["Credential"],
    "minProperties": 1,
    "maxProperties": 1,
}
Credentials = Annotated[
    dict[Annotated[str, Meta(pattern=f"^(https?://)?{HOST}(:{PORT})?$")], Any],
    Meta(
        max_length=16,
        description="What hosts are sent before they give a photo: `headers`, `bearer` or `basic` by host, "
        "which is `survey.example.com`, with a port `host:8443`, for plain http `http://host`. Kept sealed "
        "until the job ends, and never shown.",
        examples=[{"survey.example.com": {"bearer": "the token"}}],
        extra_json_schema={"additionalProperties": _CREDENTIAL},
    ),
]


class VisitToSubmit(Struct):
    """A visit to one store, with the URLs of its photos."""

    store_id: Annotated[Text, Meta(description="The id of the store.", examples=["RP00001"])]
    image_url: Annotated[list[Text], Meta(min_length=1, description="The URLs of the photos.")]
    visit_time: Annotated[
        Text, Meta(description="Kept word for word; if it is a date or a time, also stored as an instant.")
    ]


class NewVisit(VisitToSubmit):
    """A visit to one store, with the URLs of its photos, and what is to come back with their results."""

    extra: Annotated[
        dict[str, Any] | None,
        Meta(
            description="The sender's own fields: they come back, as texts, in the `extra` of each result.",
            examples=[{"route": "north 4"}],
        ),
    ] = None


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
