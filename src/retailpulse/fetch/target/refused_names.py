"""Logs names whose addresses may not be dialled, if no answer says so: each once a minute at most.

Weak: a job with many such names can fill the minute's lines; those of others are only counted then.
"""

import logging
import time

logger = logging.getLogger(__name__)

MOST_LINES = 100
MINUTE_SECONDS = 60.0


class RefusedNames:
    """The names that were logged in this minute."""

    def __init__(self) -> None:
        self._begun_at = float("-inf")
        self._told: set[str] = set()
        self._untold = 0

    def log(self, name: str) -> None:
        """Log a name, unless this minute has its line, or as many as it may have."""
        now = time.monotonic()
        if now - self._begun_at >= MINUTE_SECONDS:
            if self._untold:
                logger.warning("%d more look-ups ended at addresses that are not allowed", self._untold)
            self._begun_at, self._untold = now, 0
            self._told.clear()
        if name in self._told:
            return
        if len(self._told) >= MOST_LINES:
            self._untold += 1
            return
        self._told.add(name)
        logger.warning("%s exists, but its addresses are not allowed; its images fail as dns", name)
