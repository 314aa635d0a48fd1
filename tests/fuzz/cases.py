"""How many cases each test gets, and the count of those that were run.

A run has so many cases in all; each test takes a share of them. The profiles are made in `conftest`.
"""

import time
from collections import Counter

from hypothesis import settings

QUICK, FUZZ = "quick", "fuzz"
_SILENCE_SECONDS = 1.5


def share(part: float) -> settings:
    """The settings of a test that takes this part of all cases; without `fuzz`, the profile is `quick`."""
    is_fuzz = settings.get_current_profile_name() == FUZZ
    profile = settings.get_profile(FUZZ if is_fuzz else QUICK)
    return settings(profile, max_examples=max(1, round(profile.max_examples * part)))


class CaseCounter:
    """Counts the cases by kind, and says how far the run has come where somebody watches."""

    def __init__(self, *, total: int, is_watched: bool) -> None:
        self.counts: Counter[str] = Counter()
        self._total = total
        self._is_watched = is_watched
        self._began_at = self._spoke_at = time.monotonic()

    def count(self, kind: str) -> None:
        self.counts[kind] += 1
        if self._is_watched and time.monotonic() - self._spoke_at >= _SILENCE_SECONDS:
            self._say(f"now {kind}")

    def note(self, text: str) -> None:
        if self._is_watched:
            self._say(text)

    def conclude(self) -> None:
        if self._is_watched:
            self._say(", ".join(f"{count:,} {kind}" for kind, count in self.counts.items()))

    def _say(self, text: str) -> None:
        self._spoke_at = time.monotonic()
        seconds = self._spoke_at - self._began_at
        done = f"{self.counts.total():,} of {self._total:,} cases"
        print(f"\n{done}, {seconds:.0f} s: {text}", end="", flush=True)
