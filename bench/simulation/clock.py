"""Simulated time: what happens next, in seconds, and nothing in between."""

import contextlib
import random
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from unittest.mock import patch

from retailpulse.domain import backoff


class Clock:
    """A queue of events; those of the same moment come in the order in which they were planned."""

    def __init__(self) -> None:
        self.now = 0.0
        self._planned: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0

    def at(self, moment: float, event: Callable[[], None]) -> None:
        """Plan an event, not before now."""
        self._number += 1
        heappush(self._planned, (max(moment, self.now), self._number, event))

    def after(self, seconds: float, event: Callable[[], None]) -> None:
        """Plan an event so many seconds from now."""
        self.at(self.now + seconds, event)

    def run(self, until: float, stop: Callable[[], bool] = lambda: False) -> bool:
        """Let everything happen until a moment; True where `stop` became true before it."""
        while self._planned and self._planned[0][0] <= until:
            self.now, _, event = heappop(self._planned)
            event()
            if stop():
                return True
        self.now = until
        return False


@contextlib.contextmanager
def seeded(seed: int = 7) -> Iterator[random.Random]:
    """Chance that is the same each time, also where the product asks the system for it."""
    chance = random.Random(seed)
    with patch.object(backoff, "_random", chance):
        yield chance
