"""Finds, opens and migrates the database of a process: the one that is named, or the embedded one.

What a process does not need, such as alembic, is imported where it is used.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from retailpulse.config.settings import DatabaseSettings
from retailpulse.domain.errors import DatabaseError, DatabaseUnavailable
from retailpulse.process.signals import LEAVE_SECONDS, exit_within, first, stop_on_signals
from retailpulse.storage.postgres.embedded import EmbeddedServer

if TYPE_CHECKING:
    from retailpulse.metrics.free_space import FreeSpace
    from retailpulse.storage.postgres.database import Database

logger = logging.getLogger(__name__)


def find_database(settings: DatabaseSettings, *, as_owner: bool = False) -> str:
    """The URL of the given database, or of the embedded one if it runs; raises DatabaseError.

    `as_owner`: as the role that may change the schema of the embedded one, and past a pooler.
    """
    if settings.url:
        return settings.direct_url if as_owner and settings.direct_url else settings.url
    server = EmbeddedServer(Path(settings.data_dir))
    if not server.is_running():
        raise DatabaseError(
            f"no database: RETAILPULSE_DATABASE_URL is not set, and none runs in {server.data_dir}. "
            "Start one with `retailpulse serve`, or name one with RETAILPULSE_DATABASE_URL."
        )
    return server.url_of_owner() if as_owner else server.url()


def find_free_space(url: str, settings: DatabaseSettings) -> "FreeSpace":
    """What limits the database at `url`: the disk of the data directory if it is the embedded one's."""
    from retailpulse.metrics.free_space import FreeSpace

    server = EmbeddedServer(Path(settings.data_dir))
    folder = server.data_dir if server.url() == url else None
    return FreeSpace(capacity_bytes=settings.capacity_bytes, folder=folder)


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
    """Starts the database if it is the embedded one, migrates it, and stops it at the end.

    Gives None if `stop` came before it was ready; raises DatabaseError.
    """
    server = None if settings.url else EmbeddedServer(Path(settings.data_dir))
    with server.locked() if server else contextlib.nullcontext():
        opening = asyncio.create_task(asyncio.to_thread(_open, settings, server))
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


def _open(settings: DatabaseSettings, server: EmbeddedServer | None) -> OpenDatabase:
    from retailpulse.storage.postgres.migrate import migrate

    url, url_of_owner = settings.url, settings.direct_url or settings.url
    if server is not None:
        began_at = time.monotonic()
        url, url_of_owner = server.start(), server.url_of_owner()
        fields = {"data_dir": str(server.data_dir), "seconds": round(time.monotonic() - began_at, 1)}
        logger.info("the embedded PostgreSQL is ready", extra=fields)
    before, after = migrate(url_of_owner)
    return OpenDatabase(url=url, server=server, before=before, after=after)


def migrate_database(settings: DatabaseSettings) -> tuple[str | None, str]:
    """Migrates the given database, or the embedded one, which runs only for this if none runs yet."""
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


async def check_tables(database: "Database") -> None:
    """Raises DatabaseError if the tables are not this program's; a database that is away may come back."""
    with contextlib.suppress(DatabaseUnavailable):
        await database.check_tables()


@contextlib.asynccontextmanager
async def reach_database(settings: DatabaseSettings) -> AsyncIterator["Database"]:
    """The database that is given or runs, or the embedded one, which runs only for this if none runs.

    Raises DatabaseError if its tables are not this program's.
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
