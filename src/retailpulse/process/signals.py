"""How a process learns that it should stop, by a signal or a lost supervisor, and how it ends in time."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable, Coroutine
from typing import Any

logger = logging.getLogger(__name__)

LEAVE_SECONDS = 2.0
"""How long a process that is done may wait for threads that are not."""
SAME_STOP_SECONDS = 0.3
"""Signals that come so close are one: `make`, `timeout` and terminals signal a process and its group."""


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

    stopped_at: float | None = None

    def on_signal() -> None:
        nonlocal stopped_at
        if stopped_at is None:
            stopped_at = loop.time()
        elif loop.time() - stopped_at > SAME_STOP_SECONDS:
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


def ignore_signals() -> None:
    """From here on a signal changes nothing: for a process that has stopped everything and only leaves."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)


async def first(task: asyncio.Task[Any], *others: Coroutine[Any, Any, object]) -> None:
    """Waits for the first of several things; `task` goes on if it was not that."""
    waiting = [asyncio.create_task(other) for other in others]
    try:
        await asyncio.wait({task, *waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for other in waiting:
            other.cancel()


async def exit_after(stop: asyncio.Event, seconds: float, code: int) -> None:
    """Ends this process if it goes on for `seconds` after a stop, whatever it waits for; until cancelled."""
    await stop.wait()
    timer = exit_within(seconds, code)
    try:
        await asyncio.Event().wait()
    finally:
        timer.cancel()


def exit_within(seconds: float, code: int) -> threading.Timer:
    """Ends this process after `seconds` if it has not ended by itself.

    A thread that never returns (a decoder, a name server, a lock in the database) cannot be stopped,
    and Python would wait for it.
    """
    timer = threading.Timer(seconds, os._exit, [code])
    timer.daemon = True
    timer.start()
    return timer
