"""`retailpulse serve`: the database, the API and the workers as child processes, kept alive.

A stop drains: first the API and the workers, then the embedded database. A second signal stops at once. How
children are kept alive is in `children`.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Iterable
from pathlib import Path

from retailpulse.bootstrap.access import check_access
from retailpulse.bootstrap.database import OpenDatabase, open_database
from retailpulse.concurrency.stoppable_sleep import stoppable_sleep
from retailpulse.config.loading import Loaded
from retailpulse.config.settings import Settings
from retailpulse.measure import new_lock_file
from retailpulse.process.readiness_probe import why_not_ready
from retailpulse.process.service_manager import ServiceManager
from retailpulse.process.signals import first, ignore_signals, stop_on_signals
from retailpulse.storage.postgres.embedded import EmbeddedServer
from retailpulse.storage.postgres.os_user import OsUser
from retailpulse.supervisor.children import Children, ChildSettings
from retailpulse.supervisor.privileges import (
    child_environment,
    choose_os_user,
    environment_of_api,
    open_credentials,
)
from retailpulse.web.ports import check_port, listen_for

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
KILL_AFTER_SECONDS = 10.0
"""How much longer than the grace time a stopping child may take before it is killed."""


def serve(loaded: Loaded, on_ready: Callable[[], None]) -> None:
    """Runs the whole service until it is told to stop; raises DatabaseError or ConfigError at the start.

    `on_ready` is called once, when it answers.
    """
    check_port(loaded.settings.api)
    asyncio.run(_serve(loaded, on_ready))


async def _serve(loaded: Loaded, on_ready: Callable[[], None]) -> None:
    hurry, manager = asyncio.Event(), ServiceManager()
    stop = stop_on_signals(hurry=hurry.set)

    def ready() -> None:
        manager.ready()
        on_ready()

    async with manager.informed(stop), open_database(loaded.settings.database, stop) as database:
        if database is not None:
            await check_access(database.url, loaded.settings)
            await _supervise(loaded, database, stop, hurry, ready)
    ignore_signals()


async def _supervise(
    loaded: Loaded,
    database: OpenDatabase,
    stop: asyncio.Event,
    hurry: asyncio.Event,
    ready: Callable[[], None],
) -> None:
    settings = loaded.settings
    workers = settings.worker.processes or os.cpu_count() or 1
    (reading_end, writing_end), turn_fd = os.pipe(), new_lock_file()
    credentials_fd = open_credentials(settings.fetch)
    environment = child_environment(loaded, database, credentials_fd)
    account = await asyncio.to_thread(choose_os_user, database, environment, credentials_fd)
    listening = listen_for(settings.api) if account.switches else {}
    shared = ChildSettings(
        environments={"api": environment_of_api(environment), "worker": environment},
        sources=loaded.written_sources(),
        account=account,
        folder=_folder_for(account),
        listening={name: held.fileno() for name, held in listening.items()},
        parent_fd=reading_end,
        turn_fd=turn_fd,
        credentials_fd=credentials_fd,
        stop_seconds=settings.worker.grace_seconds + KILL_AFTER_SECONDS,
        stall_seconds={"api": settings.api.stall_seconds, "worker": settings.worker.stall_seconds},
        database_url=database.url,
        database=settings.database,
    )
    children = Children(shared, stop, hurry)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(children.keep("api"))
            for _ in range(workers):
                group.create_task(children.keep("worker"))
            if database.server is not None:
                group.create_task(_keep_database(database.server, stop))
            group.create_task(_announce(settings, workers, stop, ready))
    finally:
        _close(listening.values(), writing_end, reading_end, turn_fd, credentials_fd)


def _close(sockets: Iterable[socket.socket], *descriptors: int | None) -> None:
    for descriptor in filter(None, descriptors):
        os.close(descriptor)
    for held in sockets:
        held.close()


def _folder_for(account: OsUser) -> Path | None:
    """The folder that the children stand in; None: ours, if they can."""
    return None if not account.switches or account.reaches(Path.cwd()) else Path("/")


async def _keep_database(server: EmbeddedServer, stop: asyncio.Event) -> None:
    """Starts the embedded server again if it died."""
    while not stop.is_set():
        await stoppable_sleep(LOOK_SECONDS, stop)
        if stop.is_set() or await asyncio.to_thread(server.is_running):
            continue
        logger.error("the embedded PostgreSQL is gone; it is started again")
        starting = asyncio.create_task(asyncio.to_thread(server.start))
        await first(starting, stop.wait())  # a stop makes the start give up
        await asyncio.wait([starting], timeout=None if not stop.is_set() else 0)
        if starting.done() and (error := starting.exception()) is not None:
            logger.error("%s", error)


async def _announce(settings: Settings, workers: int, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Logs when the service answers, and its address, and tells who waits for that."""
    while not stop.is_set():
        if await asyncio.to_thread(why_not_ready, settings.api) is None:
            logger.info(
                "ready on http://%s:%d with %d worker processes",
                settings.api.host,
                settings.api.port,
                workers,
            )
            ready()
            return
        await stoppable_sleep(0.1, stop)
