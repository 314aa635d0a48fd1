"""The CPU time of another process, as the kernel counts it, asked for by one system call.

Weak: it goes by number, so for a process that ended it may tell another's time.
"""

import time

_ALL_THREADS = 2  # CPUCLOCK_SCHED; such ids are the kernel's ABI, see clock_getcpuclockid(3)


class Stopwatch:
    """The CPU time that a process has had since it was first seen at what it is at."""

    def __init__(self) -> None:
        self._seen: object = None
        self._seen_at = 0.0

    def seconds(self, now: float, at: object) -> float:
        """CPU seconds since it was first seen at `at`: never more than that has taken. `now` is its clock."""
        if self._seen != at:
            self._seen, self._seen_at = at, now
        return now - self._seen_at


class CpuClock:
    """How much CPU time a process has had."""

    def __init__(self, pid: int) -> None:
        self._clock = ~pid << 3 | _ALL_THREADS

    def seconds(self) -> float:
        """In user and in kernel mode, of all its threads; 0 once it ended."""
        try:
            return time.clock_gettime(self._clock)
        except OSError:
            return 0.0
