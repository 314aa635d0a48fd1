"""Builds each process once, handing every room only its own settings.

A process imports what it is made of when it is built, so that a worker carries no HTTP server and
only who migrates carries alembic.
"""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from retailpulse.config.settings import (
    ApiSettings,
    DatabaseSettings,
    LogSettings,
    Settings,
)
from retailpulse.domain.errors import ConfigError, DatabaseError, DatabaseUnavailable
from retailpulse.lifecycle import exit_within, first, stop_on_signals
from retailpulse.loop_heartbeat import beating, ending_when_stalled
from retailpulse.loop_watchdog import watch_loop
from retailpulse.service_manager import ServiceManager
from retailpulse.storage.postgres.embedded import EmbeddedServer

if TYPE_CHECKING:
    from retailpulse.api.app import Uses
    from retailpulse.observability.exposition import Metrics
    from retailpulse.service import Keys, Limits, SubmitPatience
    from retailpulse.storage.postgres.database import Database
    from retailpulse.web.ports import Sockets

logger = logging.getLogger(__name__)

LEAVE_SECONDS = 2.0
"""How long a process that is done may wait for threads that are not."""
WORKER_NICENESS = 5
"""Workers and their decoders fill every core they get: who asks the API should not have to wait for one."""

WATCHED_AFTER_SECONDS = 5.0
"""So long after its start the event loop of the API is watched: the start itself takes many long turns."""
SWITCH_SECONDS = 0.001
"""So long a thread of the API that reads a large body keeps the interpreter from the event loop, which wants
it many times for one request."""


def set_up_logging(settings: LogSettings, process: str) -> None:
    """Logs to standard error, one line per event, with the name of the process."""
    logging.basicConfig(
        level=settings.level,
        stream=sys.stderr,
        format=f"%(asctime)s %(levelname)-7s {process}: %(message)s",
    )
    # The queue speaks of every message, the pool of every try to connect.
    logging.getLogger("procrastinate").setLevel("ERROR" if settings.level != "DEBUG" else "DEBUG")
    logging.getLogger("psycopg").setLevel("ERROR" if settings.level != "DEBUG" else "DEBUG")
    logging.getLogger("alembic").setLevel("WARNING")


def find_database(settings: DatabaseSettings, *, as_owner: bool = False) -> str:
    """The URL of the given database, or of the embedded one where it runs; raises DatabaseError.

    `as_owner` is for who changes the schema of the embedded one.
    """
    if settings.url:
        return settings.url
    server = EmbeddedServer(Path(settings.data_dir))
    if not server.is_running():
        raise DatabaseError(
            f"no database: RETAILPULSE_DATABASE_URL is not set, and none runs in {server.data_dir}. "
            "Start one with `retailpulse serve`, or name one with RETAILPULSE_DATABASE_URL."
        )
    return server.url_of_owner() if as_owner else server.url()


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenDatabase:
    """A database that is up and has the newest schema, and the schema's version before and after that."""

    url: str
    server: EmbeddedServer | None
    before: str | None
    after: str


@contextlib.asynccontextmanager
async def open_database(
    settings: DatabaseSettings, stop: asyncio.Event
) -> AsyncIterator[OpenDatabase | None]:
    """Starts the database where it is the embedded one, migrates it, and stops it at the end.

    Gives None where `stop` came before it was ready; raises DatabaseError.
    """
    server = None if settings.url else EmbeddedServer(Path(settings.data_dir))
    with server.locked() if server else contextlib.nullcontext():
        opening = asyncio.create_task(asyncio.to_thread(_open, settings.url, server))
        try:
            await first(opening, stop.wait())
            yield None if stop.is_set() else opening.result()
        finally:
            if server is not None:
                await asyncio.to_thread(server.stop)
            elif not opening.done():  # waits for the database, which need not answer soon
                exit_within(LEAVE_SECONDS, 0)
            await asyncio.wait([opening])
            if not opening.cancelled():
                opening.exception()  # told already, or of no interest once we stop


def _open(url: str, server: EmbeddedServer | None) -> OpenDatabase:
    from retailpulse.storage.postgres.migrate import migrate

    if server is not None:
        url = server.start()
    before, after = migrate(server.url_of_owner() if server is not None else url)
    return OpenDatabase(url=url, server=server, before=before, after=after)


