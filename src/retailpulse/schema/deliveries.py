"""Deliveries: the ends of a job and the state of their callbacks, try by try."""

from typing import Annotated

from retailpulse.domain.callbacks import JOB_ENDED, DeliveryState
from retailpulse.domain.times import Instant
from retailpulse.schema.jobs import JobSummary
from retailpulse.schema.record import Record, described


class JobEnded(Record, frozen=True, kw_only=True):
    """What the receiver of a job is sent when it has ended."""

    type: Annotated[str, described("The event; there is one.", example=JOB_ENDED)]
    timestamp: Annotated[Instant, described("When the job ended, UTC.")]
    data: Annotated[JobSummary, described("The job as it stood at that end.")]


class DeliveryTry(Record, frozen=True, kw_only=True):
    """One request to the receiver."""

    at: Annotated[Instant, described("When it began, UTC.")]
    status: Annotated[
        int | None, described("The status of the receiver's answer; null if there was none.")
    ] = None
    error: Annotated[
        str | None, described("Why there was no answer, or no usable one; null if there was.")
    ] = None
    seconds: Annotated[float, described("How long it took.", example=0.084)]


class Delivery(Record, frozen=True, kw_only=True):
    """One end of a job, and the state of its callback."""

    delivery_id: Annotated[str, described("The `webhook-id` that the receiver gets, the same at every try.")]
    event: Annotated[str, described("The event that the callback reports.", example=JOB_ENDED)]
    url: Annotated[str, described("The receiver.", example="https://hooks.example/retailpulse")]
    state: Annotated[
        str,
        described("pending, delivered (answered 2xx), or given_up (tried no more).", words=DeliveryState),
    ]
    ended_at: Annotated[Instant, described("When the job ended, UTC.")]
    tries: Annotated[list[DeliveryTry], described("The last tries, at most 100, the first of them first.")]
    next_try_at: Annotated[
        Instant | None,
        described(
            "When it is tried next at the earliest, UTC; while a try is on its way, when its "
            "end is not waited for any longer. Null if there is no further try."
        ),
    ] = None
