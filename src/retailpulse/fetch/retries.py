"""How often, how long and with what pauses one image is tried.

The clock runs while a request or a pause runs. Waiting for a slot counts in no limit: a full queue is our
own doing, not the host's.
"""

from dataclasses import dataclass
from random import SystemRandom

from retailpulse.config.settings import FetchSettings
from retailpulse.domain.images import Cause
from retailpulse.fetch.failures import TryFailed

_random = SystemRandom()


@dataclass(slots=True)
class Attempt:
    """What is left of an image's time, and how its current try is made."""

    image_seconds: float
    try_seconds: float = 0.0
    number: int = 0
    fresh_name: bool = False  # the name did not resolve: do not take that answer from a cache again

    def begin(self, timeout_seconds: float) -> None:
        """The next try begins; it may not outlast the image."""
        self.number += 1
        self.try_seconds = min(timeout_seconds, self.image_seconds)

    def spend(self, seconds: float) -> None:
        """Time went by that counts."""
        self.image_seconds -= seconds
        self.try_seconds -= seconds

    def pause_after(self, failed: TryFailed, settings: FetchSettings) -> float | None:
        """Seconds to wait before the next try, or None where there is none.

        Exponential with full jitter; a host that named a time is not asked before it.
        """
        if not failed.again or self.number >= settings.tries:
            return None
        self.fresh_name = failed.cause is Cause.DNS
        longest = settings.backoff_seconds * 2.0 ** (self.number - 1)
        pause = max(_random.uniform(0.0, longest), failed.not_before_seconds)
        return pause if pause < self.image_seconds else None