def migrate_database(settings: DatabaseSettings) -> tuple[str | None, str]:
    """Migrates the given database, or the embedded one, which runs only for this where none runs yet."""
    from retailpulse.storage.postgres.migrate import migrate

    if settings.url or EmbeddedServer(Path(settings.data_dir)).is_running():
        return migrate(find_database(settings, as_owner=True))

    async def run() -> tuple[str | None, str]:
        stop = stop_on_signals(hurry=lambda: None)
        async with open_database(settings, stop) as database:
            if database is None:
                raise DatabaseError("stopped before the schema was up to date")
            return database.before, database.after

    return asyncio.run(run())


async def _check_tables(database: "Database") -> None:
    """Raises DatabaseError where the tables are not this program's; a database that is away may come back."""
    with contextlib.suppress(DatabaseUnavailable):
        await database.check_tables()


async def check_access(url: str, settings: Settings) -> None:
    """Raises ConfigError where other machines would reach an API that everybody may use."""
    from retailpulse.service import Keys
    from retailpulse.storage.postgres.database import Database

    if settings.api.may_be_open():
        return
    async with Database(url, settings.database, pool_size=1) as database:
        await _check_keys(Keys(database), settings.api)


async def _check_keys(keys: "Keys", settings: ApiSettings) -> None:
    if settings.is_loopback() or await keys.were_made():
        return
    if settings.allow_anonymous:
        logger.warning("whoever reaches %s may do everything until an API key is made", settings.host)
    else:
        raise ConfigError(
            f"no API key was made yet, and other machines reach {settings.host}. Make a key with "
            "`retailpulse keys create --name NAME --scope admin` (with the same --data-dir or "
            "RETAILPULSE_DATABASE_URL), or let everybody do everything with --allow-anonymous."
        )


@contextlib.asynccontextmanager
async def reach_database(settings: DatabaseSettings) -> AsyncIterator["Database"]:
    """The database that is given or runs, or the embedded one, which runs only for this where none runs.

    Raises DatabaseError where its tables are not this program's.
    """
    from retailpulse.storage.postgres.database import Database

    async with contextlib.AsyncExitStack() as stack:
        if settings.url or EmbeddedServer(Path(settings.data_dir)).is_running():
            url = find_database(settings)
        else:
            opening = open_database(settings, stop_on_signals(hurry=lambda: None))
            opened = await stack.enter_async_context(opening)
            if opened is None:
                raise DatabaseError("stopped before the database was ready")
            url = opened.url
        database = await stack.enter_async_context(Database(url, settings, pool_size=1))
        await database.check_tables()
        yield database


def run_api_process(
    settings: Settings,
    parent_fd: int | None,
    sockets: "Sockets | None" = None,
    *,
    heartbeat_fd: int | None = None,
) -> None:
    """Serves HTTP until it is told to stop, on `sockets` where they listen; it is watched as a worker is."""
    import uvloop

    from retailpulse.storage.postgres.database import Database
    from retailpulse.web.ports import check_port

    url = find_database(settings.database)
    check_port(settings.api, sockets)
    serve_api = _server_of_api(settings, sockets, heartbeat_fd)
    sys.setswitchinterval(SWITCH_SECONDS)

    async def run() -> None:
        stop = stop_on_signals(parent_fd)
        asyncio.get_running_loop().call_later(WATCHED_AFTER_SECONDS, watch_loop)
        try:
            async with Database(url, settings.database, is_shared=True) as database:
                await _check_tables(database)
                await serve_api(database, stop)
        finally:
            exit_within(LEAVE_SECONDS, 0)

    uvloop.run(run())


