"""The webhook of the API's description: what the receiver of a job is sent, and what follows from its answer.

How callbacks are signed and tried is the room `worker.webhooks`, which sends the record that stands here.
"""

from typing import Annotated, Any

from msgspec import Meta

from retailpulse.api.openapi.annotations import JOB_ID, Tag
from retailpulse.api.openapi.schemas import Schemas
from retailpulse.domain.callbacks import JOB_ENDED
from retailpulse.schema import JobEnded

MessageId = Annotated[str, Meta(pattern="^msg_[0-9a-f]{32}_[1-9][0-9]*$")]
Timestamp = Annotated[str, Meta(pattern="^[0-9]+$")]
Signatures = Annotated[str, Meta(pattern="^v1,[A-Za-z0-9+/]{43}=( v1,[A-Za-z0-9+/]{43}=)*$")]
SHAPES: tuple[Any, ...] = (JobEnded, MessageId, Timestamp, Signatures)

_HEADERS = (
    (
        "webhook-id",
        MessageId,
        "Names this end of the job: the same at every try, so that a repeat is known.",
        f"msg_{JOB_ID.replace('-', '')}_1",
    ),
    (
        "webhook-timestamp",
        Timestamp,
        "When this try was made, in seconds since 1970; refuse one that is more than five minutes off.",
        "1795168453",
    ),
    (
        "webhook-signature",
        Signatures,
        "`v1,` and the base64 of the HMAC-SHA256 of `{webhook-id}.{webhook-timestamp}.{body}`; several, with "
        "spaces between, while secrets change. One that fits will do.",
        "v1,3l4bq0oxVtBrRHVrhH3sPxXtQTsYJCQWvxpCTuLlLSg=",
    ),
)
_EXAMPLE = {
    "type": JOB_ENDED,
    "timestamp": "2026-11-20T10:04:12.613508Z",
    "data": {
        "job_id": JOB_ID,
        "name": "week 47",
        "status": "failed",
        "depth": "decode",
        "priority": 0,
        "labels": {"region": "north"},
        "callback_url": "https://hooks.example/retailpulse",
        "images": {"total": 3, "settled": 3, "measured": 2, "failed": 1, "cancelled": 0},
        "flagged": 1,
        "flags": {"blurred": 1},
        "retries": 0,
        "visits_without_time": 1,
        "submitted_at": "2026-11-20T10:03:58.102311Z",
        "started_at": "2026-11-20T10:03:58.530870Z",
        "finished_at": "2026-11-20T10:04:12.613508Z",
    },
}
_DESCRIPTION = """\
A job with a `callback_url` sends this there each time that it ends: `completed`, `failed` or `cancelled`.

It is signed as [Standard Webhooks](https://www.standardwebhooks.com) says, with the secret that `retailpulse
callbacks secret` prints. Verify the signature, and expect repeats: each end is delivered at least once."""


def describe_webhooks(schemas: Schemas) -> dict[str, Any]:
    """The `webhooks` of the description: one for each event."""
    headers = [
        {
            "name": name,
            "in": "header",
            "required": True,
            "description": meaning,
            "schema": schemas.of(shape),
            "example": example,
        }
        for name, shape, meaning, example in _HEADERS
    ]
    content = {"application/json": {"schema": schemas.of(JobEnded), "example": _EXAMPLE}}
    return {
        JOB_ENDED: {
            "post": {
                "operationId": "jobEnded",
                "summary": "A job has ended",
                "description": _DESCRIPTION,
                "tags": [str(Tag.DELIVERIES)],
                "security": [],
                "parameters": headers,
                "requestBody": {
                    "description": "The job as it stood at this end.",
                    "required": True,
                    "content": content,
                },
                "responses": {
                    "2XX": {"description": "It is delivered; the body of the answer is not looked at."},
                    "410": {"description": "No more callbacks are wanted: this one is given up."},
                    "default": {
                        "description": "It is tried again, for a day, and not before a `Retry-After`. "
                        "Redirects are not followed."
                    },
                },
            }
        }
    }
