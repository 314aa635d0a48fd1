"""How many images this worker takes of each host now: no more than it can start in the next moment.

Pure arithmetic on what is known of hosts; who claims is `scheduler`.
"""

import math
from collections.abc import Mapping
from uuid import UUID

import msgspec

PERIOD_SECONDS = 0.025
"""At most one claim in so long."""
_MOST_AHEAD = 1_024


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
    can: dict[int, dict[UUID, int]] = {}
    for head in heads.values():
        of_rank = can.setdefault(head.rank, {})
        of_rank[head.job_id] = of_rank.get(head.job_id, 0) + head.room
    given: dict[UUID, int] = {}
    for rank in sorted(can):
        of_equals = _fill_up(can[rank], room, held)
        room -= sum(of_equals.values())
        given.update(of_equals)
    return given


def _fill_up(can: Mapping[UUID, int], room: int, held: Mapping[UUID, int]) -> dict[UUID, int]:
    """Gives room to equals, always to one of which least is in hand; none takes more than it can."""

    def up_to(level: int) -> dict[UUID, int]:
        return {
            job_id: min(most, max(0, level - held.get(job_id, 0))) for job_id, most in sorted(can.items())
        }

    low, high = 0, max(most + held.get(job_id, 0) for job_id, most in can.items())
    while low < high:
        level = (low + high + 1) // 2
        if sum(up_to(level).values()) <= room:
            low = level
        else:
            high = level - 1
    given, next_one = up_to(low), up_to(low + 1)
    left = room - sum(given.values())
    for job_id in [job_id for job_id in given if next_one[job_id] > given[job_id]][:left]:
        given[job_id] += 1
    return given
