"""The stores of a job as a table: sorted by links, searched, those with failures or flags alone."""

from typing import Annotated

from litestar import Response, get
from litestar.params import QueryParameter

from retailpulse.dashboard.job import frame_of, parse_job_id
from retailpulse.dashboard.places import read_row_place, write_row_place
from retailpulse.dashboard.queries import address_of, plain
from retailpulse.dashboard.rendering import AnyRequest, page
from retailpulse.domain.jobs import JobStatus
from retailpulse.service import JobLists, JobReports
from retailpulse.storage.jobs.store_pages import StoreOrder, StoreTable

ROWS = 100
_ORDERS = set(StoreOrder)


@get("/jobs/{job_id:str}/stores", include_in_schema=False)
async def job_stores(
    request: AnyRequest,
    job_reports: JobReports,
    job_lists: JobLists,
    job_id: str,
    sort: Annotated[str, QueryParameter(name="sort")] = "",
    text: Annotated[str, QueryParameter(name="q")] = "",
    after: Annotated[str, QueryParameter(name="after")] = "",
) -> Response[bytes]:
    """The stores of a job, in the order of its visits unless another is asked for."""
    known = parse_job_id(job_id)
    brief = await job_reports.brief(known)
    order = StoreOrder(sort) if sort in _ORDERS else StoreOrder.JOB
    text = plain(text)
    if text and order is StoreOrder.JOB:
        order = StoreOrder.STORE_ID  # along which those that begin with the text stand together
    place = read_row_place(after, is_text=order is StoreOrder.STORE_ID)
    wanted = StoreTable(order=order, text=text)
    stores, following = await job_lists.store_table(known, wanted, after=place, limit=ROWS)
    path = f"/jobs/{known}/stores"
    query = {"sort": "" if order is StoreOrder.JOB else str(order), "q": text}
    job = brief.job
    return page(
        request,
        "job_stores.html",
        **frame_of(brief, "stores"),
        job_stores=stores,
        order=order,
        text=text,
        is_first=not after,
        addresses={str(one): _address(path, query | {"sort": str(one)}) for one in StoreOrder},
        next_page=_address(path, query | {"after": write_row_place(following)}) if following else None,
        has_measured=job.status in {JobStatus.COMPLETED, JobStatus.FAILED},
    )


def _address(path: str, query: dict[str, str]) -> str:
    return address_of(
        path, {name: value for name, value in query.items() if (name, value) != ("sort", "job")}
    )
