"""Operations on jobs: find them, read their state, cancel them, retry their failures, delete them."""

from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any

import msgspec

from retailpulse.client.exchange import Exchange, Page
from retailpulse.client.params import Some, When, filters, job_path, label_filters
from retailpulse.client.transports import LONG_SECONDS, HttpRequest
from retailpulse.schema import Delivery, Job, JobStore, JobSummary


async def job(exchange: Exchange, job_id: str) -> Job:
    """The whole state of a job. Raises NotFound.

    >>> client.job(job_id).status
    <JobStatus.FAILED: 'failed'>
    """
    return await exchange.fetch(HttpRequest(method="GET", path=job_path(job_id)), Job)


async def jobs(
    exchange: Exchange,
    *,
    status: Some = None,
    name: str | None = None,
    labels: Mapping[str, Some] | None = None,
    store_id: Some = None,
    submitted_after: When = None,
    submitted_before: When = None,
) -> AsyncGenerator[JobSummary, None]:
    """Jobs, the newest first, one by one.

    Several states or stores, or values of one label, are alternatives; filters and labels of different
    names all have to hold. `name` is the whole name of the jobs.

    >>> for found in client.jobs(labels={"region": "north"}):
    ...     print(found.name, found.images.total)
    Monday 2
    """
    params = filters(
        status=status,
        name=name,
        store_id=store_id,
        submitted_after=submitted_after,
        submitted_before=submitted_before,
    )
    async for item in exchange.pages("/api/v1/jobs", params + label_filters(labels), Page[JobSummary]):
        yield item


async def job_stores(
    exchange: Exchange, job_id: str, *, store_id: Some = None
) -> AsyncGenerator[JobStore, None]:
    """The stores of a job, one by one: their images, how these ended, and why. Raises NotFound.

    >>> [(store.store_id, store.images) for store in client.job_stores(job_id)]
    [('RP00001', 2)]
    """
    async for item in exchange.pages(job_path(job_id, "stores"), filters(store_id=store_id), Page[JobStore]):
        yield item


async def cancel(exchange: Exchange, job_id: str) -> Job:
    """Call a job off: images without a result are cancelled, the others keep theirs.

    Raises NotFound; Conflict if the job has ended by itself.
    """
    request = HttpRequest(method="POST", path=job_path(job_id, "cancel"), read_seconds=LONG_SECONDS)
    return await exchange.fetch(request, Job)


async def retry(
    exchange: Exchange,
    job_id: str,
    *,
    causes: Iterable[str] | None = None,
    credentials: Mapping[str, Any] | None = None,
) -> Job:
    """Try again what has failed in a job, or only what failed for these causes.

    What the images were found to be before stays readable: see `results(..., earlier=True)`. A job that had
    `credentials` needs them again. Raises NotFound; Conflict if nothing of it has failed, the job was
    cancelled, or its credentials are missing.

    >>> client.retry(job_id, causes=["bad_url"]).retries
    1
    """
    fields = {"causes": None if causes is None else list(causes), "credentials": credentials}
    content = msgspec.json.encode({name: value for name, value in fields.items() if value is not None})
    request = HttpRequest(
        method="POST",
        path=job_path(job_id, "retry"),
        headers={"Content-Type": "application/json"},
        content=content,
        read_seconds=LONG_SECONDS,
        is_repeatable=False,  # what has failed again in the meantime would be tried once more
    )
    return await exchange.fetch(request, Job)


async def delete(exchange: Exchange, job_id: str) -> None:
    """Delete a job with its visits and results, which cannot be undone.

    Raises NotFound; Conflict while the job is ongoing: cancel it first.
    """
    # Once more it would be NotFound, whether or not the first time was heard.
    request = HttpRequest(method="DELETE", path=job_path(job_id), is_repeatable=False)
    await exchange.attempt(request, exchange.transport.read)


async def deliveries(exchange: Exchange, job_id: str) -> AsyncGenerator[Delivery, None]:
    """The callbacks of a job with every try to deliver them, one by one. Raises NotFound.

    >>> list(client.deliveries(job_id))
    []
    """
    async for item in exchange.pages(job_path(job_id, "deliveries"), [], Page[Delivery]):
        yield item


async def redeliver(exchange: Exchange, job_id: str) -> Delivery:
    """Have the callback of the last end of a job delivered once more, and give that delivery.

    Raises NotFound; Conflict if the job is ongoing or has no callback.
    """
    request = HttpRequest(method="POST", path=job_path(job_id, "redeliver"), is_repeatable=False)
    return await exchange.fetch(request, Delivery)
