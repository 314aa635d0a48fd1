"""The fields of log lines: what a line is about, so that all lines of a job can be found."""

JOB, IMAGE = "job", "image"
FIELDS = (JOB, IMAGE)
"""In the order in which a line names them."""


def about(job: object, image: int | None = None) -> dict[str, object]:
    """The `extra` of a log call about a job, and perhaps one of its images by number."""
    return {JOB: job} if image is None else {JOB: job, IMAGE: image}
