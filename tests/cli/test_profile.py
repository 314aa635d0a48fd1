"""`retailpulse profile` on a running service: flame graphs of Python, of native code, of decoders."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from retailpulse.domain.errors import NotProfiled
from retailpulse.process.profiler import record
from tests.browser import browsing, needs_chromium
from tests.busy_service import busy
from tests.conftest import STORES
from tests.processes import needs_tracing
from tests.running import RunningService, clean_environment


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    made = RunningService(tmp_path_factory.mktemp("profiled")).wait_until_ready()
    made.http.put("/api/v1/stores", content=STORES.encode()).raise_for_status()
    yield made
    made.stop()


def profile(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "retailpulse", "profile", *arguments],
        cwd=folder,
        env=clean_environment() | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )


def worker_of(service: RunningService) -> str:
    (pid,) = service.pids()["worker"]
    return str(pid)


@needs_tracing
def test_a_flame_graph_of_a_worker_shows_its_code_and_that_of_its_decoders(
    service: RunningService, tmp_path: Path
) -> None:
    with busy(service):
        done = profile(tmp_path, worker_of(service), "--seconds=4", "--output=flame.svg")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Wrote flame.svg: what process ")
    drawn = (tmp_path / "flame.svg").read_text()
    assert "<svg" in drawn
    assert "retailpulse/worker/" in drawn
    assert "retailpulse/measure/process_pool/child.py" in drawn
    assert ".so" in drawn, "native code"


@needs_tracing
def test_the_same_as_data_says_the_file_and_the_process(service: RunningService, tmp_path: Path) -> None:
    (pid,) = service.pids()["api"]
    with busy(service):
        done = profile(tmp_path, str(pid), "--seconds=2", "--output=api.json", "--json")
    assert json.loads(done.stdout) == {
        "file": "api.json",
        "process": str(pid),
        "pid": pid,
        "kind": "cpu",
        "seconds": 2,
    }
    frames = json.loads((tmp_path / "api.json").read_text())["shared"]["frames"]
    assert any("retailpulse/" in str(frame.get("file")) for frame in frames)


@needs_chromium
@needs_tracing
def test_a_page_with_a_flame_graph_zooms_into_what_is_clicked_on(
    service: RunningService, tmp_path: Path
) -> None:
    (pid,) = service.pids()["api"]
    with busy(service):
        done = profile(tmp_path, str(pid), "--seconds=2", "--output=flame.html")
    assert done.returncode == 0, done.stderr
    with browsing(tmp_path / "browser") as browser:
        browser.page.goto((tmp_path / "flame.html").as_uri())
        browser.page.locator("#frames g").nth(3).click()
        expect(browser.page.locator("#unzoom")).to_be_visible()
        assert browser.complaints == []
        assert [ask.url for ask in browser.requests if not ask.url.startswith("file:")] == []


def test_memory_is_asked_of_the_service(service: RunningService, tmp_path: Path) -> None:
    with busy(service):
        done = profile(
            tmp_path, "worker-1", "--kind=memory", "--seconds=2", "--json", RETAILPULSE_URL=service.url
        )
    assert json.loads(done.stdout)["file"] == "worker-1.html", done.stderr
    assert "retailpulse/worker/" in (tmp_path / "worker-1.html").read_text()


def test_what_cannot_be_done_is_said_and_writes_nothing(service: RunningService, tmp_path: Path) -> None:
    (tmp_path / "there.svg").write_text("mine")
    for arguments, said in (
        (["worker-999"], "there is no worker-999 here; there is "),
        ([worker_of(service), "--output=x.png"], "the file ends in .svg or .html or .json"),
        ([worker_of(service), "--kind=memory", "--output=x.svg"], "the file ends in .html"),
        (["worker-1", "--kind=memory", "--seconds=61"], "--seconds: at most 60 for memory"),
        ([worker_of(service), "--output=there.svg"], "there.svg exists; --force replaces it"),
    ):
        done = profile(tmp_path, *arguments)
        assert (done.returncode, said in done.stderr.replace("\n", " ")) == (2, True), done.stderr
    gone = profile(tmp_path, "4194304", "--seconds=1")
    assert gone.returncode == 1
    assert "there is no process 4194304" in gone.stderr.replace("\n", " ")
    assert [path.name for path in tmp_path.iterdir()] == ["there.svg"]
    assert (tmp_path / "there.svg").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_another_user_is_told_what_to_do(service: RunningService) -> None:
    worker = int(worker_of(service))
    os.seteuid(65_534)
    try:
        with pytest.raises(NotProfiled, match="run this as root, or as its user"):
            asyncio.run(record(worker, 1, ".svg"))
    finally:
        os.seteuid(0)


@needs_tracing
def test_a_process_that_is_not_of_python_is_named(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "100"]) as other:
        try:
            done = profile(tmp_path, str(other.pid), "--seconds=1")
        finally:
            other.kill()
    assert done.returncode == 1
    assert f"process {other.pid} could not be looked into: No python processes" in done.stderr.replace(
        "\n", " "
    )
    assert "backtrace" not in done.stderr
