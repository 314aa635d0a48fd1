"""Whether a host refuses ranges: after a few images it is asked for whole files at once, for some minutes.

A whole file is left as soon as its header is known, so all that this saves is the request in vain.
"""

_ENOUGH = 3
"""So many images in a row whose range was refused and whose whole file was not."""
_BELIEVED_SECONDS = 600.0


class RangeMemory:
    """What ranges came to at one host; times come from the caller, in seconds."""

    def __init__(self) -> None:
        self._refused_in_a_row = 0
        self._refused_at = float("-inf")

    def are_refused(self, now: float) -> bool:
        """Whether a range need not be asked for."""
        return self._refused_in_a_row >= _ENOUGH and now - self._refused_at < _BELIEVED_SECONDS

    def refused(self, now: float) -> None:
        """A range was refused, and then the whole file was given."""
        self._refused_in_a_row += 1
        self._refused_at = now

    def given(self) -> None:
        """A range was given."""
        self._refused_in_a_row = 0
