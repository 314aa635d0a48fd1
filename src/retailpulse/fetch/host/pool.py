"""Every host that is in use, each with its queue and its limiter, and those that misbehaved lately."""

from collections.abc import Callable, Iterator

from retailpulse.fetch.host.limiter import HostLimiter
from retailpulse.fetch.host.queue import HostListener, HostQueue

_MOST_REMEMBERED = 10_000
"""Hosts without requests now that are remembered for what they did."""


class HostPool:
    """Every host that is in use, and those that misbehaved a short while ago.

    Without a listener no slots are leased: each host may be asked as its limiter allows.
    """

    def __init__(
        self,
        per_host: int,
        most: int,
        *,
        listener: HostListener | None = None,
        deadline_seconds: float = 180.0,
        close_idle: Callable[[HostQueue], object] = lambda _: None,
    ) -> None:
        self._per_host = per_host
        self._most = most
        self._deadline_seconds = deadline_seconds
        self._listener = listener
        self._close_idle = close_idle
        self._queues: dict[str, HostQueue] = {}

    def __len__(self) -> int:
        return len(self._queues)

    def __iter__(self) -> Iterator[HostQueue]:
        return iter(list(self._queues.values()))

    def get(self, origin_key: str) -> HostQueue | None:
        """The queue of a host that is known."""
        return self._queues.get(origin_key)

    def queue(self, origin_key: str) -> HostQueue:
        """The queue of a host."""
        queue = self._queues.get(origin_key)
        if queue is None:
            limiter = HostLimiter(self._per_host, self._most, deadline_seconds=self._deadline_seconds)
            queue = HostQueue(origin_key, limiter, self._listener, self._close_idle)
            self._queues[origin_key] = queue
            if len(self._queues) > _MOST_REMEMBERED:
                self._forget_idle()
        return queue

    def lease(self, origin_key: str, slots: int) -> HostQueue:
        """Say how many slots this worker has at a host from now on."""
        queue = self.queue(origin_key)
        queue.lease(slots)
        self._forget_plain(queue)
        return queue

    def leave(self, queue: HostQueue) -> None:
        """Give a slot back; a host that is not in use and did nothing wrong is forgotten."""
        queue.release()
        self._forget_plain(queue)

    def _forget_plain(self, queue: HostQueue) -> None:
        if not queue.used and queue.is_idle and queue.limiter.is_plain and queue.fallbacks is None:
            self._queues.pop(queue.origin_key, None)

    def _forget_idle(self) -> None:
        idle = [key for key, queue in self._queues.items() if queue.is_idle]
        for key in idle[: _MOST_REMEMBERED // 10]:
            del self._queues[key]
