"""How many images this worker takes of each host now: no more than it can start in the next moment.

Pure arithmetic on what is known of hosts; `scheduler` claims.
"""

import math
from collections.abc import Mapping
from uuid import UUID

import msgspec

PERIOD_SECONDS = 0.025
"""At most one claim in so long."""
_MOST_AHEAD = 1_024
_FIRST_AHEAD = 8
_LONGEST_PERIOD_SECONDS = 0.5
_HEADROOM = 2.0
"""Times as much is taken as the worker got through lately: so it may double from claim to claim."""


def ahead(slots: int, latency_seconds: float | None, rate_per_second: float | None) -> int:
    """How many images beyond its slots a host will take up before the claim after the next one.

    That is 50 ms of its usual work, at its pace if it has one: next to nothing at a slow host, some
    hundred at a fast one.
    """
    if latency_seconds is None:
        return 0
    rate = slots / max(latency_seconds, 0.001)
    if rate_per_second is not None:
        rate = min(rate, rate_per_second)
    return min(_MOST_AHEAD, math.ceil(rate * 2 * PERIOD_SECONDS))


class Throughput:
    """How fast a worker gets through the images of one host, over about the last two claims.

    A fast host says little if the worker is the limit: decoding a photo may take ten times as long as
    fetching it, and what is taken ahead then only waits here, out of the reach of idle workers.
    """

    def __init__(self) -> None:
        self._rate = 0.0  # images a second
        self._held = 0
        self._looked_at = float("-inf")
        self._period_seconds = PERIOD_SECONDS

    def took(self, images: int) -> None:
        """Adds images that came in hand since the last look."""
        self._held += images

    def look(self, held: int, now: float) -> None:
        """Notes how many are in hand now; all others are done."""
        seconds = now - self._looked_at
        weight = math.exp(-seconds / (2 * PERIOD_SECONDS))
        if seconds > 0:
            self._rate = weight * self._rate + (1 - weight) * max(0, self._held - held) / seconds
            self._period_seconds = min(max(PERIOD_SECONDS, seconds), _LONGEST_PERIOD_SECONDS)
        self._held, self._looked_at = held, now

    @property
    def ahead(self) -> int:
        """How many images to take ahead at most."""
        return max(_FIRST_AHEAD, math.ceil(_HEADROOM * self._rate * 2 * self._period_seconds))


class Head(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The next job at a host with waiting images, and how many this worker could take there."""

    host_id: int
    rank: int
    job_id: UUID
    room: int


def shares(heads: Mapping[int, Head], room: int, held: Mapping[UUID, int]) -> dict[UUID, int]:
    """How many more images of each job to take if the worker, not its hosts, is the limit.

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
