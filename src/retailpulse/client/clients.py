"""The two clients: what they can do is one list, how they wait is the only difference."""

import os
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import httpx

from retailpulse import __version__
from retailpulse.client import analyses as _analyses
from retailpulse.client import hosts as _hosts
from retailpulse.client import jobs as _jobs
from retailpulse.client import matches as _matches
from retailpulse.client import photos as _photos
from retailpulse.client import profiles as _profiles
from retailpulse.client import reports as _reports
from retailpulse.client import results as _results
from retailpulse.client import reviews as _reviews
from retailpulse.client import stats as _stats
from retailpulse.client import stores as _stores
from retailpulse.client import submitting, waiting
from retailpulse.client import thumbnails as _thumbnails
from retailpulse.client.errors import BadInput
from retailpulse.client.exchange import Exchange, Outage, RetryBudget
from retailpulse.client.sync_bridge import AsyncSession, Call, Session, Stream, SyncSession, run_now
from retailpulse.client.transports import AsyncTransport, SyncTransport

DEFAULT_URL = "http://127.0.0.1:9090"
_CONNECT_SECONDS = 5.0
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class _Operations(Session):
    """Everything that a client can do; parameters, errors and examples stand in the modules named here."""

    _transport: type[SyncTransport | AsyncTransport]

    submit = Call(submitting.submit)
    submitted = Call(submitting.submitted)
    dry_run = Call(submitting.dry_run)
    wait = Call(waiting.wait)
    events = Stream(waiting.events)
    job = Call(_jobs.job)
    jobs = Stream(_jobs.jobs)
    job_stores = Stream(_jobs.job_stores)
    results = Stream(_results.results)
    exported = Stream(_results.exported)
    export = Call(_results.export)
    thumbnail = Call(_thumbnails.thumbnail)
    review = Call(_reviews.review)
    decide = Call(_reviews.decide)
    decide_many = Call(_reviews.decide_many)
    undo_review = Call(_reviews.undo_review)
    review_queue = Stream(_reviews.review_queue)
    review_count = Call(_reviews.review_count)
    cancel = Call(_jobs.cancel)
    retry = Call(_jobs.retry)
    delete = Call(_jobs.delete)
    deliveries = Stream(_jobs.deliveries)
    redeliver = Call(_jobs.redeliver)
    analyze = Stream(_analyses.analyze)
    analyses = Stream(_analyses.analyses)
    analysis = Call(_analyses.analysis)
    stores = Stream(_stores.stores)
    store = Call(_stores.store)
    import_stores = Call(_stores.import_stores)
    areas = Stream(_stores.areas)
    visits = Stream(_stores.visits)
    export_stores = Call(_stores.export_stores)
    export_visits = Call(_stores.export_visits)
    photos = Stream(_photos.photos)
    export_photos = Call(_photos.export_photos)
    report_visits = Stream(_reports.report_visits)
    report_stores = Stream(_reports.report_stores)
    report_areas = Stream(_reports.report_areas)
    export_report = Call(_reports.export_report)
    matches = Stream(_matches.matches)
    export_matches = Call(_matches.export_matches)
    stats = Call(_stats.stats)
    hosts = Stream(_hosts.hosts)
    profile = Call(_profiles.profile)

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        timeout_seconds: float = 60.0,
        patience_seconds: float = 15.0,
        first_contact_seconds: float | None = None,
        on_outage: Callable[[Outage], None] | None = None,
    ) -> None:
        """Prepare to speak to the service at `url`; nothing is sent yet.

        Without `url` and `api_key`, RETAILPULSE_URL and RETAILPULSE_API_KEY say them; without these, the
        service is sought on this machine, with no key. `timeout_seconds` is how long the service may be
        silent within a request. What can safely be sent again is, for `patience_seconds`: after an outage,
        a refusal for now (503) or for too many requests (429), as late as the service asks for.
        `first_contact_seconds` is the same for a service that this client never reached yet. `on_outage` is
        told the error each time. Raises BadInput.
        """
        at = url or os.environ.get("RETAILPULSE_URL") or DEFAULT_URL
        key = api_key or os.environ.get("RETAILPULSE_API_KEY")
        retry_budget = RetryBudget(
            outage_seconds=patience_seconds,
            first_contact_seconds=patience_seconds
            if first_contact_seconds is None
            else first_contact_seconds,
            on_outage=on_outage or (lambda _: None),
        )
        self.url = _checked(at).rstrip("/")
        transport = self._transport(**_options(self.url, key, timeout_seconds))
        self.exchange = Exchange(transport, url=self.url, retry_budget=retry_budget)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"


class Client(_Operations, SyncSession):
    """A client of a service, for programs that wait. Use it as a context, or close it.

    One client may be used by many threads at once; it keeps connections between calls.

    >>> from retailpulse.client import Client
    >>> with Client(url) as client:
    ...     job_id = client.submit(visits)
    ...     job = client.wait(job_id)
    >>> job.status.value, job.causes
    ('failed', {'bad_url': 2})
    """

    _transport = SyncTransport

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        run_now(self.exchange.transport.leave())


class AsyncClient(_Operations, AsyncSession):
    """A client of a service, for programs that do other things meanwhile, under asyncio or trio.

    It has the methods of Client: those with one result are awaited, those with many iterated by `async for`.

    >>> import asyncio
    >>> from retailpulse.client import AsyncClient
    >>> async def failures():
    ...     async with AsyncClient(url) as client:
    ...         job_id = await client.submit(visits)
    ...         await client.wait(job_id)
    ...         return [result.cause async for result in client.results(job_id, outcome="failed")]
    >>> asyncio.run(failures())
    ['bad_url', 'bad_url']
    """

    _transport = AsyncTransport

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self.exchange.transport.leave()


def _checked(url: str) -> str:
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise BadInput(f"{url!r} is no address of a service: {error}") from error
    if parts.scheme not in {"http", "https"} or not parts.host:
        raise BadInput(f"{url!r} is not like {DEFAULT_URL}")
    return url


def _options(url: str, key: str | None, timeout_seconds: float) -> dict[str, Any]:
    headers = {"User-Agent": f"retailpulse/{__version__}", "Accept": "application/json"}
    if key:
        if not (key.isascii() and key.isprintable()):
            raise BadInput("the API key holds a character that no key has")
        headers["Authorization"] = f"Bearer {key}"
    return {
        "base_url": url,
        "headers": headers,
        "timeout": httpx.Timeout(timeout_seconds, connect=min(_CONNECT_SECONDS, timeout_seconds)),
        # A proxy for the outside must not be asked for this very machine.
        "trust_env": httpx.URL(url).host not in _LOOPBACK,
    }
