"""Builds each process once, handing every room only its own settings."""

import logging
import sys
from pathlib import Path

import uvloop

from retailpulse.api.app import check_port, make_app, serve_app
from retailpulse.config.settings import DatabaseSettings, LogSettings, Settings
from retailpulse.domain.errors import DatabaseError
from retailpulse.lifecycle import stop_on_signals
from retailpulse.service import Service
from retailpulse.storage import queue
from retailpulse.storage.database import Database
from retailpulse.storage.embedded import EmbeddedServer
from retailpulse.storage.migrating import migrate
from retailpulse.worker.run import run_worker


def set_up_logging(settings: LogSettings, process: str) -> None:
    """Logs to standard error, one line per event, with the name of the process."""
    logging.basicConfig(
        level=settings.level,
        stream=sys.stderr,
        format=f"%(asctime)s %(levelname)-7s {process}: %(message)s",
    )
    # The queue speaks of every message, the pool of every try to connect.
    logging.getLogger("procrastinate").setLevel("ERROR" if settings.level != "DEBUG" else "DEBUG")
    logging.getLogger("alembic").setLevel("WARNING")


def find_database(settings: DatabaseSettings) -> str:
    """The URL of the given database, or of the embedded one where it runs; raises DatabaseError."""
    if settings.url:
        return settings.url
    server = EmbeddedServer(Path(settings.data_dir))
    if not server.is_running():
        raise DatabaseError(
            f"no database: RETAILPULSE_DATABASE_URL is not set, and none runs in {server.data_dir}. "
            "Start one with `retailpulse serve`, or name one with RETAILPULSE_DATABASE_URL."
        )
    return server.url()


def migrate_database(settings: DatabaseSettings) -> tuple[str | None, str]:
    """Migrates the given database, or the embedded one, which runs only for this where none runs yet."""
    server = EmbeddedServer(Path(settings.data_dir))
    if settings.url or server.is_running():
        return migrate(find_database(settings))
    with server.locked():
        try:
            return migrate(server.start())
        finally:
            server.stop()


def run_api_process(settings: Settings, parent_fd: int | None) -> None:
    """Serves HTTP until it is told to stop."""
    url = find_database(settings.database)
    check_port(settings.api)

    async def run() -> None:
        stop = stop_on_signals(parent_fd)
        database = Database(url, settings.database)
        queue_app = queue.make_app()
        await database.open()
        try:
            async with queue_app.open_async(database.pool):
                service = Service(database, queue_app, chunk_images=settings.worker.chunk_images)
                app = make_app(service, settings.api, settings.measure.depth)
                await serve_app(app, settings.api, stop)
        finally:
            await database.close()

    uvloop.run(run())


def run_worker_process(settings: Settings, parent_fd: int | None) -> None:
    """Works on chunks until it is told to stop."""
    url = find_database(settings.database)

    async def run() -> None:
        stop = stop_on_signals(parent_fd)
        database = Database(url, settings.database)
        await database.open()
        try:
            await run_worker(
                database, worker=settings.worker, fetch=settings.fetch, measure=settings.measure, stop=stop
            )
        finally:
            await database.close()

    uvloop.run(run())
