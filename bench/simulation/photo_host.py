"""Simulated photo hosts and the jobs that want their photos: what a host bears, and how it says no."""

import random
from dataclasses import dataclass, field
from enum import Enum

from retailpulse.domain.images import Cause
from retailpulse.fetch.failures import TryFailed, of_status


class Says(Enum):
    """How a request ends."""

    PHOTO = "photo"
    REDIRECT = "redirect"
    TOO_MANY = "429"
    RESET = "reset"
    DEAD = "dead"


FAILURES = {
    Says.TOO_MANY: of_status(429, 0),
    Says.RESET: TryFailed(Cause.CONNECT, "the connection was reset", again=True, turned_away=True),
    Says.DEAD: TryFailed(Cause.CONNECT, "nothing listens", again=True, unreached=True),
}
"""What the product makes of each refusal."""
REFUSAL_SECONDS = 0.002


@dataclass(kw_only=True, eq=False)
class Job:
    """Images that are wanted together; `ended_at` is when the last of them was settled."""

    name: str
    images: int
    priority: int = 0
    submitted_at: float = 0.0
    done: int = 0
    lost: int = 0
    ended_at: float | None = None
    cancelled_at: float | None = None
    begun: list[float] = field(default_factory=list, repr=False)

    @property
    def rank(self) -> int:
        """Lower is served first."""
        return -self.priority

    @property
    def is_ongoing(self) -> bool:
        """Whether its images are still wanted."""
        return self.ended_at is None and self.cancelled_at is None

    def settle(self, now: float, *, lost: bool = False) -> None:
        """One of its images is measured, or has failed for good."""
        self.done += not lost
        self.lost += lost
        if self.done + self.lost == self.images:
            self.ended_at = now


@dataclass(kw_only=True, eq=False)
class PhotoHost:
    """A host that answers after `least` to `most` seconds.

    It bears `bears` requests at once and says `refuses` to the rest; it is gone within `down` (from, to).
    Every photo of a host that `leads_to` another lies there.
    """

    name: str
    least: float
    most: float
    bears: int | None = None
    refuses: Says = Says.TOO_MANY
    down: tuple[float, float] | None = None
    leads_to: str | None = None
    in_flight: int = 0
    max_in_flight: int = 0
    requests: int = 0
    refused: int = 0
    answered: int = 0
    begun: list[float] = field(default_factory=list, repr=False)

    def begin(self, now: float, chance: random.Random) -> tuple[float, Says]:
        """A request comes in: after how many seconds it ends, and how. `end` must be told then."""
        self.requests += 1
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        self.begun.append(now)
        if self.down is not None and self.down[0] <= now < self.down[1]:
            return REFUSAL_SECONDS, Says.DEAD
        if self.bears is not None and self.in_flight > self.bears:
            self.refused += 1
            return REFUSAL_SECONDS, self.refuses
        seconds = chance.uniform(self.least, self.most)
        return seconds, Says.PHOTO if self.leads_to is None else Says.REDIRECT

    def end(self, *, answered: bool = False) -> None:
        """A request is over."""
        self.in_flight -= 1
        self.answered += answered
