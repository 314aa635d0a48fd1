"""A PostgreSQL of the test process's own, and a fresh database in it for each test that asks.

Its files are in memory where there is room: most of what making a database costs is writing 300 files.
Weak: what no test process has removed, because it was killed, stays there.
"""

import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from retailpulse.config.settings import DatabaseSettings
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.postgres.embedded import EmbeddedServer
from retailpulse.storage.postgres.migrate import migrate
from retailpulse.storage.postgres.roles import SUPERUSER

__all__ = ["OthersServer", "database", "database_url", "empty_url", "folder", "postgres"]

MEMORY = Path("/dev/shm")
ROOM_BYTES = 2_000_000_000

_numbers = itertools.count(1)


class OthersServer(EmbeddedServer):
    """A server that stands for one that somebody else runs: it has no roles of ours, its user may do all."""

    def url(self) -> str:
        """The connection URL of the superuser."""
        return self._url(SUPERUSER)

    def url_of_owner(self) -> str:
        """The same: it owns what it makes."""
        return self._url(SUPERUSER)

    def _set_up_roles(self) -> None:
        """Makes none."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other users may pass through, unlike pytest's own."""
    made = Path(tempfile.mkdtemp(prefix="retailpulse-test-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def place_in_memory() -> Path | None:
    """Where files stay in memory, if there is room for the servers of all test processes; None if not."""
    if not os.access(MEMORY, os.W_OK):
        return None
    return MEMORY if shutil.disk_usage(MEMORY).free > ROOM_BYTES else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedServer]:
    """A server of somebody else, as it were; `template_retailpulse` is migrated."""
    made = Path(tempfile.mkdtemp(prefix="retailpulse-test-", dir=place_in_memory()))
    made.chmod(0o755)
    server = OthersServer(made / "data")
    try:
        server.start()
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")  # it need not outlive the machine
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("CREATE DATABASE template_retailpulse")
        migrate(url_of(server, "template_retailpulse"))
        yield server
    finally:
        server.stop()
        shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def database_url(postgres: EmbeddedServer) -> Iterator[str]:
    """A fresh database with our tables."""
    with created(postgres, "template_retailpulse") as url:
        yield url


@pytest.fixture
def empty_url(postgres: EmbeddedServer) -> Iterator[str]:
    """A fresh database without our tables."""
    with created(postgres, "template1") as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A pool on a fresh database with our tables."""
    opened = Database(database_url, DatabaseSettings(wait_seconds=10))  # other tests keep the machine busy
    await opened.open()
    yield opened
    await opened.close()


@contextmanager
def created(server: EmbeddedServer, template: str) -> Iterator[str]:
    """A database, by its URL, which is dropped at the end whoever is still connected to it."""
    name = f"test_{next(_numbers)}"
    run(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield url_of(server, name)
    run(server, f"DROP DATABASE {name} WITH (FORCE)")


def run(server: EmbeddedServer, statement: str) -> None:
    """Runs a statement as the superuser, in no transaction."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(statement.encode())


def url_of(server: EmbeddedServer, name: str) -> str:
    """The URL of one database of a server."""
    return server.url().replace("@/postgres?", f"@/{quote(name)}?")
