"""Values that are believed for a time (time to live, TTL), in the memory of one event loop.

Weak: what is over goes only when it is replaced, or when others need its place.
"""

import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class TtlCache(Generic[K, V]):
    """At most `most` values by key; the one that was put in first goes for a new one. None is no value."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._kept: dict[K, tuple[V, float]] = {}

    def get(self, key: K) -> V | None:
        """The value, or None if there is none that is still believed."""
        kept = self._kept.get(key)
        return kept[0] if kept is not None and self._clock() < kept[1] else None

    def __contains__(self, key: K) -> bool:
        """Whether there is a value, also one that is believed no more."""
        return key in self._kept

    def put(self, key: K, value: V, *, until: float) -> None:
        """Keeps a value, which is believed until a moment of `time.monotonic`."""
        self._kept.pop(key, None)  # so that the order of the dictionary is that of age
        if len(self._kept) >= self._most:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = value, until

    def drop(self, key: K) -> None:
        """Forgets the value, if there is one."""
        self._kept.pop(key, None)
