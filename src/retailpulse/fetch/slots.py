"""Slots: how many transfers of this process run at once, first come first served."""

import asyncio
from collections import deque


class Slots:
    """A number of slots that are taken and given back in turn."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._used = 0
        # Someone waits only while every slot is used; cancelled waiters stay until their turn.
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def used(self) -> int:
        """How many slots are taken now."""
        return self._used

    async def take(self) -> None:
        """Take a slot; wait for one where all are used."""
        if self._used < self._capacity:
            self._used += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back()  # it was handed over in the same moment
            raise

    def give_back(self) -> None:
        """Hand a taken slot to the next who waits, or free it."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._used -= 1
