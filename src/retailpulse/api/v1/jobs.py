"""Jobs: submit one, read its state, cancel it, retry what failed, delete it."""

from typing import Any

import msgspec
from litestar import Request, Response, delete, get, post

from retailpulse.api.submit.answers import previewed, submitted_job
from retailpulse.api.submit.explain import explain
from retailpulse.api.submit.handler import Previewed, SubmitHandler, replayed
from retailpulse.api.submit.job_options import HEADER, read_header
from retailpulse.api.v1 import job_operations as operations
from retailpulse.api.v1.paths import known_id
from retailpulse.api.v1.small_bodies import SMALL_BODY_BYTES, read_json
from retailpulse.domain.credentials import Credential
from retailpulse.domain.errors import InvalidRequest
from retailpulse.domain.images import Cause
from retailpulse.schema import DryRun, Job, SubmittedJob
from retailpulse.service import JobControl, JobReports


@post("/api/v1/jobs", status_code=201, **operations.SUBMIT)
async def submit(
    request: Request[Any, Any, Any], submits: SubmitHandler
) -> Response[SubmittedJob] | Response[DryRun]:
    """Accept a job; it is on disk and queued when this answers."""
    outcome = await submits.submit(request)
    if isinstance(outcome, Previewed):
        return Response(previewed(outcome), status_code=200)
    job = await submitted_job(outcome, submits.job_reports)
    headers = {"Location": f"/api/v1/jobs/{job.job_id}", **replayed(outcome.receipt)}
    return Response(job, status_code=201, headers=headers)


@post("/api/v1/jobs/{job_id:str}/cancel", status_code=200, **operations.CANCEL)
async def cancel(job_reports: JobReports, job_control: JobControl, job_id: str) -> Job:
    """End a job: images without a result get the outcome `cancelled`, all others keep theirs."""
    known = known_id(job_id)
    await job_control.cancel(known)
    return await job_reports.report(known)


@post(
    "/api/v1/jobs/{job_id:str}/retry",
    status_code=200,
    request_max_body_size=SMALL_BODY_BYTES,
    **operations.RETRY,
)
async def retry(
    request: Request[Any, Any, Any], job_reports: JobReports, job_control: JobControl, job_id: str
) -> Job:
    """Retry the failed images of a job, all or by cause; their earlier results stay readable."""
    known = known_id(job_id)
    given = read_header(request.headers.getall(HEADER, []))
    wanted = _read_retry(await request.body())
    await job_control.retry(known, wanted.causes, _read_credentials(wanted) or given)
    return await job_reports.report(known)


@delete("/api/v1/jobs/{job_id:str}", status_code=204, **operations.DELETE)
async def remove(job_control: JobControl, job_id: str) -> None:
    """Delete a job that has ended, with all its results."""
    await job_control.delete(known_id(job_id))


@get("/api/v1/jobs/{job_id:str}", **operations.READ)
async def job(job_reports: JobReports, job_id: str) -> Job:
    """Read the whole state of a job."""
    return await job_reports.report(known_id(job_id))


def _read_retry(body: bytes) -> operations.Retry:
    """The body of a retry, which may be empty."""
    if not body.strip():
        return operations.Retry()
    return read_json(body, operations.Retry, {"causes": Cause})


def _read_credentials(wanted: operations.Retry) -> dict[str, Credential]:
    try:
        return msgspec.convert(wanted.credentials or {}, dict[str, Credential])
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"credentials: {explain(str(error))}") from None
