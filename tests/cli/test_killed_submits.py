"""A client that is killed in the middle of a submit and started again with its key makes one job."""

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.running import RunningService, clean_environment, wait_for

ROWS = 4_000


class Line:
    """Passes the bytes of one connection on to a service, and stops for good where it is told to.

    With `after_bytes`, it takes no more of the request than that; without, it takes all and holds the answer.
    """

    def __init__(self, port: int, after_bytes: int | None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._port = port
        self._left = after_bytes
        self.passed = 0
        self.is_stuck = threading.Event()
        self._thread = threading.Thread(target=self._pass_on)
        self._thread.start()

    def _pass_on(self) -> None:
        with suppress(OSError):
            client, _ = self._listener.accept()
            with client, socket.create_connection(("127.0.0.1", self._port)) as server:
                server.settimeout(0.05)
                client.settimeout(0.05)
                while not self.is_stuck.is_set():
                    self._forward(client, server)
                client.settimeout(60)
                while client.recv(1):  # until the client is dead
                    pass

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(TimeoutError):
            block = client.recv(65536 if self._left is None else min(65536, self._left - self.passed))
            self.passed += len(block)
            server.sendall(block)
        if self._left is None:
            with suppress(TimeoutError):
                if server.recv(1, socket.MSG_PEEK):  # the answer: all is done
                    self.is_stuck.set()
        elif self.passed >= self._left:
            self.is_stuck.set()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


@pytest.fixture
def visits(tmp_path: Path) -> Path:
    path = tmp_path / "visits.csv"
    lines = (f"RP00001,no-URL-{number},2026-11-20\n" for number in range(ROWS))
    path.write_text("store_id,image_url,visit_time\n" + "".join(lines))
    return path


@pytest.fixture(params=[50_000, None], ids=["in the middle of the body", "before the answer"])
def line(request: pytest.FixtureRequest, service: RunningService) -> Iterator[Line]:
    line = Line(service.port, request.param)
    yield line
    line.close()


def test_a_submit_that_is_killed_and_started_again_makes_one_job(
    service: RunningService, line: Line, visits: Path, request: pytest.FixtureRequest
) -> None:
    name = f"killed {request.node.name}"
    options = [f"--name={name}", f"--idempotency-key={name}", "--patience=90"]
    command = [sys.executable, "-m", "retailpulse", "submit", str(visits), *options]
    dying = subprocess.Popen([*command, "--url", line.url], env=clean_environment(), stdout=subprocess.PIPE)
    wait_for(line.is_stuck.is_set)
    dying.send_signal(signal.SIGKILL)
    assert dying.communicate(timeout=30)[0] == b""
    again = [
        subprocess.run(
            [*command, "--url", service.url],
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for _ in range(2)
    ]
    assert again[0] == again[1]
    listing = [sys.executable, "-m", "retailpulse", "jobs", "list", "--all", "--json", "--url", service.url]
    found = subprocess.run(listing, env=clean_environment(), capture_output=True, text=True, check=True)
    jobs = [job for job in json.loads(found.stdout) if job["name"] == name]
    assert [(job["job_id"], job["images"]["total"]) for job in jobs] == [(again[0], ROWS)]


def test_an_interrupted_submit_tells_the_key_that_makes_no_second_job(
    service: RunningService, visits: Path
) -> None:
    line = Line(service.port, 50_000)
    try:
        command = [sys.executable, "-m", "retailpulse", "submit", str(visits), "--url", line.url]
        process = subprocess.Popen(command, env=clean_environment(), stderr=subprocess.PIPE, text=True)
        wait_for(line.is_stuck.is_set)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    finally:
        line.close()
    assert process.returncode == 130
    assert "--idempotency-key" in errors
    assert "Traceback" not in errors
