"""The fields of log lines: what a line is about, so that all lines of a job or of a request can be found."""

from contextvars import ContextVar
from typing import Protocol

from retailpulse.telemetry.tracing import CURRENT_SPAN

JOB, IMAGE, GRANT, HOST, REQUEST, TRACE = "job", "image", "grant", "host", "request", "trace_id"
FIELDS = (JOB, GRANT, HOST, IMAGE, REQUEST, TRACE)
"""In the order in which a line names them, behind all others."""


class LogSubject(Protocol):
    """What a task works on."""

    def log_fields(self) -> dict[str, object]:
        """The fields of each line about it; asked only if a line is written."""


REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that is answered now; each line that is written meanwhile names it."""
LOG_SUBJECT: ContextVar[LogSubject | None] = ContextVar("log_subject", default=None)
"""What the task works on that writes a line; the line names it."""


def about(job: object, image: int | None = None) -> dict[str, object]:
    """The `extra` of a log call about a job, and perhaps one of its images by number."""
    return {JOB: job} if image is None else {JOB: job, IMAGE: image}


def context_fields() -> dict[str, object]:
    """The fields of the request or the image that is in work where this is called."""
    subject, request_id = LOG_SUBJECT.get(), REQUEST_ID.get()
    span = CURRENT_SPAN.get()
    fields = {} if subject is None else subject.log_fields()
    if request_id is not None:
        fields[REQUEST] = request_id
    if span is not None:
        fields[TRACE] = span.trace_id
    return fields
