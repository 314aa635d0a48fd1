"""One job: counts, causes and flags; its photos, its stores, what it is; retry, cancel, delete."""

from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import QueryParameter
from litestar.response import Redirect

from retailpulse.dashboard import charts, words
from retailpulse.dashboard.forms import FormBody
from retailpulse.dashboard.rendering import AnyRequest, page
from retailpulse.domain.api_keys import Scope
from retailpulse.domain.errors import NotFound
from retailpulse.domain.flags import Flag
from retailpulse.domain.images import Cause, Depth, Outcome
from retailpulse.domain.jobs import JobStatus
from retailpulse.schema import Job, Result
from retailpulse.service import JobControl, JobLists, JobReports, Results
from retailpulse.service.job_summary import count_store
from retailpulse.storage.results.pages import PageFormat, ResultFilter, ResultForm
from retailpulse.web.caller import check_scope

TILES, STORE_ROWS = 60, 100
_ROW = msgspec.json.Decoder(Result)
_FORM = ResultForm(page_format=PageFormat.JSON_ROWS)
Number = Annotated[int, QueryParameter(name="after", ge=0, lt=2**31)]


@get("/jobs/{job_id:str}", include_in_schema=False)
async def job_photos(
    request: AnyRequest,
    job_reports: JobReports,
    results: Results,
    job_id: str,
    only: Annotated[str, QueryParameter(name="only")] = "",
    cause: Annotated[str, QueryParameter(name="cause")] = "",
    flag: Annotated[str, QueryParameter(name="flag")] = "",
    store: Annotated[str, QueryParameter(name="store")] = "",
    after: Number = 0,
) -> Response[bytes]:
    """The photos of a job, by how they ended."""
    known = parse_job_id(job_id)
    job = await job_reports.report(known)
    query = {"only": only, "cause": cause, "flag": flag, "store": store}
    lines, following = await results.page(known, _wanted(query), _FORM, after=after, limit=TILES)
    asked = {name: value for name, value in query.items() if value}
    return page(
        request,
        "job_photos.html",
        **frame_of(job, "photos"),
        photos=[(photo, words.alt(photo)) for photo in map(_ROW.decode, lines)],
        has_pictures=job.depth == Depth.DECODE,
        asked=asked,
        next_page=_address(job, asked | {"after": str(following)}) if following else None,
    )


@get("/jobs/{job_id:str}/stores", include_in_schema=False)
async def job_stores(
    request: AnyRequest, job_reports: JobReports, job_lists: JobLists, job_id: str, after: Number = 0
) -> Response[bytes]:
    """The stores of a job, in the order of its visits."""
    known = parse_job_id(job_id)
    job = await job_reports.report(known)
    stores, following = await job_lists.stores(known, (), after=after, limit=STORE_ROWS)
    next_page = f"/jobs/{job.job_id}/stores?after={following}" if following else None
    return page(
        request,
        "job_stores.html",
        **frame_of(job, "stores"),
        job_stores=list(map(count_store, stores)),
        next_page=next_page,
    )


@get("/jobs/{job_id:str}/about", include_in_schema=False)
async def job_about(request: AnyRequest, job_reports: JobReports, job_id: str) -> Response[bytes]:
    """What a job is: as it was submitted, and its callbacks."""
    job = await job_reports.report(parse_job_id(job_id))
    return page(request, "job_about.html", **frame_of(job, "about"), origin=str(request.base_url).rstrip("/"))


@post("/jobs/{job_id:str}/{action:str}", include_in_schema=False)
async def change_job(
    request: AnyRequest, job_control: JobControl, job_id: str, action: str, data: FormBody
) -> Redirect:
    """Retry what failed, cancel, or delete; then the same page, which says what was done."""
    known = parse_job_id(job_id)
    if action == "retry":
        chosen = data.get("cause", "")
        await job_control.retry(known, [Cause(chosen)] if chosen in set(Cause) else None)
    elif action == "cancel":
        await job_control.cancel(known)
    elif action == "delete":
        check_scope(request, Scope.ADMIN)  # as DELETE by the API
        await job_control.delete(known)
        return Redirect("/jobs?done=delete", status_code=303)
    else:
        raise NotFound(f"a job has no action {action[:100]!r}")
    return Redirect(f"/jobs/{known}?done={action}", status_code=303)


def parse_job_id(text: str) -> UUID:
    """The id of a job in an address; raises NotFound, as there is no such job."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(f"there is no job {text[:100]!r}") from None


def frame_of(job: Job, tab: str) -> dict[str, Any]:
    """What every page of a job shows above its tabs."""
    images = job.images
    failed_causes = {name: n for name, n in job.causes.items() if name != Cause.CANCELLED}
    return {
        "job": job,
        "tab": tab,
        "title": job.name or "Job without a name",
        "bar": charts.progress(images.measured, images.failed, images.total),
        "causes": charts.bars(failed_causes),
        "flag_bars": charts.bars(job.flags),
        "is_ongoing": job.status is JobStatus.ONGOING,
        "took": _seconds(job),
        "flag_names": [name for name in words.FLAGS if job.flags.get(name)],
    }


def _seconds(job: Job) -> float | None:
    if job.started_at is None or job.finished_at is None:
        return None
    return (job.finished_at - job.started_at).total_seconds()


def _wanted(query: dict[str, str]) -> ResultFilter:
    cause, flag, store, only = query["cause"], query["flag"], query["store"], query["only"]
    return ResultFilter(
        outcomes={"failed": (Outcome.FAILED,), "measured": (Outcome.MEASURED,)}.get(only, ()),
        unsettled=only == "waiting",
        causes=(Cause(cause),) if cause in set(Cause) else (),
        flags=tuple(Flag) if only == "flagged" else (Flag(flag),) if flag in set(Flag) else (),
        store_ids=(store.replace("\0", ""),) if store else (),
    )


def _address(job: Job, query: dict[str, str]) -> str:
    return f"/jobs/{job.job_id}?{urlencode(query)}"
