"""How a job gets on, as Server-Sent Events: progress while it goes on, then its end."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.response import ServerSentEvent, ServerSentEventMessage

from retailpulse.api.v1.job_operations import FOLLOW, JobEvent
from retailpulse.api.v1.paths import known_id
from retailpulse.domain.jobs import JobStatus
from retailpulse.service import Progress, Signal
from retailpulse.storage.jobs.read import JobRow
from retailpulse.storage.jobs.summary import count_images
from retailpulse.web.caller import caller_of
from retailpulse.web.quotas import Quota, QuotaSlot

RECONNECT_MILLISECONDS = 1_000


@get("/api/v1/jobs/{job_id:str}/events", **FOLLOW)
async def events(
    request: Request[Any, Any, Any], progress: Progress, event_streams: Quota, job_id: str
) -> ServerSentEvent | Response[None]:
    """Tell how a job gets on until it has ended, as Server-Sent Events.

    A browser that was told the end comes back as after any other break; 204 tells it not to.
    """
    job = await progress.find(known_id(job_id))
    has_it = request.headers.get("last-event-id") == _event_id(job)
    if has_it and job.status is not JobStatus.ONGOING:
        return Response(None, status_code=204)
    place = event_streams.acquire(caller_of(request.scope))
    return ServerSentEvent(
        _messages(progress, job, place, has_it=has_it), retry_duration=RECONNECT_MILLISECONDS
    )


async def _messages(
    progress: Progress, job: JobRow, place: QuotaSlot, *, has_it: bool
) -> AsyncIterator[ServerSentEventMessage]:
    try:
        async for message in _state_messages(progress, job, has_it=has_it):
            yield message
    finally:
        place.release()


async def _state_messages(
    progress: Progress, job: JobRow, *, has_it: bool
) -> AsyncIterator[ServerSentEventMessage]:
    if not has_it:
        yield _message(job)
    async for changes in progress.changes(job):
        if isinstance(changes, JobRow):
            yield _message(changes)
        elif changes is Signal.BEAT:
            yield ServerSentEventMessage(data=None, comment="still here")
        else:
            yield ServerSentEventMessage(event="deleted", data=_json({"job_id": str(job.job_id)}))


def _message(job: JobRow) -> ServerSentEventMessage:
    data = JobEvent(
        job_id=job.job_id,
        status=job.status,
        images=count_images(job),
        retries=job.retries,
        finished_at=job.finished_at,
    )
    event = "progress" if job.status is JobStatus.ONGOING else "end"
    return ServerSentEventMessage(event=event, data=_json(data), id=_event_id(job))


def _event_id(job: JobRow) -> str:
    """Names a state of a job: a client that has seen it needs no event for it."""
    return f"{job.retries}-{job.settled}-{job.status}"


def _json(data: object) -> str:
    return msgspec.json.encode(data).decode()
