"""Slots: how many transfers of this process run at once, with some kept for hosts that are known to answer.

Hosts that hang would otherwise take all of them in the end: a slot that they have comes back late.
"""

import asyncio
import heapq
from collections import deque
from itertools import count


class Slots:
    """A number of slots that are taken and given back in turn."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._unproven_capacity = max(1, capacity - capacity // 4)
        self._used = 0
        self._unproven_used = 0
        # Cancelled waiters stay until their turn.
        self._proven: deque[asyncio.Future[None]] = deque()
        self._unproven: list[tuple[int, int, asyncio.Future[None]]] = []
        self._arrivals = count()

    @property
    def used(self) -> int:
        """How many slots are taken now."""
        return self._used

    async def take(self, *, proven: bool = True, rank: int = 0) -> None:
        """Take a slot; wait for one where all are used.

        For hosts that are not `proven` to answer, a quarter of the slots is out of reach, and the lower rank
        goes first. Slots are given back as they were taken.
        """
        if self._used < self._capacity and (proven or self._unproven_used < self._unproven_capacity):
            # Nobody waits who could have this slot: it would have been handed out.
            self._count(proven=proven)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if proven:
            self._proven.append(turn)
        else:
            heapq.heappush(self._unproven, (rank, next(self._arrivals), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self.give_back(proven=proven)  # it was handed over in the same moment
            raise

    def give_back(self, *, proven: bool = True) -> None:
        """Give a slot back: to the next who waits, or to nobody."""
        self._used -= 1
        self._unproven_used -= not proven
        self._hand_out()

    def _hand_out(self) -> None:
        while self._used < self._capacity:
            if self._unproven and self._unproven_used < self._unproven_capacity:
                turn, proven = heapq.heappop(self._unproven)[2], False
            elif self._proven:
                turn, proven = self._proven.popleft(), True
            else:
                return
            if not turn.done():
                self._count(proven=proven)
                turn.set_result(None)

    def _count(self, *, proven: bool) -> None:
        self._used += 1
        self._unproven_used += not proven
