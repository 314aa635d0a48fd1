"""The list of jobs, the newest first: by state, name, label and cause; some chosen to be deleted."""

from typing import Annotated

from litestar import Response, get
from litestar.params import QueryParameter

from retailpulse.dashboard.places import read_job_place, write_job_place
from retailpulse.dashboard.queries import address_of, plain
from retailpulse.dashboard.rendering import AnyRequest, page
from retailpulse.domain.images import Cause
from retailpulse.domain.jobs import JobStatus
from retailpulse.service import JobLists, Stats
from retailpulse.storage.jobs.list import JobFilter
from retailpulse.storage.jobs.summary import summarize

ROWS = 50
STATES = {
    "": "All",
    JobStatus.ONGOING: "Running",
    JobStatus.COMPLETED: "Done",
    JobStatus.FAILED: "Done with failures",
    JobStatus.CANCELLED: "Cancelled",
}


@get("/jobs", include_in_schema=False)
async def jobs(
    request: AnyRequest,
    job_lists: JobLists,
    stats: Stats,
    status: Annotated[str, QueryParameter(name="state")] = "",
    name: Annotated[str, QueryParameter(name="q")] = "",
    label: Annotated[str, QueryParameter(name="label")] = "",
    cause: Annotated[str, QueryParameter(name="cause")] = "",
    choose: Annotated[str, QueryParameter(name="choose")] = "",
    chosen: Annotated[list[str] | None, QueryParameter(name="job")] = None,
    after: Annotated[str, QueryParameter(name="after")] = "",
) -> Response[bytes]:
    """A page of jobs."""
    query = {
        "state": status if status in STATES else "",
        "q": plain(name),
        "label": plain(label) if ":" in label else "",
        "cause": cause if cause in set(Cause) else "",
        "choose": "1" if choose else "",
    }
    found, following = await job_lists.jobs(_wanted(query), after=read_job_place(after), limit=ROWS)
    known = await stats.read()
    counts = {status: known.jobs.get(JobStatus(status), 0) for status in STATES if status}
    return page(
        request,
        "jobs.html",
        jobs=list(map(summarize, found)),
        stuck={str(job.job_id) for job in found if job.is_stuck},
        states={name: (text, address_of("/jobs", query | {"state": name})) for name, text in STATES.items()},
        counts={"": sum(counts.values()), **counts},
        query=query,
        without={part: address_of("/jobs", query | {part: ""}) for part in query},
        choosing=address_of("/jobs", query | {"choose": "1", "after": after}),
        chosen=chosen or [],
        is_first=not after,
        next_page=address_of("/jobs", query | {"after": write_job_place(following)}) if following else None,
    )


def _wanted(query: dict[str, str]) -> JobFilter:
    name, _, value = query["label"].partition(":")
    return JobFilter(
        statuses=(JobStatus(query["state"]),) if query["state"] else (),
        name=query["q"] or None,
        labels={name: (value,)} if name else {},
        cause=query["cause"] or None,
    )
