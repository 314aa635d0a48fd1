"""Photo hosts: which are in use, and what keeps each from giving more."""

from functools import partial
from typing import Annotated

from litestar import Response, get
from litestar.params import Parameter

from retailpulse.api.openapi.annotations import LINK, Tag, documented
from retailpulse.api.v1.filters import texts
from retailpulse.api.v1.pages import Cursors, Page, PageRequest
from retailpulse.api.v1.parameter_objects import with_parameter_objects
from retailpulse.schema import Host, HostRefusal
from retailpulse.service import Hosts
from retailpulse.service.hosts import HostPlace
from retailpulse.storage.scheduling.host_status import HostStatus

HOSTS: Cursors[HostPlace] = Cursors("hosts", tuple[int, str])
"""A position is how many images wait at the host after which a page begins, and its origin."""


@get(
    "/api/v1/hosts",
    operation_id="listHosts",
    summary="Photo hosts in use, and what limits them",
    tags=[Tag.SERVICE],
    opt=documented(Page[Host], meaning="A page of hosts.", headers={"Link": LINK}),
)
@with_parameter_objects
async def list_hosts(
    *,
    hosts: Hosts,
    origin: Annotated[
        list[str] | None,
        Parameter(description="Only the host with this origin, also if it is not in use."),
    ] = None,
    page: PageRequest,
) -> Response[Page[Host]]:
    """List the photo hosts in use, most waiting images first; up to a few seconds old.

    A host is in use if images wait for it or are in work, or if it refused lately. Numbers move between two
    pages, and a host may move with them.
    """
    return await page.answer(HOSTS, partial(hosts.hosts, texts("origin", origin)), _host)


def _host(row: HostStatus) -> Host:
    return Host(
        origin=row.origin,
        cap=row.cap,
        in_flight=row.in_flight,
        leased=row.leased,
        waiting=row.waiting,
        waiting_jobs=row.waiting_jobs,
        counted_all=row.counted_all,
        taken=row.taken,
        latency_seconds=_rounded(row.latency_seconds),
        rate_per_second=_rounded(row.rate_per_second),
        breaker=row.breaker,
        rest_seconds=round(row.rest_seconds, 3),
        failed_probes=row.failed_probes,
        last_refusal=None
        if row.refused_at is None
        else HostRefusal(cause=row.cause or "", detail=row.detail or "", at=row.refused_at),
    )


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 3)
