"""Slots: how many transfers run at once, to one host and in all, first come first served.

Waiting costs nothing but memory. Weak: a host's capacity is fixed, it does not follow the host's answers.
"""

import asyncio
from collections import deque

from retailpulse.fetch.urls import Origin


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


class Hosts:
    """The slots of every host that is being asked or waited for."""

    def __init__(self, per_host: int) -> None:
        self._per_host = per_host
        self._slots: dict[Origin, Slots] = {}

    def __len__(self) -> int:
        return len(self._slots)

    async def take(self, origin: Origin) -> None:
        """Take a slot of a host; wait for one where all are used."""
        slots = self._slots.get(origin)
        if slots is None:
            slots = self._slots[origin] = Slots(self._per_host)
        await slots.take()

    def give_back(self, origin: Origin) -> None:
        """Give a slot back; a host that nobody uses is forgotten."""
        slots = self._slots[origin]
        slots.give_back()
        if not slots.used:
            del self._slots[origin]
