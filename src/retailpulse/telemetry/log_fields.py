"""The fields of log lines: what a line is about, so that all lines of a job or of a request can be found."""

from contextvars import ContextVar

JOB, IMAGE, REQUEST = "job", "image", "request"
FIELDS = (JOB, IMAGE, REQUEST)
"""In the order in which a line names them."""
REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that is answered now; each line that is written meanwhile names it."""


def about(job: object, image: int | None = None) -> dict[str, object]:
    """The `extra` of a log call about a job, and perhaps one of its images by number."""
    return {JOB: job} if image is None else {JOB: job, IMAGE: image}
