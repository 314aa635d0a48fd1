"""A lock for decoding a picture of several hundred megabytes: one process of a machine at a time.

The parent of the processes makes the file and hands it to each of them. The lock is a process's own and
ends with it, however it ends. Weak: it is polled, so the process that waits longest is not always next.
"""

import asyncio
import fcntl
import os
from types import TracebackType
from typing import Self

LOOK_SECONDS = 0.05


def new_lock_file() -> int:
    """A descriptor to lock, which children may be handed; raises OSError."""
    return os.memfd_create("turn")


class MachineLock:
    """The turn of one process; without a file it always has it. Use it in an `async with`, once at a time."""

    def __init__(self, fd: int | None = None) -> None:
        self._fd = fd

    async def __aenter__(self) -> Self:
        while True:
            if self._fd is None or _try_lock(self._fd):
                return self
            await asyncio.sleep(LOOK_SECONDS)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._fd is not None:
            fcntl.lockf(self._fd, fcntl.LOCK_UN)


def _try_lock(fd: int) -> bool:
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
