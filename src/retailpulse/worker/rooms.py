"""How many images this worker takes of each host now: no more than it can start in the next moment.

Pure arithmetic on what is known of hosts; who claims is `scheduler`.
"""

import math
from collections.abc import Mapping
from uuid import UUID

import msgspec

PERIOD_SECONDS = 0.025
"""At most one claim in so long."""
_MOST_AHEAD = 256


def ahead(slots: int, latency_seconds: float | None, rate_per_second: float | None) -> int:
    """How many images beyond its slots a host will take up before the claim after the next one.

    That is 50 ms of its usual work, at its pace where it has one: next to nothing at a slow host, some
    hundred at a fast one.
    """
    if latency_seconds is None:
        return 0
    rate = slots / max(latency_seconds, 0.001)
    if rate_per_second is not None:
        rate = min(rate, rate_per_second)
    return min(_MOST_AHEAD, math.ceil(rate * 2 * PERIOD_SECONDS))


class Head(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who is next at a host where images wait, and how many this worker could take there."""

    host_id: int
    rank: int
    job_id: UUID
    room: int


def shares(heads: Mapping[int, Head], room: int, held: Mapping[UUID, int]) -> dict[UUID, int]:
    """How many more images of each job to take where the worker, not its hosts, is the limit.

    By priority first, then the same for each job (max-min fairness): a job on one host gets as much as one
    on a hundred. `held` are the images of each job in hand, which count.
    """
    can: dict[tuple[int, UUID], int] = {}
    for head in heads.values():
        can[head.rank, head.job_id] = can.get((head.rank, head.job_id), 0) + head.room
    left = room + sum(held.get(job_id, 0) for _, job_id in can)
    quotas: dict[UUID, int] = {}
    for rank in sorted({rank for rank, _ in can}):
        equals = sorted(
            ((held.get(job_id, 0) + images, job_id) for (of, job_id), images in can.items() if of == rank)
        )
        for place, (most, job_id) in enumerate(equals):
            quota = min(most, left // (len(equals) - place))
            left -= quota
            quotas[job_id] = max(0, quota - held.get(job_id, 0))
    return quotas
