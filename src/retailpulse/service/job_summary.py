"""A job in short, as lists and callbacks show it: only here a row of a job becomes a record."""

from retailpulse.schema import ImageCounts, JobSummary
from retailpulse.storage.jobs.read import JobRow


def count_images(job: JobRow) -> ImageCounts:
    """The counts of a job's images."""
    return ImageCounts(
        total=job.images,
        settled=job.settled,
        measured=job.measured,
        failed=job.failed,
        cancelled=job.cancelled,
    )


def summarize(job: JobRow) -> JobSummary:
    """A job as an item of a list."""
    return JobSummary(
        job_id=str(job.job_id),
        name=job.name,
        status=job.status,
        depth=job.depth,
        priority=job.priority,
        labels=job.labels,
        callback_url=job.callback_url,
        images=count_images(job),
        flagged=job.flagged,
        flags=job.flags,
        retries=job.retries,
        visits_without_time=job.visits_without_time,
        submitted_at=job.submitted_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )
