"""Whether 403 passes at a host: some rate limiters answer so where others say 429.

It is tried where the host answers others: an image whose 403 is followed by an answer shows that it passes,
images that are refused for many seconds show that it stays. Weak: the first images of a host that forbids
some of its files are asked for five times, within 15 s.
"""

from retailpulse.domain.backoff import Backoff

_TRIES, _TRIES_WHERE_IT_PASSES = 5, 10
"""So many answers of 403 to one image show that it is about its URL."""
_PAUSES = Backoff(first_seconds=1, longest_seconds=8)
_PROBES, _VERDICT_SECONDS = 8, 16
"""So many images find it out; the others only wait for what these find."""
_STAYED_IMAGES = 3
"""So many such images show it of the host."""
_STAYS_SECONDS = 60.0
"""So long that is believed; then it is tried again."""
_LATELY_SECONDS = 10.0


class ForbiddenMemory:
    """What 403 has meant at one host so far."""

    def __init__(self) -> None:
        self.passes = False  # an image was answered that had been forbidden before
        self._probes = self._stayed = 0
        self._stayed_at = float("-inf")

    def pause_seconds(self, times: int, succeeded_at: float, now: float) -> int | None:
        """Seconds until another try may help, or None where none does.

        The image was forbidden so many `times` by now, the host last gave one to somebody at `succeeded_at`.
        """
        if times >= (_TRIES_WHERE_IT_PASSES if self.passes else _TRIES):
            self._stayed += 1
            self._stayed_at = now
            self.passes &= self._stayed < _STAYED_IMAGES
            return None
        stays = self._stayed >= _STAYED_IMAGES and now - self._stayed_at < _STAYS_SECONDS
        if stays or now - succeeded_at > _LATELY_SECONDS:
            return None
        if times == 1 and not self.passes:
            self._probes += 1
            if self._probes > _PROBES:
                return _VERDICT_SECONDS
        return int(_PAUSES.bound_seconds(times - 1))

    def passed(self) -> None:
        """An image was answered that had been forbidden."""
        self.passes = True
        self._probes = self._stayed = 0
