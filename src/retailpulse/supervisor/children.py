"""The child processes of `serve`: started, watched, started again when they die, and stopped.

One whose event loop stands still is killed. Whatever a lost worker had in hand is released at once, and
noted as lost with it: of all, `serve` alone sees how its children end.
"""

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import UUID, uuid4

from retailpulse.concurrency.outage_log import OutageLog
from retailpulse.concurrency.stoppable_sleep import stoppable_sleep
from retailpulse.config.settings import DatabaseSettings
from retailpulse.domain.backoff import Backoff
from retailpulse.domain.errors import DatabaseUnavailable
from retailpulse.process.loop_heartbeat import LoopWatch
from retailpulse.process.signals import first
from retailpulse.storage.metrics import processes
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.postgres.os_user import OsUser
from retailpulse.storage.scheduling import workers
from retailpulse.supervisor.profiles import Ends, Profiles
from retailpulse.telemetry.catalogue import REPLACED

logger = logging.getLogger(__name__)

RESTART_BACKOFF = Backoff(first_seconds=0.5, longest_seconds=30.0)
STEADY_SECONDS = 30.0
"""A child that lived this long is started again at once when it dies."""
RELEASE_AGAIN_SECONDS = 1.0
Command = Literal["api", "worker"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChildSettings:
    """What all children share; `stop_seconds` is how long a stopping one may take before it is killed.

    `turn_fd` is the file that workers lock while they decode a vast picture, `credentials_fd` that of the
    credentials of hosts.

    `sources`: where the settings come from, as the API shows it.
    `listening`: descriptors of sockets that `account` may not open, by the option that hands them to the API.
    """

    environments: Mapping[Command, Mapping[str, str]]
    sources: str
    account: OsUser
    folder: Path | None
    listening: Mapping[str, int]
    parent_fd: int
    turn_fd: int
    credentials_fd: int | None
    stop_seconds: float
    stall_seconds: Mapping[Command, float]
    database_url: str
    database: DatabaseSettings


class Children:
    """Starts child processes, starts again those that die, and stops them all; `hurry` stops them at once."""

    def __init__(self, settings: ChildSettings, stop: asyncio.Event, hurry: asyncio.Event) -> None:
        self._settings = settings
        self._stop = stop
        self._hurry = hurry
        self._telling: set[asyncio.Task[None]] = set()
        self._profiles = Profiles(stop)
        self._outages = OutageLog(logger.warning, "the release of a lost worker")

    async def keep(self, command: Command) -> None:
        """Keeps one child of a kind alive until the stop."""
        early_deaths = 0
        loop = asyncio.get_running_loop()
        while not self._stop.is_set():
            started = loop.time()
            try:
                await self._run(command)
            except OSError as error:  # the machine is out of processes or memory just now
                logger.error("%s cannot be started: %s", command, error)
            if self._stop.is_set():
                break
            if loop.time() - started >= STEADY_SECONDS:
                early_deaths = 0
                continue
            await stoppable_sleep(RESTART_BACKOFF.draw_seconds(early_deaths), self._stop)
            early_deaths += 1
        for task in self._telling:  # the next child finds it out
            task.cancel()

    async def _run(self, command: Command) -> None:
        """Runs a child to its end; asks it to stop when we are to stop."""
        process = uuid4()
        with LoopWatch() as watch, Ends() as orders, Ends() as asks:
            child = await self._start(command, process, watch, orders, asks)
            ended = asyncio.create_task(child.wait())
            stalling = asyncio.create_task(watch.until_stalled(self._settings.stall_seconds[command]))
            try:
                async with self._profiled(child.pid, orders, asks):
                    await self._until_ended(command, child, ended, stalling)
            finally:
                stalled = stalling.done()
                stalling.cancel()
                if not ended.done():
                    logger.warning("%s (process %d) is killed before it is done", command, child.pid)
                    _signal(child, signal.SIGKILL)
        code = await ended
        if self._stop.is_set():
            return
        logger.error("%s (process %d) ended with code %d; it is started again", command, child.pid, code)
        if command == "worker" and code != 0:
            telling = asyncio.create_task(self._release_lost(process, "stalled" if stalled else "crashed"))
            self._telling.add(telling)
            telling.add_done_callback(self._telling.discard)

    @contextlib.asynccontextmanager
    async def _profiled(self, pid: int, orders: Ends, asks: Ends) -> AsyncIterator[None]:
        """While the block runs, a child can be looked into, and can ask for that of others: the API does."""
        async with orders.link() as ordering, asks.link() as asked:
            task = asyncio.create_task(asked.answer_forever(self._profiles.answer))
            try:
                with self._profiles.known(pid, ordering):
                    yield
            finally:
                task.cancel()
                await asyncio.wait([task])

    async def _start(
        self, command: Command, process: UUID, watch: LoopWatch, orders: Ends, asks: Ends
    ) -> asyncio.subprocess.Process:
        # A session of its own: Ctrl-C reaches only us, and the children get one signal, from us.
        settings = self._settings
        arguments = ["--parent-fd", str(settings.parent_fd), "--heartbeat-fd", str(watch.writing_end)]
        arguments += ["--profiled-fd", str(orders.theirs)]
        descriptors = [settings.parent_fd, watch.writing_end, orders.theirs]
        if command == "worker":
            arguments += ["--process", str(process), "--turn-fd", str(settings.turn_fd)]
            descriptors += [fd for fd in (settings.turn_fd, settings.credentials_fd) if fd is not None]
        else:
            arguments += ["--setting-sources", settings.sources, "--profiles-fd", str(asks.theirs)]
            descriptors.append(asks.theirs)
            for option, descriptor in settings.listening.items():
                arguments += [option, str(descriptor)]
                descriptors.append(descriptor)
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "retailpulse", command, *arguments,
            env=settings.environments[command], pass_fds=descriptors, start_new_session=True,
            cwd=settings.folder, **settings.account.process_options(),
        )  # fmt: skip
        for handed in (watch, orders, asks):
            handed.hand_over()
        return child

    async def _until_ended(
        self,
        command: Command,
        child: asyncio.subprocess.Process,
        ended: asyncio.Task[int],
        stalling: asyncio.Task[None],
    ) -> None:
        """Waits for the end of a child: by itself, by our stop, or because its loop stands still."""
        await first(ended, self._stop.wait(), asyncio.wait([stalling]))
        if ended.done():
            return
        if self._stop.is_set():
            _signal(child, signal.SIGTERM)
            timeout = asyncio.sleep(self._settings.stop_seconds)
            await first(ended, self._hurry.wait(), timeout)
        else:
            logger.error(
                "the event loop of %s (process %d) stalled for %g s; it is killed",
                command,
                child.pid,
                self._settings.stall_seconds[command],
            )
            _signal(child, signal.SIGKILL)
            await asyncio.wait([ended])

    async def _release_lost(self, process: UUID, reason: str) -> None:
        """Releases what a lost worker had in hand, as soon as the database can be told."""
        settings = self._settings
        async with Database(settings.database_url, settings.database, pool_size=1) as database:
            while True:
                try:
                    async with database.transaction() as connection:
                        images = await workers.release(connection, process)
                        await processes.count(connection, "worker", f"{REPLACED.name}|{reason}")
                    self._outages.ended()
                    logger.info("%d images of the lost worker wait again", images)
                    return
                except DatabaseUnavailable as error:
                    self._outages.failed(error)
                await asyncio.sleep(RELEASE_AGAIN_SECONDS)


def _signal(child: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(number)
