"""Whether an event loop still turns: it writes into a pipe, whose other end counts the silence.

Only time in which the watcher itself ran counts, so a machine that sleeps, or processes that are frozen
together, do not count. Weak: a loop that has not begun yet is not judged.
"""

import asyncio
import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

logger = logging.getLogger(__name__)

BEAT_SECONDS = 0.5
LOOK_SECONDS = 0.5
LONGEST_LOOK_SECONDS = 2 * LOOK_SECONDS
"""A look that comes later than this was kept from it itself: that time is not the loop's silence."""
_READ_BYTES = 65_536


async def beat_forever(descriptor: int) -> None:
    """Writes a sign into a pipe twice a second, until it is cancelled or the other end is closed."""
    os.set_blocking(descriptor, False)
    while True:
        try:
            os.write(descriptor, b".")
        except BlockingIOError:  # a watcher that is frozen has seen enough for when it wakes up
            pass
        except BrokenPipeError:
            return
        await asyncio.sleep(BEAT_SECONDS)


class LoopWatch:
    """A pipe for the signs of a loop, and the time without one; the loop's process gets `writing_end`.

    `signs` counts those that came so far.
    """

    def __init__(self) -> None:
        self._reading_end, self.writing_end = os.pipe()
        os.set_blocking(self._reading_end, False)
        self._is_shared = False
        self._has_begun = False
        self._silent_seconds = 0.0
        self.signs = 0
        self._looked_at = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the pipe."""
        self.hand_over()
        os.close(self._reading_end)

    def hand_over(self) -> None:
        """Closes the writing end here, once another process has it."""
        if not self._is_shared:
            self._is_shared = True
            os.close(self.writing_end)

    def look(self) -> float:
        """For how many seconds there was no sign, as far as this process ran; 0 before the first one."""
        now = time.monotonic()
        since_seconds, self._looked_at = now - self._looked_at, now
        if self._was_heard():
            self._has_begun, self._silent_seconds = True, 0.0
        elif self._has_begun and since_seconds <= LONGEST_LOOK_SECONDS:
            self._silent_seconds += since_seconds
        return self._silent_seconds

    def _was_heard(self) -> bool:
        with contextlib.suppress(BlockingIOError):
            signs = len(os.read(self._reading_end, _READ_BYTES))
            self.signs += signs
            return signs > 0
        return False

    async def until_stalled(self, seconds: float) -> None:
        """Returns once there was no sign for `seconds`."""
        self._looked_at = time.monotonic()
        while True:
            if self.look() >= seconds:
                return
            await asyncio.sleep(LOOK_SECONDS)


@contextlib.asynccontextmanager
async def beating(descriptor: int) -> AsyncIterator[None]:
    """Lets the running loop give signs while the block runs."""
    task = asyncio.create_task(beat_forever(descriptor))
    try:
        yield
    finally:
        task.cancel()


@contextlib.asynccontextmanager
async def ending_when_stalled(seconds: float) -> AsyncIterator[None]:
    """Kills this process if its loop stalls for `seconds` while the block runs, and no parent does so first.

    Weak: C code that keeps Python's lock keeps this thread too.
    """
    is_over = threading.Event()

    def look(watch: LoopWatch) -> None:
        while not is_over.wait(LOOK_SECONDS):
            if watch.look() >= seconds:
                logger.critical("the event loop stalled for %g s; this process ends", seconds)
                os.kill(os.getpid(), signal.SIGKILL)

    with LoopWatch() as watch:
        thread = threading.Thread(target=look, args=[watch], name="loop-heartbeat", daemon=True)
        thread.start()
        try:
            async with beating(watch.writing_end):
                yield
        finally:
            is_over.set()
            thread.join()


@contextlib.asynccontextmanager
async def watched_loop(stall_seconds: float, heartbeat_fd: int | None) -> AsyncIterator[None]:
    """Has the running loop watched: by the parent if there is a pipe to it, else by this process."""
    if heartbeat_fd is None:
        async with ending_when_stalled(stall_seconds):
            yield
    else:
        async with beating(heartbeat_fd), ending_when_stalled(2 * stall_seconds):
            yield
