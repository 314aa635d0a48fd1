"""What a load of images takes: workers, memory, bandwidth, and the database with its disk.

Arithmetic over costs of one image that were measured on a machine (`make bench ARGS="--only capacity"`).
Weak: all photos are taken for equal, and all machines for the one that was measured.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from retailpulse.domain.images import Depth

DAY_SECONDS = 86_400.0
BUSY = 0.7
"""The part of a core, or of anything else, that is planned to be used at the peak."""
HEADER_BYTES = 16_384
"""What is fetched of a photo at depth `header`, mostly."""
WORKER_CONNECTIONS, API_CONNECTIONS = 6, 11
"""Connections of a process to the database, those of its own beside its pool among them, by the defaults."""
SETTLES_PER_SECOND = 4.0
"""How often a busy worker commits results, by the default of RETAILPULSE_WORKER_SETTLE_SECONDS."""
PAGE_BYTES = 8_192
CEILINGS = {
    "cores of the database": (
        32.0,
        "a larger machine; replicas for reads; several services, each with its jobs",
    ),
    "WAL, MB a second": (200.0, "faster disks for the WAL; depth `header`, or no search for copies"),
    "connections": (500.0, "pgbouncer, a larger `max_connections`"),
    "size of the database, TB": (4.0, "shorter retention; thumbnails for fewer days, or none"),
    "bandwidth, Gbit a second": (10.0, "workers in several networks; depth `header`"),
}
"""What one database server, and one network, mostly bear, and what lifts it."""


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """What one image costs: CPU in microseconds, sizes in bytes; `checked` is more of it at depth `decode`.

    `worker` is that of a header; the others come on top of it. Pictures are thumbnails and those for review.
    """

    measured_on: str
    worker_us: float
    worker_us_per_mb: float
    decode_us: float
    decode_us_per_megapixel: float
    api_us: float
    database_us: float
    database_checked_us: float
    row_bytes: float
    row_checked_bytes: float
    picture_bytes: float
    wal_bytes: float
    wal_checked_bytes: float
    worker_memory_bytes: float


OURS = Costs(
    measured_on="2 cores of Intel(R) Xeon(R) Processor",
    worker_us=264.0,
    worker_us_per_mb=1_534.0,
    decode_us=4_331.0,
    decode_us_per_megapixel=3_114.0,
    api_us=9.0,
    database_us=43.5,
    database_checked_us=1_357.0,
    row_bytes=365.0,
    row_checked_bytes=3_335.0,
    picture_bytes=20_958.0,
    wal_bytes=527.0,
    wal_checked_bytes=26_926.0,
    worker_memory_bytes=222e6,
)
"""Of 2026-12-01, with other programs nearly idle."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """What is to be measured; `peak` is how much busier the busiest hour is than the average one.

    `hosts` of photos answer within `latency_seconds` and take `host_cap` requests at once each.
    """

    images_per_day: float
    size_bytes: float
    megapixels: float
    depth: Depth
    hosts: int
    latency_seconds: float
    host_cap: int
    peak: float
    keep_days: float
    picture_days: float

    @property
    def peak_per_second(self) -> float:
        """Images a second in the busiest hour."""
        return self.images_per_day / DAY_SECONDS * self.peak


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """Something that is used up to a share of what it bears at the peak, and what lifts it."""

    name: str
    needed: float
    bears: float
    lifted_by: str

    @property
    def share(self) -> float:
        """How much of it is used; over 1: more than there is."""
        return self.needed / self.bears


@dataclass(frozen=True, kw_only=True, slots=True)
class Capacity:
    """What a load takes at its peak, and its limits, the nearest first."""

    images_per_second: float
    workers: int
    worker_memory_bytes: float
    apis: int
    bandwidth_bits: float
    requests_at_once: float
    database_cores: float
    connections: int
    database_bytes: float
    wal_bytes_per_second: float
    commits_per_second: float
    iops: float
    limits: Sequence[Limit]


def worker_us(costs: Costs, depth: Depth, *, size_bytes: float, megapixels: float) -> float:
    """CPU time of a worker and its decoders for one image, in microseconds."""
    us = costs.worker_us
    if depth is not Depth.HEADER:
        us += costs.worker_us_per_mb * size_bytes / 1e6
    if depth is Depth.DECODE:
        us += costs.decode_us + costs.decode_us_per_megapixel * megapixels
    return us


def plan(load: Load, costs: Costs) -> Capacity:
    """What a load takes, by these costs."""
    rate, is_checked = load.peak_per_second, load.depth is Depth.DECODE
    of_image = worker_us(costs, load.depth, size_bytes=load.size_bytes, megapixels=load.megapixels)
    workers = _processes(rate * of_image)
    apis = max(2, _processes(rate * costs.api_us))
    row_bytes = costs.row_bytes + is_checked * costs.row_checked_bytes
    wal = rate * (costs.wal_bytes + is_checked * costs.wal_checked_bytes)
    commits = min(rate, workers * SETTLES_PER_SECOND)
    body_bytes = load.size_bytes if load.depth is not Depth.HEADER else min(load.size_bytes, HEADER_BYTES)
    kept_bytes = load.keep_days * row_bytes + is_checked * load.picture_days * costs.picture_bytes
    takes = {
        "cores of the database": rate
        * (costs.database_us + is_checked * costs.database_checked_us)
        / 1e6
        / BUSY,
        "WAL, MB a second": wal / 1e6,
        "connections": workers * WORKER_CONNECTIONS + apis * API_CONNECTIONS,
        "size of the database, TB": load.images_per_day * kept_bytes / 1e12,
        "bandwidth, Gbit a second": rate * body_bytes * 8 / 1e9,
    }
    return Capacity(
        images_per_second=rate,
        workers=workers,
        worker_memory_bytes=workers * costs.worker_memory_bytes,
        apis=apis,
        bandwidth_bits=takes["bandwidth, Gbit a second"] * 1e9,
        requests_at_once=rate * load.latency_seconds,
        database_cores=takes["cores of the database"],
        connections=int(takes["connections"]),
        database_bytes=takes["size of the database, TB"] * 1e12,
        wal_bytes_per_second=wal,
        commits_per_second=commits,
        iops=commits + rate * row_bytes / PAGE_BYTES,
        limits=_limits(load, takes),
    )


def _processes(us_per_second: float) -> int:
    """How many processes of a core each spend so many microseconds of CPU time in a second."""
    return max(1, math.ceil(round(us_per_second / 1e6 / BUSY, 6)))


def _limits(load: Load, takes: dict[str, float]) -> list[Limit]:
    hosts = Limit(
        name="requests at once that the photo hosts take",
        needed=load.peak_per_second * load.latency_seconds,
        bears=float(load.hosts * load.host_cap),
        lifted_by="more or faster hosts; RETAILPULSE_FETCH_PER_HOST where their owners allow it",
    )
    ours = [
        Limit(name=name, needed=needed, bears=CEILINGS[name][0], lifted_by=CEILINGS[name][1])
        for name, needed in takes.items()
    ]
    return sorted([hosts, *ours], key=lambda limit: limit.share, reverse=True)
