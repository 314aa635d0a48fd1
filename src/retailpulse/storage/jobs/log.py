"""What the log says of jobs: one line when one is accepted, one each time that it ends, none for an image.

Called once the transaction is committed, so that no line is about what was rolled back.
"""

import logging
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from uuid import UUID

from retailpulse.domain.errors import DatabaseError
from retailpulse.domain.jobs import JobStatus
from retailpulse.storage.jobs import read as jobs
from retailpulse.storage.jobs.read import JobRow
from retailpulse.storage.postgres.database import Database
from retailpulse.telemetry.log_fields import TRACE, about

logger = logging.getLogger(__name__)

NO_TRACES: Mapping[UUID, str] = MappingProxyType({})


def log_accepted(job: JobRow) -> None:
    """One line for a new job, and another if it has ended at once, as no store of it is known."""
    fields = {"images": job.images, "depth": str(job.depth), "job_name": job.name}
    logger.info("job accepted", extra=about(job.job_id) | fields)
    if job.status is not JobStatus.ONGOING:
        log_end(job)


def log_end(job: JobRow, trace_id: str | None = None) -> None:
    """One line for the end of a job; `trace_id` is that of its trace, where no span is the current one."""
    seconds = ((job.finished_at or job.read_at) - (job.retried_at or job.submitted_at)).total_seconds()
    fields: dict[str, object] = {
        "images": job.images,
        "measured": job.measured,
        "failed": job.failed,
        "cancelled": job.cancelled,
        "flagged": job.flagged,
        "retries": job.retries,
        "seconds": round(seconds, 1),
        "job_name": job.name,
    }
    if trace_id is not None:
        fields[TRACE] = trace_id
    logger.info("job %s", job.status, extra=about(job.job_id) | fields)


async def log_ends(
    database: Database, job_ids: Sequence[UUID], trace_ids: Mapping[UUID, str] = NO_TRACES
) -> None:
    """The lines for jobs that have ended; a line is lost while the database is away."""
    if not job_ids:
        return
    try:
        async with database.connection() as connection:
            ended = await jobs.find_jobs(connection, job_ids)
    except DatabaseError as error:
        logger.warning("the ends of %d jobs are not logged: %s", len(job_ids), error)
        return
    for job in ended.values():
        if job.status is not JobStatus.ONGOING:  # it may be retried by now
            log_end(job, trace_ids.get(job.job_id))
