"""Clients that hold a connection without using it are let go, and hold nobody up in the meantime."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.api.guarded import Guarded, guarded_by
from tests.api.jobs import CORNER_SHOP, NO_JOB, RunningApi, body, post, visit
from tests.running import wait_for

PATIENCE = {
    "RETAILPULSE_API_HEADER_SECONDS": "2",
    "RETAILPULSE_API_BODY_SECONDS": "1",
    "RETAILPULSE_API_ANSWER_SECONDS": "2",
}
HEAD = b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded_by(tmp_path_factory.mktemp("slow")) as guarded:
        yield guarded


@pytest.fixture(scope="module")
def api(guarded: Guarded) -> RunningApi:
    return guarded.api(PATIENCE)


@pytest.fixture
def line(api: RunningApi) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", api.port), timeout=30) as line:
        yield line


def rest_of(line: socket.socket, meanwhile: Callable[[], None] = lambda: None) -> bytes:
    """All that comes until the other side closes; `meanwhile` goes on until something comes."""
    received = b""
    line.settimeout(0.2)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            some = line.recv(65536)
        except TimeoutError:
            meanwhile()
            continue
        except ConnectionResetError:
            return received
        if not some:
            return received
        received += some
    raise AssertionError(f"the connection was not closed after {received[:300]!r}")


def trickle(line: socket.socket, content: bytes) -> Callable[[], None]:
    def send() -> None:
        with suppress(OSError):
            line.sendall(content)

    return send


def test_a_connection_without_a_request_is_closed(line: socket.socket) -> None:
    assert rest_of(line) == b""


def test_headers_that_never_end_are_not_waited_for(line: socket.socket) -> None:
    line.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n")
    assert b"200" not in rest_of(line, trickle(line, b"X-More: 1\r\n"))


def test_a_kept_connection_is_closed_when_nothing_more_is_asked(line: socket.socket) -> None:
    line.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert rest_of(line).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", [b"/api/v1/jobs", b"/api/submit"])
def test_a_body_that_trickles_is_not_waited_for(guarded: Guarded, line: socket.socket, path: bytes) -> None:
    line.sendall(HEAD % path)
    answer = rest_of(line, trickle(line, b" "))
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"the body came too slowly" in answer
    assert (b"/problems/request-timeout" in answer) is (path == b"/api/v1/jobs")
    with psycopg.connect(guarded.url) as connection:
        assert connection.execute("SELECT FROM jobs").rowcount == 0


@pytest.mark.parametrize("target", [b"POST /api/submit", b"POST /api/v1/jobs", b"PUT /api/v1/stores"])
def test_a_body_that_stops_coming_is_not_waited_for(line: socket.socket, target: bytes) -> None:
    line.sendall((HEAD % b"").replace(b"POST ", target) + b"AreaCode,")
    assert rest_of(line).startswith(b"HTTP/1.1 408 ")


def test_a_body_that_nobody_wants_and_stops_coming_is_not_waited_for(line: socket.socket) -> None:
    line.sendall((HEAD % b"/api/submit").replace(b"localhost", b"evil.example") + b"some")
    assert rest_of(line).startswith(b"HTTP/1.1 400 ")


def test_a_store_file_that_trickles_is_not_waited_for(guarded: Guarded, line: socket.socket) -> None:
    line.sendall(HEAD.replace(b"POST", b"PUT") % b"/api/v1/stores" + b"AreaCode,StoreName,StoreID\n1,2,3\n")
    assert rest_of(line, trickle(line, b"1")).startswith(b"HTTP/1.1 408 ")
    with psycopg.connect(guarded.url) as connection:
        assert connection.execute("SELECT FROM stores").rowcount == 0


def test_a_large_body_that_keeps_coming_may_take_longer(api: RunningApi) -> None:
    def slowly() -> Iterator[bytes]:
        for _ in range(10):  # three times the patience in all, at 100 kB/s
            time.sleep(0.3)
            yield b" " * 30_000

    answer = api.http.post("/api/submit", content=slowly())
    assert (answer.status_code, list(answer.json())) == (400, ["error"])
    assert "not JSON" in answer.text


def test_a_body_that_nobody_wants_is_not_waited_for_long(line: socket.socket) -> None:
    line.sendall((HEAD % b"/api/submit").replace(b"localhost", b"evil.example"))
    assert rest_of(line, trickle(line, b" ")).startswith(b"HTTP/1.1 400 ")


def connections_to(port: int) -> int:
    """How many established connections the listening side has; one that is closed is not among them."""
    local, established = f":{port:04X}", "01"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(local) and row[3] == established for row in rows)


def test_a_client_that_reads_nothing_of_its_answer_is_cut_off(api: RunningApi) -> None:
    long = "x" * 3_000_000  # pages far larger than what lies between the two ends
    job = body(visit(CORNER_SHOP, *[f"{long}{n}" for n in range(12)]))
    job_id = wait_for(lambda: post(api, job).json().get("job_id"))  # a busy machine may need several tries
    api.http.close()
    wait_for(lambda: connections_to(api.port) == 0)
    with ExitStack() as stack:
        for query in ("format=csv", "format=json"):
            line = stack.enter_context(socket.socket())
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line.connect(("127.0.0.1", api.port))
            path = f"/api/v1/jobs/{job_id}/results?{query}"
            line.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        wait_for(lambda: connections_to(api.port) == 2)
        wait_for(lambda: connections_to(api.port) == 0)


def test_hundreds_of_connections_that_say_nothing_hold_nobody_up(guarded: Guarded) -> None:
    api = guarded.api()
    with ExitStack() as stack:
        for _ in range(400):
            stack.enter_context(socket.create_connection(("127.0.0.1", api.port)))
        # Over a connection of its own, behind all of these.
        assert httpx.get(f"{api.url}/api/status?jobid={NO_JOB}", timeout=20).status_code == 400
