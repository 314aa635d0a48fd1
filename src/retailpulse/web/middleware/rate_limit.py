"""Rate limit: how often one key, and one address without a valid key, may ask.

A fixed window of a minute, in the memory of this process; a counter costs one entry of a dictionary until the
minute is over. Weak: twice as many may pass at the border of two minutes.
"""

import math
import time

from retailpulse.web.errors import RateLimited

Header = tuple[bytes, bytes]
MINUTE_SECONDS = 60.0


class FixedWindowRateLimiter:
    """Allows each caller `most` requests a minute, 0: any number; twice as many may pass around its end."""

    def __init__(self, most: int, what: str) -> None:
        self._most = most
        self._what = what
        self._counts: dict[str, int] = {}
        self._ends_at = 0.0
        self._limit = (b"ratelimit-limit", b"%d" % most)
        self._policy = (b"ratelimit-policy", b"%d;w=60" % most)

    def hit(self, who: str, headers: list[Header]) -> None:
        """Counts one request and adds to `headers` what is left; raises RateLimited if nothing is."""
        if not self._most:
            return
        now = self._roll_window()
        count = self._counts[who] = self._counts.get(who, 0) + 1
        seconds = math.ceil(self._ends_at - now)
        left = max(self._most - count, 0)
        headers += (
            self._limit,
            (b"ratelimit-remaining", b"%d" % left),
            (b"ratelimit-reset", b"%d" % seconds),
            self._policy,
        )
        if count > self._most:
            text = f"{self._what} may send {self._most} requests a minute; go on in {seconds} s"
            raise RateLimited(text, wait_seconds=seconds)

    def is_over(self, who: str) -> bool:
        """Whether this caller has used up its requests of this minute."""
        self._roll_window()
        return 0 < self._most <= self._counts.get(who, 0)

    def _roll_window(self) -> float:
        now = time.monotonic()
        if now >= self._ends_at:
            self._counts = {}
            self._ends_at = now + MINUTE_SECONDS
        return now
