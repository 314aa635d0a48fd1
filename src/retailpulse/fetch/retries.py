"""How often, how long and with what pauses one image is tried.

The clock runs while a name is looked up, while a request or a pause runs, and while the image waits for a
host that only fails. Waiting for a slot counts in no limit: a full queue is our own doing, not the host's.
"""

import msgspec

from retailpulse.config.settings import FetchSettings
from retailpulse.domain.backoff import Backoff
from retailpulse.domain.images import Cause
from retailpulse.fetch.failures import TryFailed
from retailpulse.fetch.http.cookies import CookieJar
from retailpulse.fetch.http.messages import Response
from retailpulse.fetch.target.urls import Origin

OWN_REFUSALS = 2
"""Refusals beside answers to others after which further ones are about the image's own URL."""
MOST_EXCUSED = 10
"""Refusals that do not count as tries if the host only wants to be asked less often."""
OWN_TURNED_AWAY = 5
"""An image that was turned away more often says no more what its host bears: its own URL may be why."""
MOST_TURNED_AWAY = 40
"""Tries that do not count if the host turned their connection away while it served others."""


class Attempt(msgspec.Struct, gc=False):
    """What is left of an image's time, and how its current try is made."""

    image_seconds: float
    try_seconds: float = 0.0
    number: int = 0
    has_begun: bool = False  # the current try had its turn at the host
    forbidden: int = 0  # so many answers to this image were 403
    cookies: CookieJar | None = None  # of the current try, once it was redirected
    failed_at: str = ""  # the key of the host at which the last try failed
    fallbacks: int = 0  # how else than usual that host is asked now
    _excused: int = 0
    _turned_away: int = 0
    _excused_away: int = 0
    _answers: int = 0
    _refused_beside_others: int = 0
    _is_cut_short: bool = False
    before: TryFailed | None = None  # what the last request failed with
    _ended_at: int | None = None

    @property
    def tries(self) -> int:
        """How many tries had their turn."""
        return self.number if self.has_begun else self.number - 1

    def begin(self, timeout_seconds: float) -> None:
        """The next try begins; it may not outlast the image."""
        self.number += 1
        self.has_begun = False
        self.cookies = None
        self.try_seconds = min(timeout_seconds, self.image_seconds)
        self._is_cut_short = self.image_seconds < timeout_seconds

    def keep_cookies(self, origin: Origin, answer: Response) -> None:
        """Keep for this try what a redirect sets."""
        self.cookies = self.cookies or CookieJar()
        self.cookies.update(origin, answer)

    def spend(self, seconds: float) -> None:
        """Count seconds of the current try as used."""
        self.image_seconds -= seconds
        self.try_seconds -= seconds

    def wait(self, seconds: float) -> None:
        """Time went by in which the image waited: for its next try, or for a host that only fails."""
        self.image_seconds -= seconds
        if self.image_seconds < self.try_seconds:
            self.try_seconds = self.image_seconds
            self._is_cut_short = True

    def refused(self, answers: int) -> None:
        """The try was refused, by a host that has given `answers` answers so far."""
        self._refused_beside_others += answers > self._answers
        self._answers = answers

    @property
    def is_refused_alone(self) -> bool:
        """Whether the refusals are about this URL: the host answered others between each two of them."""
        return self._refused_beside_others > OWN_REFUSALS

    def discount(self) -> None:
        """Do not count the current try: the host refused it only because it came too early."""
        self._excused += self._excused < MOST_EXCUSED

    def turned_away(self, *, as_many_are: bool) -> bool:
        """The host served others and not this one; whether that is about the host, and not this URL alone.

        The try is not counted if it is about the host, or may be.
        """
        self._turned_away += 1
        is_own = self._turned_away > OWN_TURNED_AWAY
        if not is_own or as_many_are:
            self._excused_away += self._excused_away < MOST_TURNED_AWAY
        return not is_own

    def in_vain(self, others: TryFailed) -> TryFailed:
        """What an image fails with that waited for a host in vain: its own failure, if it had a try."""
        if self.before is None:
            return others
        failed = self.before.bare()
        failed.again = False
        return failed

    def classify(self, failed: TryFailed, others: TryFailed | None) -> TryFailed:
        """The failure that a request stands for: the earlier one, if it only ran out of the image's time.

        `others` is what the host's last requests failed with, if they did.
        """
        if failed.cause is Cause.TIMEOUT and self._is_cut_short:
            return self.before or others or failed
        self.before = failed.bare()
        return failed

    def pause_after(self, failed: TryFailed, settings: FetchSettings) -> float | None:
        """Seconds to wait before the next try, or None if there is none.

        Exponential with full jitter; a host that named a time is not asked before it. The last try is made
        in the simpler way that may help. An answer that broke off where an earlier one did would do so again.
        """
        if failed.ended_at is not None:
            if failed.ended_at == self._ended_at:
                return None
            self._ended_at = failed.ended_at
        counted = self.number - self._excused - self._excused_away
        if not failed.again or counted >= settings.tries:
            return None
        is_last = counted + 1 >= settings.tries or failed.ended_at is not None
        self.fallbacks = failed.remedies if is_last else 0
        if failed.remedies:
            self.before = failed.bare()
        backoff = Backoff(first_seconds=settings.backoff_seconds, jitter=(0.0, 1.0))
        pause = max(backoff.draw_seconds(max(0, counted - 1)), failed.not_before_seconds)
        return pause if pause < self.image_seconds else None
