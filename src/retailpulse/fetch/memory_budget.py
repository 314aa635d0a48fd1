"""The memory that unfinished bodies may take together: over half of it, each may only have its share.

The largest body always goes on, so that one ends, by its own limit if by nothing else, and makes room. A
slow transfer with little never keeps the others from going on.
"""

from typing import Protocol


class Reader(Protocol):
    """A transfer that can be told to read on."""

    def read_on(self) -> None:
        """Go on after a pause."""


class MemoryBudget:
    """Counts the bytes that each transfer holds in memory."""

    def __init__(self, most_bytes: int) -> None:
        # Below this no body waits; the other half is for the shares that are given from there on.
        self._free_bytes = most_bytes // 2
        self.total_bytes = 0  # what all of them hold
        self._held: dict[Reader, int] = {}
        self._paused: set[Reader] = set()

    def reserve(self, reader: Reader, size_bytes: int) -> bool:
        """Count bytes that arrived; False if the reader must wait with them until it is called."""
        held = self._held.setdefault(reader, 0)
        if self.total_bytes + size_bytes > self._free_bytes and not self._may_go_on(held, size_bytes):
            self._paused.add(reader)
            return False
        self._held[reader] = held + size_bytes
        self.total_bytes += size_bytes
        return True

    def release(self, reader: Reader) -> None:
        """Count off all that a reader holds, and let those that wait try again."""
        self.total_bytes -= self._held.pop(reader, 0)
        self._paused.discard(reader)
        if self._paused:
            paused, self._paused = self._paused, set()
            for waiting in sorted(paused, key=self._held.__getitem__, reverse=True):
                waiting.read_on()

    def _may_go_on(self, held_bytes: int, size_bytes: int) -> bool:
        share = self._free_bytes // len(self._held)
        return held_bytes + size_bytes <= share or held_bytes == max(self._held.values())
