"""A check that a process of the service runs: one at a time in a database, ended after a time, with progress.

It blocks. Weak: of a process that was killed, the statement that it waited for goes on
in the database to its end or its time-out, and keeps the next check waiting.
"""

import contextlib
import threading
import time

import psycopg

from retailpulse.domain.errors import Conflict, TooSlow
from retailpulse.storage import locks
from retailpulse.storage.integrity.check import IntegrityReport, StaleThresholds, check_over
from retailpulse.storage.postgres.connecting import blocking_session
from retailpulse.storage.postgres.database import translated

_CANCEL_SECONDS = 5.0


class BoundedCheck:
    """One check of the database at `url`, which ends after `most_seconds` at the latest."""

    def __init__(self, url: str, thresholds: StaleThresholds, most_seconds: float) -> None:
        self._url = url
        self._thresholds = thresholds
        self._most_seconds = most_seconds
        self._ends_at = 0.0
        self._is_cancelled = threading.Event()
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None
        self.done = 0
        """How many steps are done, for other threads."""

    def run(self) -> IntegrityReport:
        """Checks; raises Conflict if another check has the database, TooSlow, or DatabaseUnavailable."""
        self._ends_at = time.monotonic() + self._most_seconds
        with translated(), blocking_session(self._url, autocommit=True) as connection:
            taken = connection.execute("SELECT pg_try_advisory_lock(%s)", [locks.CHECK]).fetchone()
            if taken != (True,):
                raise Conflict("the database still works on another check; try again in a while")
            self._connection = connection
            try:
                return check_over(
                    connection,
                    self._thresholds,
                    before_step=self._begin_step,
                    sleep=self._is_cancelled.wait,
                )
            except psycopg.errors.QueryCanceled:
                raise self._broken_off() from None

    def cancel(self) -> None:
        """Ends the check from another thread; `run` raises TooSlow then."""
        self._is_cancelled.set()
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._connection.cancel_safe(timeout=_CANCEL_SECONDS)

    def _begin_step(self, done: int) -> None:
        self.done = done
        left_seconds = self._ends_at - time.monotonic()
        if self._is_cancelled.is_set() or left_seconds <= 0 or self._connection is None:
            raise self._broken_off()
        given = [f"{max(1, round(left_seconds * 1_000))}ms"]
        self._connection.execute("SELECT set_config('statement_timeout', %s, true)", given)

    def _broken_off(self) -> TooSlow:
        if self._is_cancelled.is_set():
            return TooSlow("the process that ran it was told to stop")
        minutes = f"{self._most_seconds / 60:g} min"
        return TooSlow(f"it took longer than {minutes}; `retailpulse check` has no limit of time")
