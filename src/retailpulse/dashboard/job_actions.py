"""What a person does to jobs: retry, cancel, send the callback again; delete, after a page that asks."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import QueryParameter
from litestar.response import Redirect

from retailpulse.dashboard.forms import FormBody
from retailpulse.dashboard.job import parse_job_id
from retailpulse.dashboard.job_photos import asked_of
from retailpulse.dashboard.rendering import AnyRequest, page
from retailpulse.domain.api_keys import Scope
from retailpulse.domain.errors import Conflict, InvalidRequest, NotFound
from retailpulse.domain.images import Cause
from retailpulse.domain.jobs import JobStatus
from retailpulse.service import Deliveries, JobControl, JobLists
from retailpulse.storage.jobs.read import JobRow
from retailpulse.storage.jobs.summary import summarize
from retailpulse.web.caller import check_scope

MOST_CHOSEN = 100
"""How many jobs are deleted at once."""
Chosen = Annotated[list[str] | None, QueryParameter(name="job")]


@post("/jobs/{job_id:str}/{action:str}", include_in_schema=False)
async def change_job(
    request: AnyRequest,
    job_control: JobControl,
    job_lists: JobLists,
    deliveries: Deliveries,
    job_id: str,
    action: str,
    data: FormBody,
) -> Redirect:
    """Changes the job; then the page that it was asked for from, with its filters, says what was done."""
    known = parse_job_id(job_id)
    asked = asked_of(dict(request.query_params))
    path = f"/jobs/{known}"
    if action == "retry":
        chosen = data.get("cause", "") or asked.cause
        await job_control.retry(known, [Cause(chosen)] if chosen in set(Cause) else None)
    elif action == "cancel":
        await job_control.cancel(known)
    elif action == "redeliver":
        await deliveries.send_again(known)
        path = f"{path}/callbacks"
    elif action == "delete":
        check_scope(request, Scope.ADMIN)  # as DELETE by the API
        await _ended(job_lists, [job_id])
        return Redirect(f"/jobs/delete?job={known}", status_code=303)
    else:
        raise NotFound(f"a job has no action {action[:100]!r}")
    return Redirect(asked.address(path, done=action), status_code=303)


@get("/jobs/delete", include_in_schema=False)
async def confirm_deletion(
    request: AnyRequest, job_lists: JobLists, chosen: Chosen = None
) -> Response[bytes]:
    """Asks for the name of the job, or how many they are, before they are deleted."""
    check_scope(request, Scope.ADMIN)
    found = await _ended(job_lists, chosen or [])
    return page(request, "job_delete.html", **_confirmation(found), wrong=False)


@post("/jobs/delete", include_in_schema=False)
async def delete_jobs(
    request: AnyRequest, job_lists: JobLists, job_control: JobControl, data: FormBody
) -> Response[bytes] | Redirect:
    """Deletes jobs once what was asked for is typed; else asks again."""
    check_scope(request, Scope.ADMIN)
    found = await _ended(job_lists, data.get("jobs", "").split())
    shown = _confirmation(found)
    if " ".join(data.get("typed", "").split()) != shown["answer"]:
        return page(request, "job_delete.html", status=400, **shown, wrong=True)
    done = "delete" if len(found) == 1 else "deleted"
    for job in found:
        try:
            await job_control.delete(job.job_id)
        except (NotFound, Conflict):  # deleted or retried since it was shown
            done = "kept"
    return Redirect(f"/jobs?done={done}", status_code=303)


def _confirmation(found: list[JobRow]) -> dict[str, Any]:
    """What the page shows, and what must be typed there."""
    name = name_of_row(found[0])
    return {
        "jobs": list(map(summarize, found)),
        "ids": " ".join(str(job.job_id) for job in found),
        "answer": " ".join(name.split()) if len(found) == 1 else str(len(found)),
        "images": sum(job.images for job in found),
        "name": name,
    }


def name_of_row(job: JobRow) -> str:
    """What a job is called in headings."""
    return job.name or "Job without a name"


async def _ended(job_lists: JobLists, texts: list[str]) -> list[JobRow]:
    """The jobs of these ids; raises InvalidRequest for none or too many, Conflict for one that goes on."""
    job_ids: list[UUID] = list(dict.fromkeys(map(parse_job_id, texts)))
    if not job_ids:
        raise InvalidRequest("no job is chosen: choose some in the list of jobs")
    if len(job_ids) > MOST_CHOSEN:
        raise InvalidRequest(f"{len(job_ids)} jobs are chosen; {MOST_CHOSEN} at most are deleted at once")
    found = await job_lists.find(job_ids)
    if not found:
        raise NotFound("there is none of these jobs any more")
    ongoing = [job for job in found if job.status is JobStatus.ONGOING]
    if ongoing:
        raise Conflict(f"{name_of_row(ongoing[0])} goes on; cancel it before it is deleted")
    return found
