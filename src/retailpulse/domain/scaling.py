"""How many workers the work that waits is worth."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    """What waits for workers.

    `images` have no result yet; `images_per_second` is the most that the hosts they wait for give, None if
    that is not known. `has_chores` tells of callbacks that are due, or photos not yet searched for copies.
    """

    images: int
    images_per_second: float | None
    has_chores: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ScalingGoal:
    """What one worker settles in a second, and in how many seconds all that waits is to be settled.

    `host_cap` is the most requests at once to a host of which nothing was learnt.
    """

    images_per_second: float
    backlog_seconds: float
    host_cap: int

    def workers_wanted(self, demand: Demand) -> int:
        """As many as settle what waits in time, no more than the hosts can feed; 0: nothing waits.

        It depends on no rate that the workers of this moment reach: if hosts are slow, more workers would
        only make each of them slower, and so seem to be wanted.
        """
        if not demand.images:
            return int(demand.has_chores)
        rate = demand.images / self.backlog_seconds
        if demand.images_per_second is not None:
            rate = min(rate, demand.images_per_second)
        return max(1, math.ceil(rate / self.images_per_second))
