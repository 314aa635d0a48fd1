"""Detects whether any text of very many came twice, by their hashes: 4 bytes each.

Weak: it may say so if none did, of a million texts in one case of ten; it never overlooks one.
"""

from array import array
from collections.abc import Sequence

_PARTS = 1 << 10


class DuplicateDetector:
    """Detects repeated texts by 4 bytes of a hash for each; may report one where there is none."""

    def __init__(self) -> None:
        # In parts, so that one at a time is compared as objects of Python.
        self._parts = [array("i") for _ in range(_PARTS)]

    def add_all(self, texts: Sequence[str]) -> None:
        """Takes the next texts."""
        parts = self._parts
        for number in map(hash, texts):  # seeded per process: no client can choose equal hashes
            parts[number % _PARTS].append(number >> 32)

    def end(self) -> bool:
        """Whether a text may have come twice; drops all hashes."""
        found = any(len(set(part)) < len(part) for part in self._parts)
        self._parts.clear()
        return found
