"""A semaphore in order of priority: how many transfers of this process run at once, and whose turn is next.

Some slots are kept for hosts that are known to answer. Hosts that hang would otherwise take all of them in
the end: a slot that they have comes back late. The gate of `admit` is asked for each slot that is handed out,
so transfers that wait for memory are served in the same order.
"""

import asyncio
import resource
from collections.abc import Awaitable, Callable
from heapq import heappop, heappush
from itertools import count
from typing import Generic, TypeVar

Host = TypeVar("Host")
Order = tuple[int, float]
Admit = Callable[[], Awaitable[None] | None]
"""Whether a request may begin: None, or what it must wait for; may raise."""

_MOST_DESCRIPTORS = 65_536
_MOST_BY_DEFAULT = 4_000


class _Waiting(Generic[Host]):
    """The waiters, in order; cancelled ones stay until their turn."""

    def __init__(self) -> None:
        self.heap: list[tuple[int, float, int, Host, asyncio.Future[bool]]] = []

    def first(self) -> tuple[int, float, int, Host, asyncio.Future[bool]] | None:
        while self.heap and self.heap[0][-1].done():
            heappop(self.heap)
        return self.heap[0] if self.heap else None


class PrioritySemaphore(Generic[Host]):
    """A number of slots to take and give back; `is_proven` tells whether a host is known to answer."""

    def __init__(self, capacity: int, is_proven: Callable[[Host], bool], admit: Admit = lambda: None) -> None:
        self.capacity = capacity
        self._unproven_capacity = max(1, capacity - capacity // 4)
        self._is_proven = is_proven
        self._admit = admit
        self._used = 0
        self._unproven_used = 0
        self._numbers = count()
        self._proven: _Waiting[Host] = _Waiting()
        self._unproven: _Waiting[Host] = _Waiting()
        self._gate: asyncio.Future[None] | None = None  # until it ends no transfer begins

    @property
    def used(self) -> int:
        """How many slots are taken now."""
        return self._used

    def try_acquire(self, host: Host) -> bool | None:
        """Take a slot and say whether it counts as a proven host's; None if it must be waited for.

        Raises what the gate raises.
        """
        proven = self._is_proven(host)
        if self._gate is None and self._is_free(proven=proven) and self._is_admitted():
            # No waiter could have this slot: it would have been handed out.
            self._count(proven=proven)
            return proven
        return None

    async def acquire(self, host: Host, order: Order = (0, 0.0)) -> bool:
        """Acquire a slot, wait for one if all are used; returns whether it counts as a proven host's."""
        proven = self.try_acquire(host)
        if proven is not None:
            return proven
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        waiting = self._proven if self._is_proven(host) else self._unproven
        heappush(waiting.heap, (*order, next(self._numbers), host, turn))
        try:
            return await turn
        except asyncio.CancelledError:
            if not turn.cancelled() and turn.exception() is None:
                self.release(host, proven=turn.result())  # it was handed over in the same moment
            raise

    def release(self, host: Host, *, proven: bool) -> None:
        """Release a slot as it was acquired: to the next waiter, if there is one."""
        self._used -= 1
        self._unproven_used -= not proven
        if self._unproven.heap and self._is_proven(host):
            self._promote(host)
        if self._proven.heap or self._unproven.heap:
            self._hand_out()

    def close(self) -> None:
        """Fail every waiter with a RuntimeError."""
        if self._gate is not None:
            self._gate.cancel()
        for waiting in (self._proven, self._unproven):
            for entry in waiting.heap:
                if not entry[-1].done():
                    entry[-1].set_exception(RuntimeError("the downloader is closed"))
            waiting.heap.clear()

    def _promote(self, host: Host) -> None:
        """Move the waiters for a host that has just answered to the line that is served sooner."""
        kept = []
        for entry in self._unproven.heap:
            if entry[3] is host:
                heappush(self._proven.heap, entry)
            else:
                kept.append(entry)
        if len(kept) < len(self._unproven.heap):
            self._unproven.heap = sorted(kept)

    def _is_free(self, *, proven: bool) -> bool:
        return self._used < self.capacity and (proven or self._unproven_used < self._unproven_capacity)

    def _is_admitted(self) -> bool:
        """Whether the gate lets one more begin now; if not, the next are let in when it opens."""
        held = self._admit()
        if held is None:
            return True
        self._gate = asyncio.ensure_future(held)
        self._gate.add_done_callback(self._on_admitted)
        return False

    def _on_admitted(self, gate: asyncio.Future[None]) -> None:
        self._gate = None
        if gate.cancelled():
            return
        error = gate.exception()
        if error is not None:
            self._fail_first(error)
        self._hand_out()

    def _hand_out(self) -> None:
        """Give free slots to those whose turn it is, as long as the gate lets them in."""
        while self._gate is None and (found := self._next()) is not None:
            waiting, proven = found
            try:
                if not self._is_admitted():
                    return
            except Exception as error:  # what the gate raises is for the waiter that would have begun
                heappop(waiting.heap)[-1].set_exception(error)
                continue
            self._count(proven=proven)
            heappop(waiting.heap)[-1].set_result(proven)

    def _fail_first(self, error: BaseException) -> None:
        found = self._next()
        if found is not None:
            heappop(found[0].heap)[-1].set_exception(error)

    def _next(self) -> tuple[_Waiting[Host], bool] | None:
        """The line in which the first waiter stands that may have a slot."""
        unproven = self._unproven.first() if self._is_free(proven=False) else None
        proven = self._proven.first() if self._is_free(proven=True) else None
        if unproven is not None and (proven is None or unproven[:3] < proven[:3]):
            return self._unproven, False
        return None if proven is None else (self._proven, True)

    def _count(self, *, proven: bool) -> None:
        self._used += 1
        self._unproven_used += not proven


def capacity_by_descriptors() -> int:
    """How many transfers the file descriptors of this process allow, after raising their limit.

    Half of them, and a request that dials has two; the other half is for idle connections that are kept, the
    database and decoders.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    descriptors = _MOST_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
    return max(1, min(descriptors // 4, _MOST_BY_DEFAULT))
