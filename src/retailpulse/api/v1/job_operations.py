"""What the operations on jobs take and answer, as the API's description tells it, with examples."""

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from retailpulse.api.openapi.annotations import (
    CSV,
    EVENTS,
    JOB_ID,
    LOCATION,
    NDJSON,
    ODS,
    PARQUET,
    REPLAYED,
    XLSX,
    ContentSpec,
    LabelText,
    ParameterSpec,
    RequestBodySpec,
    ResponseSpec,
    Tag,
    documented,
)
from retailpulse.api.submit.row_schema import NDJSON_EXAMPLE, VisitLines, VisitRows
from retailpulse.api.submit.schema import (
    HOST,
    IDEMPOTENCY_KEY,
    PORT,
    SUBMIT_EXAMPLE,
    Credentials,
    NewVisit,
    Priority,
)
from retailpulse.domain.date_formats import DateOrder
from retailpulse.domain.images import Cause, Depth
from retailpulse.domain.jobs import JobStatus
from retailpulse.domain.times import Instant
from retailpulse.schema import DryRun, ImageCounts, Job, RowError, SubmittedJob
from retailpulse.web.problem_details import PROBLEM_TYPE, Problem

CSV_EXAMPLE = (
    "store_id,image_url,visit_time\n"
    "RP00001,https://photos.example/a.jpg,2026-11-20T10:00:00Z\n"
    "RP00002,https://photos.example/c.jpg,time of store visit\n"
)
EVENT_EXAMPLE = {
    "event": "end",
    "data": f'{{"job_id":"{JOB_ID}","status":"completed","images":{{"total":3,"settled":3,"measured":3,'
    '"failed":0,"cancelled":0},"retries":0,"finished_at":"2026-11-20T10:00:09Z"}',
    "id": "0-3-completed",
    "retry": 1000,
}

Name = Annotated[
    str,
    Meta(min_length=1, max_length=200, pattern="^[^\\u0000]*$", description="What the client calls the job."),
]
LabelName = Annotated[str, Meta(pattern="^[A-Za-z0-9_.-]{1,63}$")]
LabelValue = Annotated[str, Meta(max_length=200, pattern="^[^\\u0000]*$")]
Url = Annotated[
    str,
    Meta(
        max_length=8_192,
        pattern=f"^https?://{HOST}(:{PORT})?([/?][!-~]*)?$",
        description="An http or https URL that gets a callback when the job has ended.",
        examples=["https://hooks.example/retailpulse"],
        extra_json_schema={"format": "uri"},
    ),
]


class NewJob(Struct):
    """A job: visits to stores, and what else is to be said of it.

    `count`, the number of visits, may be there too, as the old endpoint has it; a wrong one is refused.
    """

    visits: Annotated[list[NewVisit], Meta(min_length=1)]
    depth: Annotated[Depth | None, Meta(description="How deep the photos are looked at.")] = None
    name: Name | None = None
    labels: (
        Annotated[dict[LabelName, LabelValue], Meta(max_length=20, examples=[{"region": "north"}])] | None
    ) = None
    priority: Priority | None = None
    callback_url: Url | None = None
    credentials: Credentials | None = None


class RowsRefused(Problem, frozen=True, kw_only=True):
    """Nothing of a submit is taken, as it cannot be accepted; of bad rows the first hundred are listed."""

    errors: list[RowError] | UnsetType = UNSET
    error_count: Annotated[int, Meta(description="What is wrong with rows, all of it.")] | UnsetType = UNSET


