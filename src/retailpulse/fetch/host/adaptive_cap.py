"""The concurrency limit of one host by AIMD: additive increase, multiplicative decrease.

Each worker adds its part for its own answers, so the fleet together adds one for each round of answers. What
counts as a refusal is `limiter`'s to say.
"""

FAST_SECONDS, SLOW_SECONDS = 0.025, 0.050
"""Usual latencies: a host below the first may be given more than the starting cap, above the second not."""
ABOVE_START, NEAR_CEILING = 4, 20
"""How many times slower a cap grows above the starting cap, and near the number that was refused last."""
NEAR_CEILING_SECONDS = 10.0
"""A step near that number takes no longer: at a slow host twenty rounds of answers are minutes."""
RESTART_CAP = 4
"""Requests at once at a host whose breaker has just closed; slow start doubles them each round of answers."""


class AdaptiveCap:
    """How many requests at once: `start` at first, up to `most` at a host that answers fast and well."""

    def __init__(self, start: int, most: int) -> None:
        self.start = start
        self.most = max(start, most)
        self.ceiling: int | None = None  # the number at which the host last turned some away
        self.cut_at = float("-inf")
        self.value = start  # the cap
        self._exact = float(start)
        self._slow_start_until = 0.0

    def halve(self, now: float) -> None:
        """Multiplicative decrease: the host failed, for whatever reason."""
        self._cut(self.value // 2, now)

    def cut(self, now: float, *, answered: bool) -> None:
        """The host turned some away: halve the cap, or lower it by one if it had grown slowly to that.

        `answered` says that it answered any since the last cut; else that was not nearly enough.
        """
        turned_away_at, self.ceiling = self.ceiling, self.value
        if turned_away_at == self.value:
            self._cut(self.value - 1, now)
        else:
            is_first = self.cut_at == float("-inf")
            self._cut(self.value // (2 if answered or is_first else 4), now)

    def restart(self) -> None:
        """The host answers again: slow start from a few to fewer than it turned away before."""
        most = self.start if self.ceiling is None else max(1, self.ceiling - 1)
        self._slow_start_until = float(min(most, self.start))
        self._set(min(self._slow_start_until, float(RESTART_CAP)))

    def stays(self, latency_seconds: float) -> bool:
        """Whether an answer that took as long as usual changes nothing."""
        return self.value == self.most and (latency_seconds <= SLOW_SECONDS or self.most == self.start)

    def answered(self, latency_seconds: float, *, saturated: bool, well: bool) -> bool:
        """Additive increase, if our limit was the bottleneck; returns whether the cap has changed.

        `well` says that the latency is known, and that the host turned no request away lately. A grown cap
        goes back towards the start if the host is slow.
        """
        before = self.value
        if before > self.start and latency_seconds > SLOW_SECONDS:
            self._set(max(float(self.start), self._exact - 1.0))
        elif saturated and (before < self.start or (well and latency_seconds < FAST_SECONDS)):
            self._grow(latency_seconds)
        return self.value != before

    def adopt(self, cap: int, ceiling: int | None, now: float, *, slower: bool) -> None:
        """Take what another worker decided; `slower` says that it set a pace, too."""
        self.ceiling = ceiling
        if cap < self.value or slower:
            self.cut_at = now  # what began before belongs to the wave that was answered for
        part = self._exact - self.value if cap > self.value else 0.0  # of the next step, by own answers
        if cap != self.value:
            self._set(min(cap + part, float(self.most)))

    def _grow(self, latency_seconds: float) -> None:
        if self._exact < self._slow_start_until:
            self._set(min(self._exact + 1, self._slow_start_until))
            return
        more = 1 / self._exact
        if self._exact >= self.start:
            more /= ABOVE_START
        if self.ceiling is not None and self.value >= self.ceiling - 1:
            more /= max(1.0, min(float(NEAR_CEILING), NEAR_CEILING_SECONDS / max(latency_seconds, 0.001)))
        self._set(min(self._exact + more, float(self.most if self._exact >= self.start else self.start)))
        if self.ceiling is not None and self.value > self.ceiling + 1:
            self.ceiling = None  # it bears what it once turned away

    def _cut(self, cap: int, now: float) -> None:
        self.cut_at = now
        self._slow_start_until = 0.0
        self._set(float(max(1, cap)))

    def _set(self, exact: float) -> None:
        self._exact = exact
        self.value = int(exact)
