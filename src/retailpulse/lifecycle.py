"""How a process learns that it should stop: by a signal, or because its supervisor is gone."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable

logger = logging.getLogger(__name__)


def _exit_at_once() -> None:
    os._exit(1)


def stop_on_signals(
    parent_fd: int | None = None, *, hurry: Callable[[], None] = _exit_at_once
) -> asyncio.Event:
    """An event that SIGTERM, SIGINT or the end of the supervisor sets; a second signal calls `hurry`.

    `parent_fd` is the reading end of a pipe whose other end only the supervisor holds.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if stop.is_set():
            hurry()
        stop.set()

    def on_orphaned() -> None:
        loop.remove_reader(parent_fd or 0)
        logger.warning("the supervisor is gone; stopping")
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    if parent_fd is not None:
        loop.add_reader(parent_fd, on_orphaned)
    return stop