class Retry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a retry: which failed images to try again, and what their hosts are sent.

    A job that had credentials needs them again once it has ended.
    """

    causes: (
        Annotated[
            list[Cause],
            Meta(
                description="Only failures with one of these causes; null: all.",
                min_length=1,
                examples=[["http_status"]],
            ),
        ]
        | None
    ) = None
    credentials: Credentials | None = None


class JobEvent(Struct, frozen=True, kw_only=True):
    """The data of an event: the fields of a job that may change."""

    job_id: Annotated[UUID, Meta(description="The id of the job.")]
    status: Annotated[JobStatus, Meta(description="ongoing, completed, failed or cancelled.")]
    images: Annotated[ImageCounts, Meta(description="Counts of its images.")]
    retries: Annotated[int, Meta(description="How often its failures were tried again.")]
    finished_at: Annotated[Instant | None, Meta(description="When it ended, UTC; null while ongoing.")]


class ServerSentEvent(Struct, frozen=True, kw_only=True):
    """One event of a Server-Sent Events stream."""

    event: Literal["progress", "end", "deleted"]
    data: Annotated[str, Meta(description="A JobEvent in JSON; of `deleted` its `job_id` alone.")]
    id: Annotated[str, Meta(description="What `Last-Event-ID` goes on after.", examples=["0-3-completed"])]
    retry: Annotated[
        int | UnsetType, Meta(description="With the first: milliseconds after which to connect again.")
    ] = UNSET


ROWS_REFUSED_EXAMPLE = {
    "type": "/problems/invalid-request",
    "title": "Invalid request",
    "status": 400,
    "detail": "1 row is wrong; line 3, store_id: it is empty",
    "instance": "/api/v1/jobs",
    "errors": [{"line": 3, "visit": None, "column": "store_id", "reason": "it is empty"}],
    "error_count": 1,
}
_IN_QUERY = "For any body; fields of a JSON body take precedence: "
SUBMIT: dict[str, Any] = {
    "operation_id": "submitJob",
    "summary": "Submit a job",
    "tags": [Tag.JOBS],
    "opt": documented(
        None,
        409,
        415,
        answers={
            200: ResponseSpec(
                meaning="With `dry_run=true`: what the submit would be; nothing is kept.",
                contents=(ContentSpec(shape=DryRun),),
            ),
            201: ResponseSpec(
                meaning="The whole job is on disk and queued.",
                contents=(ContentSpec(shape=SubmittedJob),),
                headers={"Location": LOCATION, "Idempotent-Replayed": REPLAYED},
            ),
            400: ResponseSpec(
                meaning="Rows are bad, or something else, and nothing is kept.",
                contents=(
                    ContentSpec(shape=RowsRefused, media_type=PROBLEM_TYPE, example=ROWS_REFUSED_EXAMPLE),
                ),
            ),
        },
        body=RequestBodySpec(
            meaning="A job as one JSON document, or as rows; its other fields are then in the query. "
            "gzip is read. Whatever its type is, a table that spreadsheets write is read too: CSV of every "
            "dialect, XLSX, ODS, Parquet, also as the file of a form. For rows, the schemas show the plain "
            "form: CSV may name its "
            "columns in any order and have others, NDJSON is any JSON on each line, such as "
            f"`{NDJSON_EXAMPLE.strip()}`. `credentials` may be in the header "
            "`Retailpulse-Credentials` instead, as one JSON object in ASCII; for rows only there, as a "
            "query would show them.",
            contents=(
                ContentSpec(
                    shape=NewJob,
                    example={
                        "visits": SUBMIT_EXAMPLE["visits"],
                        "name": "week 47",
                        "labels": {"region": "north"},
                    },
                ),
                ContentSpec(shape=VisitRows, media_type=CSV, example=CSV_EXAMPLE),
                ContentSpec(shape=VisitLines, media_type=NDJSON),
                ContentSpec(shape=bytes, media_type=XLSX),
                ContentSpec(shape=bytes, media_type=ODS),
                ContentSpec(shape=bytes, media_type=PARQUET),
            ),
        ),
        params=(
            IDEMPOTENCY_KEY,
            ParameterSpec(
                name="depth", meaning=f"{_IN_QUERY}how thoroughly its photos are checked.", shape=Depth
            ),
            ParameterSpec(name="name", meaning=f"{_IN_QUERY}its name.", shape=Name),
            ParameterSpec(name="priority", meaning=f"{_IN_QUERY}its priority.", shape=Priority),
            ParameterSpec(
                name="callback_url", meaning=f"{_IN_QUERY}the receiver of its callback.", shape=Url
            ),
            ParameterSpec(
                name="dry_run",
                meaning="true: only say what the submit would be, and all that is wrong with it.",
                shape=Literal["true", "false"],
            ),
            ParameterSpec(
                name="on_bad_row",
                meaning="What becomes of a submit with rows that are wrong: all of it is refused, or these "
                "are left out and listed in the answer.",
                shape=Literal["refuse", "skip"],
            ),
            ParameterSpec(
                name="date_order",
                meaning="How visit times such as 3/4/2026 are read; without it they have no instant.",
                shape=DateOrder,
            ),
            ParameterSpec(
                name="columns",
                meaning="Of a table: which of its columns is which, by its header, letter or number.",
                shape=list[str],
                example="store_id:Outlet",
            ),
            ParameterSpec(name="sheet", meaning="Of a workbook: the name of the sheet.", example="Visits"),
            ParameterSpec(
                name="label",
                meaning=f"{_IN_QUERY}a label, name:value; may come again.",
                shape=Annotated[list[LabelText], Meta(max_length=20)],
                example="region:north",
            ),
        ),
    ),
}
READ: dict[str, Any] = {
    "operation_id": "getJob",
    "summary": "A job in full",
    "tags": [Tag.JOBS],
    "opt": documented(Job, 404, meaning="The state of the job."),
}
CANCEL: dict[str, Any] = {
    "operation_id": "cancelJob",
    "summary": "Cancel a job",
    "tags": [Tag.JOBS],
    "opt": documented(Job, 404, 409, meaning="The job, which is cancelled."),
}
RETRY: dict[str, Any] = {
    "operation_id": "retryJob",
    "summary": "Retry failed images of a job",
    "tags": [Tag.JOBS],
    "opt": documented(
        Job,
        404,
        409,
        meaning="The job, whose failures are unsettled again.",
        body=RequestBodySpec(
            meaning="What to try again; without a body, everything that failed.",
            contents=(ContentSpec(shape=Retry, example={"causes": ["http_status"]}),),
            is_required=False,
        ),
    ),
}
DELETE: dict[str, Any] = {
    "operation_id": "deleteJob",
    "summary": "Delete a job that has ended",
    "tags": [Tag.JOBS],
    "opt": documented(None, 404, 409, answers={204: ResponseSpec(meaning="The job is deleted.")}),
}
FOLLOW: dict[str, Any] = {
    "operation_id": "followJob",
    "summary": "Progress of a job, as Server-Sent Events",
    "tags": [Tag.JOBS],
    "opt": documented(
        None,
        404,
        answers={
            200: ResponseSpec(
                meaning="Events: `progress` with every change, then `end`, each with a JobEvent as its data; "
                "or `deleted` if the job is deleted meanwhile.",
                contents=(ContentSpec(shape=ServerSentEvent, media_type=EVENTS, example=EVENT_EXAMPLE),),
            ),
            204: ResponseSpec(meaning="The job has ended, and the Last-Event-ID is that of its end."),
        },
        params=(
            ParameterSpec(
                name="Last-Event-ID",
                place="header",
                meaning="The id of the last event that was received.",
                example="0-2-ongoing",
            ),
        ),
    ),
}
