"""Lists about jobs: which there are, newest first, and the stores of one."""

from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from litestar import Response, get
from litestar.params import Parameter

from retailpulse.api.openapi.annotations import LINK, Tag, documented
from retailpulse.api.v1.filters import StoreIds, checked, instant, labels, texts
from retailpulse.api.v1.pages import Cursors, Page, PageRequest, RowNumber
from retailpulse.api.v1.parameter_objects import with_parameter_objects
from retailpulse.api.v1.paths import known_id
from retailpulse.domain.jobs import JobStatus
from retailpulse.schema import JobStore, JobSummary
from retailpulse.service import JobLists
from retailpulse.storage.jobs.list import JobFilter, JobPlace
from retailpulse.storage.jobs.summary import count_store, summarize

JOBS: Cursors[JobPlace] = Cursors("jobs", tuple[datetime, UUID])
"""A position is that of the job after which a page begins."""
STORES: Cursors[int] = Cursors("stores-of-a-job", RowNumber)
"""A position is the number of the first visit to the store after which a page begins."""


@get(
    "/api/v1/jobs",
    operation_id="listJobs",
    summary="Jobs, the newest first",
    tags=[Tag.JOBS],
    opt=documented(Page[JobSummary], meaning="A page of jobs.", headers={"Link": LINK}),
)
@with_parameter_objects
async def list_jobs(
    *,
    job_lists: JobLists,
    status: Annotated[list[JobStatus] | None, Parameter(description="Only jobs in this state.")] = None,
    name: Annotated[
        str | None, Parameter(description="Only jobs of this name: the whole of it, in the same case.")
    ] = None,
    label: Annotated[
        list[str] | None,
        Parameter(
            description="Only jobs with this label, as `name:value`; of several values of one name each will "
            "do, of several names all must fit."
        ),
    ] = None,
    store_id: Annotated[
        list[str] | None, Parameter(description="Only jobs with a visit to this store.")
    ] = None,
    submitted_after: Annotated[
        str | None, Parameter(description="Only jobs submitted then or later: a date or an RFC 3339 time.")
    ] = None,
    submitted_before: Annotated[
        str | None, Parameter(description="Only jobs submitted before: a date or an RFC 3339 time.")
    ] = None,
    page: PageRequest,
) -> Response[Page[JobSummary]]:
    """List jobs, the newest first."""
    wanted = JobFilter(
        statuses=tuple(dict.fromkeys(status or ())),
        name=None if name is None else checked("name", name),
        labels=labels(label),
        store_ids=texts("store_id", store_id),
        start=instant("submitted_after", submitted_after),
        end=instant("submitted_before", submitted_before),
    )
    return await page.answer(JOBS, partial(job_lists.jobs, wanted), summarize)


@get(
    "/api/v1/jobs/{job_id:str}/stores",
    operation_id="listStoresOfJob",
    summary="The stores of a job, with counts of their images",
    tags=[Tag.JOBS],
    opt=documented(Page[JobStore], 404, meaning="A page of stores.", headers={"Link": LINK}),
)
@with_parameter_objects
async def stores_of_job(
    *,
    job_lists: JobLists,
    job_id: str,
    store_id: StoreIds = None,
    page: PageRequest,
) -> Response[Page[JobStore]]:
    """List the stores of a job, in the order in which they first appear in it."""
    read = partial(job_lists.stores, known_id(job_id), texts("store_id", store_id))
    return await page.answer(STORES, read, count_store)
