"""Chance that falls the same way on every machine and every Python, so that a demo can be repeated.

Not for secrets and not for statistics: a plain linear congruential generator (Knuth's MMIX constants).
"""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_MULTIPLIER = 6364136223846793005
_INCREMENT = 1442695040888963407
_MASK = (1 << 64) - 1


class Dice:
    """A sequence of draws that depends on the seed alone."""

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK
        for _ in range(4):  # the first draws of neighbouring seeds are alike
            self._step()

    def between(self, low: float, high: float) -> float:
        """A number from `low` up to, not including, `high`."""
        return low + (high - low) * self._step()

    def whole(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int((high - low + 1) * self._step())

    def pick(self, choices: Sequence[T]) -> T:
        """One of the choices."""
        return choices[self.whole(0, len(choices) - 1)]

    def _step(self) -> float:
        self._state = (self._state * _MULTIPLIER + _INCREMENT) & _MASK
        return (self._state >> 32) / 4294967296
