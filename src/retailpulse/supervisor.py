"""`retailpulse serve`: the database, the API and the workers as child processes, kept alive.

A child that dies is started again, with back-off. A stop drains: first the API and the workers, then
the embedded database. A second signal stops at once.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Mapping

from retailpulse.api.ports import check_port
from retailpulse.bootstrap import OpenDatabase, check_access, open_database
from retailpulse.config.loading import Loaded, variable
from retailpulse.config.settings import Settings
from retailpulse.lifecycle import first, ignore_signals, stop_on_signals
from retailpulse.measure import check_sandbox
from retailpulse.probing import why_not_ready
from retailpulse.storage.embedded import EmbeddedServer

logger = logging.getLogger(__name__)

LONGEST_BACKOFF_SECONDS = 30.0
STEADY_SECONDS = 30.0
"""A child that lived this long is started again at once when it dies."""
LOOK_SECONDS = 1.0
KILL_AFTER_SECONDS = 10.0
"""How much longer than the grace time a stopping child may take before it is killed."""


def serve(loaded: Loaded) -> None:
    """Runs the whole service until it is told to stop; raises DatabaseError or ConfigError at the start."""
    check_port(loaded.settings.api)
    check_sandbox(loaded.settings.measure.sandbox)
    asyncio.run(_serve(loaded))


async def _serve(loaded: Loaded) -> None:
    hurry = asyncio.Event()
    stop = stop_on_signals(hurry=hurry.set)
    async with open_database(loaded.settings.database, stop) as database:
        if database is not None:
            await check_access(database.url, loaded.settings)
            await _supervise(loaded, database, stop, hurry)
    ignore_signals()


async def _supervise(
    loaded: Loaded, database: OpenDatabase, stop: asyncio.Event, hurry: asyncio.Event
) -> None:
    settings = loaded.settings
    workers = settings.worker.processes or os.cpu_count() or 1
    reading_end, writing_end = os.pipe()
    children = _Children(
        environment=_environment(loaded, database.url),
        parent_fd=reading_end,
        stop=stop,
        hurry=hurry,
        patience_seconds=settings.worker.grace_seconds + KILL_AFTER_SECONDS,
    )
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(children.keep("api"))
            for _ in range(workers):
                group.create_task(children.keep("worker"))
            if database.server is not None:
                group.create_task(_keep_database(database.server, stop))
            group.create_task(_announce(settings, workers, stop))
    finally:
        os.close(writing_end)
        os.close(reading_end)


def _environment(loaded: Loaded, url: str) -> dict[str, str]:
    """The environment of the children: ours, with every setting that is no default written out."""
    environment = dict(os.environ)
    for room, field in loaded.sources:
        value = getattr(getattr(loaded.settings, room), field)
        environment[variable(room, field)] = str(value)
    environment[variable("database", "url")] = url
    return environment


class _Children:
    """Starts child processes, starts again those that die, and stops them all."""

    def __init__(
        self,
        *,
        environment: Mapping[str, str],
        parent_fd: int,
        stop: asyncio.Event,
        hurry: asyncio.Event,
        patience_seconds: float,
    ) -> None:
        self._environment = environment
        self._parent_fd = parent_fd
        self._stop = stop
        self._hurry = hurry
        self._patience_seconds = patience_seconds

    async def keep(self, command: str) -> None:
        """Keeps one child of a kind alive until the stop."""
        backoff_seconds = 0.0
        loop = asyncio.get_running_loop()
        while not self._stop.is_set():
            started = loop.time()
            try:
                await self._run(command)
            except OSError as error:  # the machine is out of processes or memory just now
                logger.error("%s cannot be started: %s", command, error)
            if self._stop.is_set():
                return
            steady = loop.time() - started >= STEADY_SECONDS
            backoff_seconds = 0.0 if steady else min(max(0.5, 2 * backoff_seconds), LONGEST_BACKOFF_SECONDS)
            await _pause(self._stop, backoff_seconds)

    async def _run(self, command: str) -> None:
        """Runs a child to its end; asks it to stop when we are to stop."""
        # A session of its own: Ctrl-C reaches only us, and the children get one signal, from us.
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "retailpulse", command, "--parent-fd", str(self._parent_fd),
            env=self._environment, pass_fds=[self._parent_fd], start_new_session=True,
        )  # fmt: skip
        ended = asyncio.create_task(child.wait())
        try:
            await first(ended, self._stop.wait())
            if not ended.done():
                _signal(child, signal.SIGTERM)
                await first(ended, self._hurry.wait(), asyncio.sleep(self._patience_seconds))
        finally:
            if not ended.done():
                logger.warning("%s (process %d) is killed before it is done", command, child.pid)
                _signal(child, signal.SIGKILL)
        code = await ended
        if not self._stop.is_set():
            logger.error("%s (process %d) ended with code %d; it is started again", command, child.pid, code)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    """Waits, but not beyond the stop."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


def _signal(child: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(number)


async def _keep_database(server: EmbeddedServer, stop: asyncio.Event) -> None:
    """Starts the embedded server again where it died."""
    while not stop.is_set():
        await _pause(stop, LOOK_SECONDS)
        if stop.is_set() or await asyncio.to_thread(server.is_running):
            continue
        logger.error("the embedded PostgreSQL is gone; it is started again")
        starting = asyncio.create_task(asyncio.to_thread(server.start))
        await first(starting, stop.wait())  # a stop makes the start give up
        await asyncio.wait([starting], timeout=None if not stop.is_set() else 0)
        if starting.done() and (error := starting.exception()) is not None:
            logger.error("%s", error)


async def _announce(settings: Settings, workers: int, stop: asyncio.Event) -> None:
    """Says when the service answers, and where."""
    while not stop.is_set():
        if await asyncio.to_thread(why_not_ready, settings.api) is None:
            logger.info(
                "ready on http://%s:%d with %d worker processes",
                settings.api.host,
                settings.api.port,
                workers,
            )
            return
        await _pause(stop, 0.1)
