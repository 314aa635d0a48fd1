"""Jobs: submit one, see where it stands, call it off."""

from typing import Any

from litestar import Request, Response, get, post

from retailpulse.api.submitting import Submits
from retailpulse.api.v1.paths import known_id
from retailpulse.api.v1.shapes import Job, Submitted, describe
from retailpulse.service import Service


@post("/api/v1/jobs", status_code=201)
async def submit(request: Request[Any, Any, Any], submits: Submits) -> Response[Submitted]:
    """Accept a job; it is on disk and queued when this answers."""
    job_id = await submits.take(request)
    location = f"/api/v1/jobs/{job_id}"
    return Response(Submitted(job_id=job_id), status_code=201, headers={"Location": location})


@post("/api/v1/jobs/{job_id:str}/cancel", status_code=200)
async def cancel(service: Service, job_id: str) -> Job:
    """End a job: images without a result get the outcome `cancelled`, all others keep theirs."""
    known = known_id(job_id)
    await service.cancel(known)
    return describe(await service.report(known))


@get("/api/v1/jobs/{job_id:str}")
async def job(service: Service, job_id: str) -> Job:
    """Say all about where a job stands."""
    return describe(await service.report(known_id(job_id)))
