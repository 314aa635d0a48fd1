"""Photo hosts: which are in use, and what keeps each from giving more."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get
from litestar.params import Parameter
from msgspec import Meta

from retailpulse.api.openapi.annotations import LINK, Tag, documented
from retailpulse.api.v1.filters import texts
from retailpulse.api.v1.pages import (
    DEFAULT_LIMIT,
    Cursors,
    CursorText,
    Limit,
    Page,
    page_response,
    write_cursor,
)
from retailpulse.domain.hosts import BreakerState
from retailpulse.domain.times import Instant
from retailpulse.service import Hosts
from retailpulse.service.hosts import HostPlace
from retailpulse.storage.scheduling.host_status import HostStatus

HOSTS: Cursors[HostPlace] = Cursors("hosts", tuple[int, str])
"""A position is how many images wait at the host after which a page begins, and its origin."""


class LastRefusal(msgspec.Struct, frozen=True, kw_only=True):
    """The last time that a host refused a request, or failed."""

    cause: Annotated[str, Meta(description="As the cause of an image.", examples=["http_status"])]
    detail: Annotated[str, Meta(description="What was seen.", examples=["HTTP 429"])]
    at: Annotated[Instant, Meta(description="When, UTC.")]


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """A photo host as all workers together know it."""

    origin: Annotated[
        str,
        Meta(
            description="Scheme, host and port; `(many hosts)` stands for all those with a few images each, "
            "`(quarantine)` for images that are tried alone, each in a process of its own.",
            examples=["https://photos.example:443"],
        ),
    ]
    cap: Annotated[
        int | None,
        Meta(description="Most requests at once, of all workers together; null: for those in brackets."),
    ]
    in_flight: Annotated[int, Meta(description="Requests under way, as workers last said.", examples=[16])]
    leased: Annotated[int, Meta(description="Of the cap, what workers hold now.", examples=[16])]
    waiting: Annotated[int, Meta(description="Images that no worker has taken yet.", examples=[4_880])]
    waiting_jobs: Annotated[int, Meta(description="How many jobs these are of.", examples=[2])]
    counted_all: Annotated[
        bool, Meta(description="False: more wait than `waiting` and `waiting_jobs` say, they are the least.")
    ]
    taken: Annotated[
        int, Meta(description="Images that workers have: in flight, about to be, or between two tries.")
    ]
    latency_seconds: Annotated[
        float | None, Meta(description="What a request usually takes; null: not known.", examples=[0.21])
    ]
    rate_per_second: Annotated[
        float | None, Meta(description="The pace that it is held to, in requests a second; null: none.")
    ]
    breaker: Annotated[
        BreakerState,
        Meta(
            description="Its circuit breaker: `closed`, asked as usual; `open`, left alone, as it only "
            "failed; `half_open`, one request finds out whether it answers again."
        ),
    ]
    rest_seconds: Annotated[float, Meta(description="For how long no request may begin; 0: it may.")]
    failed_probes: Annotated[int, Meta(description="Tries in vain since the breaker opened.", examples=[0])]
    last_refusal: Annotated[LastRefusal | None, Meta(description="The last one; null: none is known.")]


@get(
    "/api/v1/hosts",
    operation_id="listHosts",
    summary="Photo hosts in use, and what limits them",
    tags=[Tag.SERVICE],
    opt=documented(Page[Host], meaning="A page of hosts.", headers={"Link": LINK}),
)
async def list_hosts(
    request: Request[Any, Any, Any],
    hosts: Hosts,
    origin: Annotated[
        list[str] | None,
        Parameter(description="Only the host with this origin, also if it is not in use."),
    ] = None,
    cursor: CursorText = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Response[Page[Host]]:
    """List the photo hosts in use, most waiting images first; up to a few seconds old.

    A host is in use if images wait for it or are in work, or if it refused lately. Numbers move between two
    pages, and a host may move with them.
    """
    page, following = await hosts.hosts(texts("origin", origin), after=HOSTS.read(cursor), limit=limit)
    return page_response(request, list(map(_host, page)), write_cursor(HOSTS, following), limit)


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
        else LastRefusal(cause=row.cause or "", detail=row.detail or "", at=row.refused_at),
    )


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 3)
