"""The port for health alone answers when every other connection is taken."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.api.jobs import RunningApi
from tests.running import clean_environment, free_port

MAX_CONNECTIONS = 3


@pytest.fixture
def health_port() -> int:
    return free_port()


@pytest.fixture
def api(database_url: str, tmp_path: Path, health_port: int) -> Iterator[RunningApi]:
    """An API of few connections, with a port for health."""
    settings = {
        "RETAILPULSE_API_MAX_CONNECTIONS": str(MAX_CONNECTIONS),
        "RETAILPULSE_API_HEALTH_PORT": str(health_port),
    }
    api = RunningApi(tmp_path, database_url, settings)
    try:
        yield api.wait_until_ready()
    finally:
        code = api.stop()
    assert code == 0, api.log()


def health(api: RunningApi, **environment: str) -> int:
    """The exit code of the command for health checks."""
    asking = [sys.executable, "-m", "retailpulse", "health"]
    environment = {**clean_environment(), "RETAILPULSE_API_PORT": str(api.port), **environment}
    return subprocess.run(asking, env=environment, capture_output=True, check=False).returncode


def test_health_is_told_when_every_connection_is_taken(api: RunningApi, health_port: int) -> None:
    api.http.close()
    with ExitStack() as taken:
        for _ in range(MAX_CONNECTIONS):
            line = taken.enter_context(socket.create_connection(("127.0.0.1", api.port)))
            line.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert line.recv(1_000).startswith(b"HTTP/1.1 200 ")
        waiting = taken.enter_context(socket.create_connection(("127.0.0.1", api.port)))
        waiting.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for path in ("live", "ready", "live", "ready"):
            assert httpx.get(f"http://127.0.0.1:{health_port}/health/{path}").status_code == 200
        assert health(api, RETAILPULSE_API_HEALTH_PORT=str(health_port)) == 0
        waiting.setblocking(False)
        with pytest.raises(BlockingIOError):
            waiting.recv(1)
    api.http = httpx.Client(base_url=api.url, timeout=60)
    assert api.http.get("/health/live").status_code == 200


@pytest.mark.parametrize("path", ["/", "/api/v1/jobs", "/metrics", "/healthy", "/docs"])
def test_nothing_else_is_there(api: RunningApi, health_port: int, path: str) -> None:
    assert httpx.get(f"http://127.0.0.1:{health_port}{path}").status_code == 404
    assert api.http.get("/health/live").status_code == 200
