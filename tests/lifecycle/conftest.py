"""What the tests of life and death share: a folder, an origin of photos, and services on them."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from retailpulse.storage.postgres.embedded import EmbeddedServer
from tests.lifecycle.processes import Shop
from tests.origin import Origin
from tests.storage.servers import database, database_url, empty_url, folder, postgres, start_migrated

__all__ = ["database", "database_url", "empty_url", "folder", "postgres"]


@pytest.fixture(scope="session")
def made() -> Iterator[Path]:
    """A data directory with our tables in it, made once: most of what a first start does."""
    folder = Path(tempfile.mkdtemp(prefix="retailpulse-test-"))
    server = EmbeddedServer(folder / "data")
    try:
        start_migrated(server)
        server.stop()
        yield folder / "data"
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture
def new_shop(folder: Path) -> Iterator[Shop]:
    """A folder without data and an origin; whatever runs there is killed at the end."""
    with Origin() as origin:
        shop = Shop(folder, origin)
        yield shop
        shop.close()


@pytest.fixture
def shop(new_shop: Shop, made: Path) -> Shop:
    """The same with a data directory in it, on which nothing has run yet."""
    subprocess.run(["cp", "-a", str(made), str(new_shop.folder / "data")], check=True)
    return new_shop
