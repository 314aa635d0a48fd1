"""The work that reading one file may take, counted in steps by every reader of a header or an end.

Decoding is not counted here: the kernel limits it. Weak: a file that is read again as more of it arrives
pays for each reading, so the part of the budget that one reading has shrinks with their number.
"""

from typing import NoReturn

from retailpulse.measure.formats.faults import corrupt

MAX_STEPS = 200_000
"""Steps for one file: some 20 ms. Real photos take a few hundred, a HEIC of many tiles a few thousand."""
BYTES_PER_STEP = 16
"""Bytes that a regular expression looks through in one step."""
BYTES_PER_FAST_STEP = 512
"""Bytes that a search for fixed bytes looks through in one step."""


class Work:
    """The steps that the readers of one file have left, together; one step takes about 0.1 us."""

    __slots__ = ("left",)

    def __init__(self, steps: int = MAX_STEPS) -> None:
        self.left = steps

    def spend(self, steps: int = 1) -> None:
        """Spend `steps`; raises ImageError `corrupt` if they are not there any more."""
        self.left -= steps
        if self.left < 0:
            self.give_up()

    def give_up(self) -> NoReturn:
        """Raise what `spend` raises; a loop that runs for each file may count by itself."""
        raise corrupt("the file has more parts than any picture needs: reading it was given up")
