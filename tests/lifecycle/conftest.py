"""What the tests of life and death share: a folder, an origin of photos, and services on them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lifecycle.processes import Shop
from tests.origin import Origin
from tests.storage.servers import database, database_url, empty_url, folder, postgres

__all__ = ["database", "database_url", "empty_url", "folder", "postgres"]


@pytest.fixture
def shop(folder: Path) -> Iterator[Shop]:
    """An empty data directory and an origin; whatever runs there is killed at the end."""
    with Origin() as origin:
        shop = Shop(folder, origin)
        yield shop
        shop.close()
