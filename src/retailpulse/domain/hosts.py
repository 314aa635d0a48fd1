"""Photo hosts as the whole fleet knows them: how many requests each bears, its pace, its circuit breaker.

No I/O and no decisions: those are `fetch.host.limiter`'s; the rows are `storage.scheduling`'s.
"""

from enum import StrEnum

import msgspec


class BreakerState(StrEnum):
    """The state of a host's circuit breaker."""

    CLOSED = "closed"
    """The host is asked as usual."""
    OPEN = "open"
    """The host only failed lately: it is left alone until its rest is over."""
    HALF_OPEN = "half_open"
    """The rest is over: one request at a time finds out whether the host answers again."""


class WaitReason(StrEnum):
    """What keeps a host from being asked for more now, by the name of its field."""

    BREAKER = "breaker"
    """The circuit breaker is not closed: the host only failed lately."""
    REST = "rest"
    """The host asked to be left alone, or was found to need it."""
    PACE = "pace"
    """The pace of the host is the limit, in requests a second."""
    CAP = "cap"
    """The cap of the host is the limit: as many requests are in flight."""


class HostLimits(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the fleet has learnt of a host; one row of the table `hosts`.

    `cap` is the most requests at once, by all workers together; `ceiling` the number at which the host last
    refused some, None if it never did. `rate_per_second` is the pace of a host that refuses even one
    request at a time, None for no pace. `rest_seconds` counts from now: until then no request may begin.
    `failed_probes` are those in a row since the breaker opened, `failing_seconds` how long the host has only
    failed, None if it answers. `latency_seconds` is what a request usually takes. `is_crowded` says that
    the host serves few connections and leaves the others waiting, so that none may be kept alive.
    `cause` and `detail` name the last failure or refusal, `refused_seconds` ago.
    """

    cap: int
    ceiling: int | None = None
    rate_per_second: float | None = None
    breaker: BreakerState = BreakerState.CLOSED
    rest_seconds: float = 0.0
    failed_probes: int = 0
    failing_seconds: float | None = None
    latency_seconds: float | None = None
    is_crowded: bool = False
    cause: str | None = None
    detail: str | None = None
    refused_seconds: float | None = None

    @property
    def most(self) -> int:
        """How many slots the fleet may lease: one if the breaker is not closed."""
        return self.cap if self.breaker is BreakerState.CLOSED else 1
