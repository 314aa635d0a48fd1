"""Jobs: submit one, see where it stands, call it off."""

from typing import Any

from litestar import Request, Response, get, post

from retailpulse.api.submitting import Submits
from retailpulse.api.v1.paths import known_id
from retailpulse.service import JobReport, Service


@post("/api/v1/jobs", status_code=201)
async def submit(request: Request[Any, Any, Any], submits: Submits) -> Response[dict[str, str]]:
    """Accept a job; it is on disk and queued when this answers."""
    job_id = await submits.take(request)
    location = f"/api/v1/jobs/{job_id}"
    return Response({"job_id": str(job_id)}, status_code=201, headers={"Location": location})


@post("/api/v1/jobs/{job_id:str}/cancel", status_code=200)
async def cancel(service: Service, job_id: str) -> dict[str, Any]:
    """End a job: images without a result get the outcome `cancelled`, all others keep theirs."""
    known = known_id(job_id)
    await service.cancel(known)
    return _render(await service.report(known))


@get("/api/v1/jobs/{job_id:str}")
async def job(service: Service, job_id: str) -> dict[str, Any]:
    """Say all about where a job stands."""
    return _render(await service.report(known_id(job_id)))


def _render(report: JobReport) -> dict[str, Any]:
    job = report.job
    return {
        "job_id": str(job.job_id),
        "status": job.status,
        "depth": job.depth,
        "images": {
            "total": job.images,
            "settled": job.settled,
            "measured": job.measured,
            "failed": job.failed,
            "cancelled": job.cancelled,
        },
        "causes": report.causes,
        "stores": [
            {"store_id": store.store_id, "images": store.images, "failed": store.failed, "error": store.error}
            for store in report.stores
        ],
        "submitted_at": job.submitted_at,
        "finished_at": job.finished_at,
        "images_per_second": report.images_per_second,
        "seconds_left": report.seconds_left,
    }
