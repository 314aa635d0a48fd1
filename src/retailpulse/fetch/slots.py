"""Slots: how many transfers of this process run at once, host by host in turn.

Some are kept for hosts that are known to answer. Hosts that hang would otherwise take all of them in the
end: a slot that they have comes back late.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
_Queue = deque[asyncio.Future[bool]]


class Slots(Generic[Key]):
    """A number of slots to take and give back; `is_proven` tells whether a host is known to answer."""

    def __init__(self, capacity: int, is_proven: Callable[[Key], bool]) -> None:
        self._capacity = capacity
        self._unproven_capacity = max(1, capacity - capacity // 4)
        self._is_proven = is_proven
        self._used = 0
        self._unproven_used = 0
        # Hosts with someone who waits, in the order of their turns; cancelled waiters stay until then.
        self._proven: OrderedDict[Key, _Queue] = OrderedDict()
        self._unproven: OrderedDict[Key, _Queue] = OrderedDict()

    @property
    def used(self) -> int:
        """How many slots are taken now."""
        return self._used

    def take_now(self, host: Key) -> bool | None:
        """Take a slot and say whether it counts as a proven host's; None where it must be waited for."""
        proven = self._is_proven(host)
        if self._used < self._capacity and (proven or self._unproven_used < self._unproven_capacity):
            # Nobody waits who could have this slot: it would have been handed out.
            self._count(proven=proven)
            return proven
        return None

    async def take(self, host: Key) -> bool:
        """Take a slot, wait for one where all are used; says whether it counts as a proven host's."""
        proven = self.take_now(host)
        if proven is not None:
            return proven
        proven = self._is_proven(host)
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        ring = self._proven if proven else self._unproven
        ring.setdefault(host, deque()).append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self.give_back(host, proven=turn.result())  # it was handed over in the same moment
            raise

    def give_back(self, host: Key, *, proven: bool) -> None:
        """Give a slot back as it was taken: to the next who waits, or to nobody."""
        self._used -= 1
        self._unproven_used -= not proven
        if host in self._unproven and self._is_proven(host):
            self._proven.setdefault(host, deque()).extend(self._unproven.pop(host))
        while (self._proven or self._unproven) and self._used < self._capacity and self._hand_out():
            pass

    def _hand_out(self) -> bool:
        """Give a slot to the next host whose turn it is; False where there is none."""
        for ring, proven in ((self._unproven, False), (self._proven, True)):
            if ring and (proven or self._unproven_used < self._unproven_capacity):
                host, queue = ring.popitem(last=False)
                turn = queue.popleft()
                if queue:
                    ring[host] = queue
                if not turn.done():
                    self._count(proven=proven)
                    turn.set_result(proven)
                return True
        return False

    def _count(self, *, proven: bool) -> None:
        self._used += 1
        self._unproven_used += not proven
