"""The list of jobs, the newest first, by state and name."""

from typing import Annotated
from urllib.parse import urlencode

from litestar import Response, get
from litestar.params import QueryParameter

from retailpulse.dashboard.places import read_job_place, write_job_place
from retailpulse.dashboard.rendering import AnyRequest, page
from retailpulse.domain.jobs import JobStatus
from retailpulse.service import JobLists, Stats
from retailpulse.service.job_summary import summarize
from retailpulse.storage.jobs.list import JobFilter

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
    after: Annotated[str, QueryParameter(name="after")] = "",
) -> Response[bytes]:
    """A page of jobs."""
    state = status if status in STATES else ""
    name = name.replace("\0", "").strip()
    wanted = JobFilter(statuses=(JobStatus(state),) if state else (), name=name or None)
    found, following = await job_lists.jobs(wanted, after=read_job_place(after), limit=ROWS)
    known = await stats.read()
    counts = {status: known.jobs.get(JobStatus(status), 0) for status in STATES if status}
    following_query = {"state": state, "q": name, "after": write_job_place(following)} if following else None
    return page(
        request,
        "jobs.html",
        jobs=list(map(summarize, found)),
        states=STATES,
        counts={"": sum(counts.values()), **counts},
        state=state,
        name=name,
        is_first=not after,
        next_page=f"/jobs?{urlencode(following_query)}" if following_query else None,
    )
