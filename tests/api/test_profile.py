"""`GET /debug/profile` on a running service: pictures of API and workers, made by `serve`, one at a time."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from retailpulse.client import Client
from retailpulse.process.local_processes import local_processes
from tests import busy_service
from tests.conftest import STORES
from tests.processes import children, command, needs_tracing
from tests.running import Process, RunningService, free_port, wait_for


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    made = RunningService(tmp_path_factory.mktemp("profiled"), workers=2).wait_until_ready()
    made.http.put("/api/v1/stores", content=STORES.encode()).raise_for_status()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def busy(service: RunningService) -> Iterator[None]:
    """Photos are measured, one job after another."""
    with busy_service.busy(service):
        yield


def asked(service: RunningService, **parameters: str | int) -> httpx.Response:
    return service.http.get("/debug/profile", params=parameters, timeout=110)


@needs_tracing
@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize(
    ("process", "code"),
    [("worker-2", "retailpulse/measure/process_pool/child.py"), ("api", "retailpulse/web/")],
)
def test_a_picture_of_cpu_time_shows_code_and_its_scripts_are_kept_apart(
    service: RunningService, process: str, code: str
) -> None:
    answer = asked(service, process=process, seconds=3)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/svg+xml"
    assert code in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'")
    assert "allow-same-origin" not in policy
    assert answer.headers["content-disposition"] == f'inline; filename="{process}-cpu.svg"'


@pytest.mark.usefixtures("busy")
def test_a_picture_of_memory_shows_functions_and_no_source(service: RunningService) -> None:
    answer = asked(service, process="worker-1", seconds=3, kind="memory")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert "retailpulse/worker/" in answer.text
    assert "async def " not in answer.text
    assert answer.headers["content-security-policy"].startswith("sandbox allow-scripts; default-src 'none'")


@needs_tracing
def test_the_client_has_it_too(service: RunningService) -> None:
    with Client(service.url) as client:
        assert b"<svg" in client.profile("api", seconds=1)


@needs_tracing
def test_one_process_is_looked_into_at_a_time(service: RunningService) -> None:
    with ThreadPoolExecutor(max_workers=3) as pool:
        answers = list(pool.map(lambda _: asked(service, process="api", seconds=2), range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]


def test_what_cannot_be_asked_is_refused_by_name(service: RunningService) -> None:
    unknown = asked(service, process="worker-9")
    assert unknown.status_code == 404
    assert unknown.json()["detail"] == "there is no process worker-9; there are api, worker-1, worker-2"
    for wrong in ({"seconds": 61}, {"seconds": 0}, {"kind": "disk"}):
        assert asked(service, process="api", **wrong).status_code == 400
    assert asked(service).status_code == 400


def test_pages_of_other_sites_cannot_have_a_process_looked_into(service: RunningService) -> None:
    answer = service.http.get("/debug/profile?process=api", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


def looking_into(service: RunningService, process: str) -> None:
    """Waits until that goes on."""

    def goes_on() -> bool:
        shown = service.http.get("/system/profile", headers={"Accept": "text/html"}).text
        return f"Looking into {process}," in shown

    wait_for(goes_on)


@needs_tracing
def test_a_worker_that_ends_meanwhile_ends_its_profile_alone(service: RunningService) -> None:
    before = set(service.pids()["worker"])
    names = {one.name: one.pid for one in local_processes() if one.parent == service.process.pid}
    with ThreadPoolExecutor() as pool:
        asking = pool.submit(asked, service, process="worker-2", seconds=30, kind="memory")
        loaded = Path(f"/proc/{names['worker-2']}/maps")
        wait_for(lambda: "memray" in loaded.read_text())
        os.kill(names["worker-2"], signal.SIGKILL)
        answer = asking.result()
    assert answer.status_code == 503
    assert "ended meanwhile" in answer.json()["detail"]
    wait_for(lambda: len(set(service.pids()["worker"]) - before) == 1)
    assert asked(service, process="api", seconds=1).status_code == 200


def lookers(service: RunningService) -> list[int]:
    return [pid for pid in children(service.process.pid) if "py-spy" in command(pid)]


@needs_tracing
def test_a_stop_ends_a_profile(tmp_path: Path) -> None:
    service = RunningService(tmp_path, workers=1, is_migrated=True).wait_until_ready()
    with ThreadPoolExecutor() as pool:
        asking = pool.submit(httpx.get, f"{service.url}/debug/profile?process=api&seconds=60", timeout=90)
        looking_into(service, "api")
        (looker,) = wait_for(lambda: lookers(service))
        service.stop()
        assert asking.result().json()["detail"] == "the service stops"
    assert not Path(f"/proc/{looker}").exists()


def test_an_api_of_its_own_says_where_to_look(service: RunningService, tmp_path: Path) -> None:
    port = free_port()
    alone = Process(tmp_path, "api", f"--port={port}", f"--data-dir={service.data_dir}")
    try:
        url = f"http://127.0.0.1:{port}/debug/profile?process=api"

        def refused() -> httpx.Response | None:
            try:
                return httpx.get(url)
            except httpx.TransportError:
                assert alone.process.poll() is None, alone.log()
                return None

        answer = wait_for(refused)
    finally:
        alone.stop()
    assert answer.status_code == 503
    assert "run `retailpulse profile` on the machine of the process" in answer.json()["detail"]
