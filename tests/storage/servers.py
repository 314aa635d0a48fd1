"""A PostgreSQL of the test process's own, and a fresh database in it for each test that asks.

Weak: the databases are not dropped, they go with the server.
"""

import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from retailpulse.config.settings import DatabaseSettings
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.postgres.embedded import EmbeddedServer
from retailpulse.storage.postgres.migrate import migrate
from retailpulse.storage.postgres.roles import SUPERUSER

__all__ = ["OthersServer", "database", "database_url", "empty_url", "folder", "postgres", "start_migrated"]

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


def start_migrated(server: EmbeddedServer) -> str:
    """Starts a server, gives it our tables, and gives its URL for rows."""
    server.start()
    migrate(server.url_of_owner())
    return server.url()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other users may pass through, unlike pytest's own."""
    made = Path(tempfile.mkdtemp(prefix="retailpulse-test-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedServer]:
    """A server of somebody else, as it were; `template_retailpulse` is migrated."""
    made = Path(tempfile.mkdtemp(prefix="retailpulse-test-"))
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
def database_url(postgres: EmbeddedServer) -> str:
    """A fresh database with our tables."""
    return url_of(postgres, create(postgres, "template_retailpulse"))


@pytest.fixture
def empty_url(postgres: EmbeddedServer) -> str:
    """A fresh database without our tables."""
    return url_of(postgres, create(postgres, "template1"))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A pool on a fresh database with our tables."""
    opened = Database(database_url, DatabaseSettings(wait_seconds=10))  # other tests keep the machine busy
    await opened.open()
    yield opened
    await opened.close()


def create(server: EmbeddedServer, template: str) -> str:
    """Creates a database and gives its name."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    return name


def url_of(server: EmbeddedServer, name: str) -> str:
    """The URL of one database of a server."""
    return server.url().replace("@/postgres?", f"@/{quote(name)}?")
