"""What a submit to /api/v1 is answered: the job as it now is, or what a dry run found, with its warnings."""

import logging
from datetime import UTC, datetime

import msgspec

from retailpulse.api.submit.handler import Previewed, Submitted
from retailpulse.api.submit.visit_validator import NOT_FOUND
from retailpulse.domain.errors import Busy, DatabaseError, NotFound
from retailpulse.domain.images import Cause
from retailpulse.domain.jobs import JobStatus
from retailpulse.schema import DryRun, ImageCounts, Job, SubmittedJob, SubmitWarning
from retailpulse.service import JobReports

logger = logging.getLogger(__name__)
_NOT_FOUND = (
    "the store master has no such store, so nothing is fetched for it; import the store, then submit again"
)


async def submitted_job(submitted: Submitted, job_reports: JobReports) -> SubmittedJob:
    """The job of a submit as it was written; if an earlier request made it, as it is by now."""
    job = await _job(submitted, job_reports)
    warnings = submitted.errors.warnings()
    if failed := job.causes.get(Cause.STORE_ID_NOT_FOUND):
        example = next((store.store_id for store in job.stores), None)
        warnings.append(SubmitWarning(code=NOT_FOUND, count=failed, detail=_NOT_FOUND, example=example))
    return SubmittedJob(
        **msgspec.structs.asdict(job),
        warnings=warnings,
        skipped=submitted.errors.errors,
        skipped_count=submitted.errors.row_count,
        read_as=submitted.errors.read_as,
    )


async def _job(submitted: Submitted, job_reports: JobReports) -> Job:
    receipt, options = submitted.receipt, submitted.options
    job_id, written = receipt.job_id, receipt.written
    try:
        return await (job_reports.report(job_id) if written is None else job_reports.accepted(written))
    except (DatabaseError, Busy, NotFound) as error:  # the job is on disk, whatever comes now
        logger.warning("the job %s was submitted, and cannot be read now: %s", job_id, error)
    return Job(
        job_id=str(job_id),
        name=options.name,
        status=JobStatus.ONGOING,
        depth=options.depth,
        priority=options.priority,
        labels=dict(options.labels),
        callback_url=options.callback_url,
        images=ImageCounts(total=submitted.images, settled=0, measured=0, failed=0),
        submitted_at=datetime.now(UTC),
        causes={},
        stores=[],
    )


def previewed(outcome: Previewed) -> DryRun:
    """The answer to a dry run."""
    preview, errors = outcome.preview, outcome.errors
    warnings = errors.warnings()
    unknown = preview.stores_unknown
    if unknown.count:
        warnings.append(
            SubmitWarning(code=NOT_FOUND, count=unknown.count, detail=_NOT_FOUND, example=unknown.examples[0])
        )
    return DryRun(
        visits=preview.visits,
        images=preview.images,
        stores_unknown=unknown,
        hosts=preview.hosts,
        more_hosts=preview.more_hosts,
        warnings=warnings,
        errors=errors.errors,
        error_count=errors.error_count,
        read_as=errors.read_as,
    )
