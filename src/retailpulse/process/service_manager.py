"""Tells systemd, or another listener on NOTIFY_SOCKET, that this process is ready and its loop runs.

https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator, Mapping

logger = logging.getLogger(__name__)

VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
"""What a service manager says in the environment: to the process that it has started, not to its children."""
_BEATS = 3
"""How many signs are given in the time after which the watchdog would bite."""


class ServiceManager:
    """The service manager that started this process; does nothing if no NOTIFY_SOCKET is set."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._beat_seconds = _watchdog_seconds(environ) / _BEATS if address else 0.0

    def ready(self) -> None:
        """Says that this process has begun to do its work."""
        self._notify("READY=1")

    @contextlib.asynccontextmanager
    async def informed(self, stop: asyncio.Event) -> AsyncIterator[None]:
        """Says while the block runs that the loop turns, as often as is wanted, and when it is to stop."""
        notifying = [
            asyncio.create_task(self._beat_forever()),
            asyncio.create_task(self._notify_of_stop(stop)),
        ]
        try:
            yield
        finally:
            for task in notifying:
                task.cancel()

    async def _notify_of_stop(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._notify("STOPPING=1")

    async def _beat_forever(self) -> None:
        while self._beat_seconds:
            self._notify("WATCHDOG=1")
            await asyncio.sleep(self._beat_seconds)

    def _notify(self, state: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as notifying:
                notifying.sendto(state.encode(), self._address)
        except OSError as error:
            logger.warning("cannot send %s to the service manager: %s", state, error)


def _watchdog_seconds(environ: Mapping[str, str]) -> float:
    """After how many seconds without a sign the watchdog bites; 0 if there is none for this process."""
    meant_for = environ.get("WATCHDOG_PID", "")
    microseconds = environ.get("WATCHDOG_USEC", "")
    if meant_for not in ("", str(os.getpid())) or not microseconds.isdecimal():
        return 0.0
    return int(microseconds) / 1_000_000
