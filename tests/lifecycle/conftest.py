"""What the tests of life and death share: a folder, an origin of photos, and services on them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lifecycle.processes import Shop
from tests.migrated_data import copy_migrated
from tests.origin import Origin
from tests.storage.servers import database, database_url, empty_url, folder, postgres

__all__ = ["database", "database_url", "empty_url", "folder", "postgres"]


@pytest.fixture
def new_shop(folder: Path) -> Iterator[Shop]:
    """A folder without data and an origin; whatever runs there is killed at the end."""
    with Origin() as origin:
        shop = Shop(folder, origin)
        yield shop
        shop.close()


@pytest.fixture
def shop(new_shop: Shop) -> Shop:
    """The same with a data directory in it, on which nothing has run yet."""
    copy_migrated(new_shop.folder / "data")
    return new_shop
