"""A service of two workers for the tests of scheduling; each test has an origin, and so hosts, of its own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.running import Process, RunningService, wait_for
from tests.scheduling.stage import Stage, alive_workers, database_url
from tests.slow_origin import SlowOrigin


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """The service."""
    running = RunningService(tmp_path_factory.mktemp("service"), workers=2, is_migrated=True)
    try:
        running.wait_until_ready()
        running.http.put("/api/v1/stores", content=b"AreaCode,StoreName,StoreID\n1,Shop,RP00001\n")
        yield running
    finally:
        code = running.stop()
    assert code == 0, running.log()


@pytest.fixture
def stage(running: RunningService) -> Iterator[Callable[..., Stage]]:
    """Makes a stage of the service and an origin of so many hosts, with such manners."""
    with ExitStack() as origins:

        def make(hosts: int = 1, manners: dict[int, str] | None = None) -> Stage:
            return Stage(running, origins.enter_context(SlowOrigin(hosts, manners)))

        yield make
        for job in running.http.get("/api/v1/jobs", params={"status": "ongoing"}).json()["items"]:
            running.http.post(f"/api/v1/jobs/{job['job_id']}/cancel")


@pytest.fixture
def hand_started(running: RunningService, tmp_path: Path) -> Iterator[Callable[[], Process]]:
    """Starts further workers by hand on the database of the service."""
    started: list[Process] = []

    def start() -> Process:
        before = alive_workers(running)
        folder = tmp_path / f"worker-{len(started)}"
        environment = {
            "RETAILPULSE_DATABASE_URL": database_url(running),
            "RETAILPULSE_FETCH_ALLOWED_NETWORKS": "127.0.0.0/8",
            "RETAILPULSE_FETCH_PORTS": "any",
        }
        started.append(Process(folder, "worker", environment=environment))
        wait_for(lambda: alive_workers(running) > before)
        return started[-1]

    try:
        yield start
    finally:
        for process in started:
            process.stop()
