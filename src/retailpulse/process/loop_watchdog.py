"""Notices when an event loop is kept from its other work, and logs which code did it.

CPU time of the loop's thread counts: a process that is frozen, or waits for a core, logs nothing.
Weak: a turn that is a little over the limit is noticed only if a look falls into its beginning.
"""

import asyncio
import contextlib
import logging
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

logger = logging.getLogger(__name__)

LIMIT_SECONDS = 0.05
"""So much CPU time a turn of the loop may take: everything that was ready at once, one after the other."""
LOOK_SECONDS = 0.05
QUIET_SECONDS = 10.0
"""At most one line in this time; it says how many turns had none."""
_IDLE_SECONDS = 0.005
"""A loop that took less CPU time between two looks is asked nothing, so that an idle one is not woken."""
_MOST_FRAMES = 6


def watch_loop(on_late: Callable[[float], object] | None = None) -> "LoopWatchdog | None":
    """Watch the running loop until it is closed; None if the system does not tell CPU times of threads.

    `on_late` is called in the loop with the CPU time in seconds of each turn over the limit.
    """
    return LoopWatchdog(on_late=on_late) if hasattr(time, "pthread_getcpuclockid") else None


class LoopWatchdog:
    """A thread that now and then asks the running loop for a sign, and sees what that takes.

    `looks`, `late_turns` and `longest_seconds` say what it has seen so far; `is_late`, that the present turn
    is over the limit.
    """

    def __init__(
        self,
        *,
        limit_seconds: float = LIMIT_SECONDS,
        quiet_seconds: float = QUIET_SECONDS,
        on_late: Callable[[float], object] | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._limit_seconds = limit_seconds
        self._quiet_seconds = quiet_seconds
        self._on_late = on_late
        self._watched = threading.get_ident()
        self._clock = time.pthread_getcpuclockid(self._watched)
        self._asked_at: float | None = None
        self._answered_at: float | None = None
        self._places: list[tuple[str, int, str]] = []
        self._logged_at = float("-inf")
        self._unlogged = 0
        self._is_closing = False
        self.looks = self.late_turns = 0
        self.longest_seconds = 0.0
        self.is_late = False
        self._thread = threading.Thread(target=self._watch, name="loop-watchdog", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Watch no more."""
        self._is_closing = True
        self._thread.join()

    def _watch(self) -> None:
        before = time.clock_gettime(self._clock)
        while not self._is_closing and not self._loop.is_closed():
            time.sleep(LOOK_SECONDS)  # cheaper by half than an event's wait
            now = time.clock_gettime(self._clock)
            with contextlib.suppress(RuntimeError):  # the loop was closed just now
                self._look(now, now - before)
            before = now
            self.looks += 1

    def _look(self, now: float, used_seconds: float) -> None:
        if self._asked_at is not None:
            if self._answered_at is None:
                self.is_late = now - self._asked_at > self._limit_seconds
                self._places = _places_of(self._watched)
                return
            self._judge(self._answered_at - self._asked_at)
            self._asked_at = self._answered_at = None
        if used_seconds > _IDLE_SECONDS:
            self._places = _places_of(self._watched)
            self._asked_at = now
            self._loop.call_soon_threadsafe(self._answer)

    def _answer(self) -> None:
        self._answered_at = time.thread_time()

    def _judge(self, took_seconds: float) -> None:
        self.is_late = False
        self.longest_seconds = max(self.longest_seconds, took_seconds)
        if took_seconds <= self._limit_seconds:
            return
        self.late_turns += 1
        if self._on_late is not None:
            self._loop.call_soon_threadsafe(self._on_late, took_seconds)
        if time.monotonic() - self._logged_at < self._quiet_seconds:
            self._unlogged += 1
            return
        more = f"; {self._unlogged} more since the last such line" if self._unlogged else ""
        logger.warning(
            "the event loop was kept for %.0f ms of CPU time by %s%s",
            1_000 * took_seconds,
            _describe(self._places),
            more,
        )
        self._logged_at, self._unlogged = time.monotonic(), 0


def _places_of(thread: int) -> list[tuple[str, int, str]]:
    """The place of a thread in the code, from the inside out; no frame is kept."""
    frame: FrameType | None = sys._current_frames().get(thread)
    places: list[tuple[str, int, str]] = []
    while frame is not None and len(places) < _MOST_FRAMES:
        places.append((frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name))
        frame = frame.f_back
    return places


def _describe(places: list[tuple[str, int, str]]) -> str:
    return " < ".join(f"{'/'.join(file.split('/')[-2:])}:{line} {name}" for file, line, name in places)