def _server_of_api(
    settings: Settings, sockets: "Sockets | None", heartbeat_fd: int | None
) -> Callable[["Database", asyncio.Event], Awaitable[None]]:
    """What serves HTTP over a database until the stop; its loop is judged once all is built."""
    from retailpulse.api.app import make_app
    from retailpulse.observability.exposition import Metrics
    from retailpulse.service import Keys
    from retailpulse.web.middleware.authentication import ApiKeyCache
    from retailpulse.web.middleware.head_options import HeadOptionsMiddleware
    from retailpulse.web.middleware.security import with_security
    from retailpulse.web.server import serve_app

    async def serve_api(database: "Database", stop: asyncio.Event) -> None:
        keys = Keys(database)
        with contextlib.suppress(DatabaseUnavailable):  # until it is known, nobody is let in
            await _check_keys(keys, settings.api)
        api_keys = ApiKeyCache(keys, may_be_open=settings.api.may_be_open())
        async with api_keys.running():
            metrics = Metrics(database, settings.worker.stale_seconds)
            uses = _make_uses(database, settings, stop, metrics)
            app = make_app(uses, settings.api, settings.measure.depth, api_keys)
            secured = metrics.observe(with_security(HeadOptionsMiddleware(app), api_keys, settings.api))
            watched = _watched(settings.api.stall_seconds, heartbeat_fd)
            async with metrics.reporting(settings.worker.heartbeat_seconds), watched:
                await serve_app(secured, settings.api, stop, sockets)

    return serve_api


def _limits(settings: Settings) -> "Limits":
    from retailpulse.measure import check_sandbox
    from retailpulse.service import Limits

    return Limits(
        sandbox_missing=check_sandbox(settings.measure.sandbox),
        max_unsettled_images=settings.api.max_unsettled_images,
        keys_hours=settings.retention.keys_hours,
        stale_seconds=settings.worker.stale_seconds,
    )


def _submit_patience(api: ApiSettings) -> "SubmitPatience":
    from retailpulse.service import SubmitPatience

    return SubmitPatience(seconds=api.submit_seconds, images_per_second=api.submit_images_per_second)


def _make_uses(
    database: "Database",
    settings: Settings,
    stop: asyncio.Event,
    metrics: "Metrics",
) -> "Uses":
    """What the API may do, over one database."""
    from retailpulse import service as uses
    from retailpulse.api.app import Uses

    limits = _limits(settings)
    hosts = uses.Hosts(database, settings.fetch.per_host)
    backlog = uses.Backlog(limits.max_unsettled_images)
    return Uses(
        service=uses.Service(database, limits, hosts),
        intake=uses.Intake(database, limits, backlog, _submit_patience(settings.api)),
        control=uses.JobControl(database, backlog),
        progress=uses.Progress(database, stop),
        job_lists=uses.JobLists(database),
        results=uses.Results(database),
        stores=uses.Stores(database),
        stats=uses.Stats(database, limits.stale_seconds),
        hosts=hosts,
        deliveries=uses.Deliveries(database),
        metrics=metrics,
    )


def run_worker_process(
    settings: Settings,
    parent_fd: int | None,
    *,
    process: UUID | None = None,
    heartbeat_fd: int | None = None,
    turn_fd: int | None = None,
) -> None:
    """Works until it is told to stop; who started it watches the pipe `heartbeat_fd`, else it does itself."""
    import uvloop

    from retailpulse.storage.postgres.database import Database
    from retailpulse.worker.run import run_worker

    url = find_database(settings.database)
    os.nice(WORKER_NICENESS)

    async def run() -> None:
        stop, manager = stop_on_signals(parent_fd), ServiceManager()
        opened = Database(url, settings.database, pool_size=settings.worker.connections)
        watched = _watched(settings.worker.stall_seconds, heartbeat_fd)
        try:
            async with watched, manager.informed(stop), opened as database:
                await _check_tables(database)
                manager.ready()
                await run_worker(
                    database,
                    worker=settings.worker,
                    fetch=settings.fetch,
                    measure=settings.measure,
                    retention=settings.retention,
                    callbacks=settings.callbacks,
                    stop=stop,
                    process=process,
                    turn_fd=turn_fd,
                )
        finally:
            exit_within(LEAVE_SECONDS, 0)

    uvloop.run(run())


@contextlib.asynccontextmanager
async def _watched(stall_seconds: float, heartbeat_fd: int | None) -> AsyncIterator[None]:
    """Has the running loop watched by whoever has started the process, and by itself where nobody does."""
    if heartbeat_fd is None:
        async with ending_when_stalled(stall_seconds):
            yield
    else:
        async with beating(heartbeat_fd), ending_when_stalled(2 * stall_seconds):
            yield
