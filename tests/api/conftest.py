"""What the tests of the API share: a server of photos, and an API with small limits."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from retailpulse.storage.postgres.embedded import EmbeddedServer
from tests.api.jobs import RunningApi
from tests.origin import Origin
from tests.running import RunningService
from tests.storage.servers import database_url, postgres
from tests.storage.waiting import Waiting

__all__ = ["database_url", "postgres"]
SMALL_LIMITS = {
    "RETAILPULSE_API_MAX_BODY_BYTES": "20000",
    "RETAILPULSE_API_MAX_STORES_BYTES": "20000",
    "RETAILPULSE_API_MAX_IMAGES_PER_JOB": "3",
}


@pytest.fixture(scope="session")
def origin() -> Iterator[Origin]:
    """A server whose paths the tests fill; each test uses paths of its own."""
    with Origin() as origin:
        yield origin


@pytest.fixture(scope="session")
def strict(service: RunningService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApi]:
    """A second API on the database of `service`, which accepts 20,000 bytes and 3 images."""
    url = EmbeddedServer(service.data_dir).url()
    api = RunningApi(tmp_path_factory.mktemp("strict"), url, SMALL_LIMITS)
    try:
        yield api.wait_until_ready()
    finally:
        code = api.stop()
    assert code == 0, api.log()


@pytest.fixture
def waiting(database_url: str) -> Waiting:
    """Puts what waits by host into a database of its own."""
    return Waiting(database_url)


@pytest.fixture
def idle(database_url: str, tmp_path: Path) -> Iterator[RunningApi]:
    """An API alone on the database of `waiting`: nobody works on what waits there."""
    api = RunningApi(tmp_path, database_url)
    try:
        yield api.wait_until_ready()
    finally:
        code = api.stop()
    assert code == 0, api.log()
