"""How many answers that last, such as event streams, one caller and all together may have at once.

Counted in the memory of this process.
"""

from collections import Counter

from retailpulse.domain.errors import Busy
from retailpulse.web.errors import RateLimited

WAIT_SECONDS = 5


class Quota:
    """A limit to the answers at the same time, for one caller and in all."""

    def __init__(self, most: int, most_of_caller: int, what: str) -> None:
        self._most = most
        self._most_of_caller = most_of_caller
        self._what = what
        self._counts: Counter[str] = Counter()

    def acquire(self, caller: str) -> "QuotaSlot":
        """A place; raises RateLimited if the caller has all of its own, Busy if all are taken."""
        if self._counts[caller] >= self._most_of_caller:
            raise RateLimited(
                f"one key, or one address without a key, may have {self._most_of_caller} {self._what} at "
                "once; end one first",
                wait_seconds=WAIT_SECONDS,
            )
        if self._counts.total() >= self._most:
            raise Busy(f"{self._most} {self._what} are open, and no more may be at once; try again later")
        self._counts[caller] += 1
        return QuotaSlot(self._counts, caller)


class QuotaSlot:
    """A place in a quota until it is given back or garbage-collected."""

    def __init__(self, counts: Counter[str], caller: str) -> None:
        self._counts = counts
        self._caller: str | None = caller

    def release(self) -> None:
        """Releases the place; does nothing the second time."""
        caller, self._caller = self._caller, None
        if caller is not None:
            self._counts[caller] -= 1
            if not self._counts[caller]:
                del self._counts[caller]

    def __del__(self) -> None:
        self.release()  # of an answer that was never begun
