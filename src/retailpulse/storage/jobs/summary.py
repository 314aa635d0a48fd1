"""A job in short, as lists and callbacks show it: only here rows of a job and its stores become records."""

from retailpulse.domain.images import Outcome
from retailpulse.schema import ImageCounts, JobStore, JobSummary
from retailpulse.storage.jobs.list import JobStoreRow
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


def count_store(row: JobStoreRow) -> JobStore:
    """A store of a job, with the counts of its images."""
    return JobStore(
        store_id=row.store_id,
        images=row.images,
        settled=sum(row.outcomes.values()),
        measured=row.outcomes.get(Outcome.MEASURED, 0),
        failed=row.outcomes.get(Outcome.FAILED, 0),
        cancelled=row.outcomes.get(Outcome.CANCELLED, 0),
        causes=row.causes,
    )
