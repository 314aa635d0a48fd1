"""What all pages of a job show above their tabs, and two of them: what the job is, and its callbacks."""

from typing import Any
from uuid import UUID

from litestar import Response, get

from retailpulse.dashboard import charts, words
from retailpulse.dashboard.rendering import AnyRequest, page
from retailpulse.domain.errors import NotFound
from retailpulse.domain.images import Cause
from retailpulse.domain.jobs import JobStatus
from retailpulse.schema import Job
from retailpulse.service import Deliveries, JobReports
from retailpulse.service.job_reports import JobBrief
from retailpulse.web.caller import api_key_of

DELIVERY_ROWS = 50
"""How many ends of a job are told of; further ones are the API's."""


@get("/jobs/{job_id:str}/about", include_in_schema=False)
async def job_about(request: AnyRequest, job_reports: JobReports, job_id: str) -> Response[bytes]:
    """What a job is, as it was submitted."""
    brief = await job_reports.brief(parse_job_id(job_id))
    curl = curl_of(request, f"/api/v1/jobs/{brief.job.job_id}")
    return page(request, "job_about.html", **frame_of(brief, "about"), curl=curl)


@get("/jobs/{job_id:str}/callbacks", include_in_schema=False)
async def job_callbacks(
    request: AnyRequest, job_reports: JobReports, deliveries: Deliveries, job_id: str
) -> Response[bytes]:
    """How the receiver of a job was told of its ends, try by try."""
    known = parse_job_id(job_id)
    brief = await job_reports.brief(known)
    found, following = await deliveries.page(known, after=0, limit=DELIVERY_ROWS)
    return page(
        request,
        "job_callbacks.html",
        **frame_of(brief, "callbacks"),
        deliveries=found,
        are_more=following is not None,
    )


def parse_job_id(text: str) -> UUID:
    """The id of a job in an address; raises NotFound, as there is no such job."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(f"there is no job {text[:100]!r}") from None


def name_of(job: Job) -> str:
    """What a job is called in headings."""
    return job.name or "Job without a name"


def frame_of(brief: JobBrief, tab: str) -> dict[str, Any]:
    """What every page of a job shows above its tabs."""
    job = brief.job
    images = job.images
    failed_causes = {name: n for name, n in job.causes.items() if name != Cause.CANCELLED}
    return {
        "job": job,
        "is_stuck": brief.is_stuck,
        "example": brief.example,
        "tab": tab,
        "title": name_of(job),
        "bar": charts.progress(images.measured, images.failed, images.total),
        "causes": charts.bars(failed_causes),
        "flag_bars": charts.bars(job.flags),
        "is_ongoing": job.status is JobStatus.ONGOING,
        "took": _seconds(job),
        "flag_names": [name for name in words.FLAGS if job.flags.get(name)],
        "cause_names": list(failed_causes),
    }


def curl_of(request: AnyRequest, path: str, *, file: str | None = None) -> str:
    """The command that asks the API for the same; a key is named by a variable, never written out."""
    key = "" if api_key_of(request.scope) is None else '-H "Authorization: Bearer $RETAILPULSE_API_KEY" '
    output = f"-o {file} " if file else ""
    return f"curl {key}{output}'{str(request.base_url).rstrip('/')}{path}'"


def _seconds(job: Job) -> float | None:
    if job.started_at is None or job.finished_at is None:
        return None
    return (job.finished_at - job.started_at).total_seconds()
