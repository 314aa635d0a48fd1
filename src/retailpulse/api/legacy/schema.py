"""The shapes of the three old endpoints, as the API's description tells them, with examples."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from retailpulse.api.openapi.annotations import (
    JOB_ID,
    ContentSpec,
    RequestBodySpec,
    ResponseSpec,
    Tag,
    documented,
)
from retailpulse.api.submit.schema import (
    IDEMPOTENCY_KEY,
    SUBMIT_EXAMPLE,
    Priority,
    Submitted,
    VisitToSubmit,
)
from retailpulse.domain.images import Depth

STORE_ERROR_EXAMPLE = {
    "store_id": "RP00007",
    "error": "failed_to_download_image: 2 of 14 images, e.g. https://photos.example/b.jpg: HTTP 404",
}
VISITS_EXAMPLE = {
    "results": [
        {
            "store_id": "RP00001",
            "area": "7100015",
            "store_name": "Corner Shop, Harbour Street",
            "data": [{"date": "2026-11-20", "perimeter": 14200}],
        }
    ]
}


class JobToSubmit(Struct):
    """A job: visits to stores."""

    count: Annotated[int, Meta(ge=1, description="The number of visits; a wrong one is refused.")]
    visits: Annotated[list[VisitToSubmit], Meta(min_length=1)]
    depth: Annotated[Depth | None, Meta(description="How deep the photos are looked at.")] = None
    priority: Priority | None = None


class LegacyFailedStore(Struct):
    """A store with failures; `error` says of what kind, how many, and gives one example."""

    store_id: str
    error: str


class JobStatusWord(Struct):
    """The state of a job, in one of three words; `error` is there if it failed."""

    status: Literal["ongoing", "completed", "failed"]
    job_id: str
    error: list[LegacyFailedStore] | UnsetType = UNSET


class Nothing(Struct):
    """An empty object: there is no such job."""


class VisitOnDay(Struct):
    """A visit; `perimeter` is the sum over its measured photos, in pixels."""

    date: Annotated[str, Meta(description="The day, or the text that was sent where it is none.")]
    perimeter: Annotated[int, Meta(ge=0)]


class LegacyStore(Struct):
    """A store with its visits, the oldest first."""

    store_id: str
    area: str
    store_name: str
    data: list[VisitOnDay]


class VisitsOfStores(Struct):
    """Visits, store by store."""

    results: list[LegacyStore]


SUBMIT: dict[str, Any] = {
    "operation_id": "submit",
    "summary": "Submit a job",
    "tags": [Tag.LEGACY],
    "opt": documented(
        Submitted,
        409,
        status=201,
        meaning="The whole job is on disk and queued.",
        example={"job_id": JOB_ID},
        body=RequestBodySpec(
            meaning="The job. Any Content-Type is read as JSON.",
            contents=(ContentSpec(shape=JobToSubmit, example=SUBMIT_EXAMPLE),),
        ),
        params=(IDEMPOTENCY_KEY,),
    ),
}
STATUS: dict[str, Any] = {
    "operation_id": "getStatus",
    "summary": "Ask how a job stands",
    "tags": [Tag.LEGACY],
    "opt": documented(
        answers={
            200: ResponseSpec(
                meaning="How the job stands.",
                contents=(
                    ContentSpec(
                        shape=JobStatusWord,
                        examples={
                            "ongoing": {"status": "ongoing", "job_id": JOB_ID},
                            "completed": {"status": "completed", "job_id": JOB_ID},
                            "failed": {"status": "failed", "job_id": JOB_ID, "error": [STORE_ERROR_EXAMPLE]},
                        },
                    ),
                ),
            ),
            400: ResponseSpec(
                meaning="There is no such job, or `jobid` is missing or no id.",
                contents=(ContentSpec(shape=Nothing, example={}),),
            ),
        }
    ),
}
VISITS: dict[str, Any] = {
    "operation_id": "getVisits",
    "summary": "List visits of an area or a store",
    "tags": [Tag.LEGACY],
    "opt": documented(VisitsOfStores, meaning="The visits; streamed, of any length.", example=VISITS_EXAMPLE),
}
