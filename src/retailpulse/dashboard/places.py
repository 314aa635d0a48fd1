"""Where a page of a list begins, as the text in its address; one that is none begins at the start."""

from datetime import datetime
from uuid import UUID

from retailpulse.storage.jobs.list import JobPlace


def write_job_place(place: JobPlace) -> str:
    """The place after a job in the list of jobs."""
    submitted_at, job_id = place
    return f"{submitted_at.isoformat()}_{job_id}"


def read_job_place(text: str) -> JobPlace | None:
    """The place that a text names, or None."""
    time, _, job_id = text.rpartition("_")
    try:
        at = datetime.fromisoformat(time)
        return (at, UUID(job_id)) if at.tzinfo is not None else None
    except ValueError:
        return None
