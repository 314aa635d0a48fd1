"""A client that asks one thing after the other over one connection, and notes how long each answer took.

Plain `http.client`, so that little of the time is the client's own. Weak: it shares the cores with the
service, and its own waits for a core are in the figures.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection

from bench.cases import BenchFailed

_TIMEOUT_SECONDS = 120.0


class TimedClient:
    """One connection to the service that is kept alive."""

    def __init__(self, connection: HTTPConnection) -> None:
        self._connection = connection

    def get(self, path: str) -> float:
        """Asks for something; returns the seconds until the answer was there."""
        return self._ask("GET", path, None)

    def submit(self, body: bytes, media_type: str = "application/json") -> float:
        """Submits a job; returns the seconds until it was accepted, and so is on disk."""
        path = "/api/submit" if media_type == "application/json" else "/api/v1/jobs"
        return self._ask("POST", path, body, {"Content-Type": media_type})

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str] = {}) -> float:
        began = time.perf_counter()
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        said = answer.read()
        seconds = time.perf_counter() - began
        if answer.status not in (200, 201):
            raise BenchFailed(f"{method} {path}: HTTP {answer.status} {said[:300]!r}")
        return seconds


@contextmanager
def timed_client(port: int) -> Iterator[TimedClient]:
    """A client of a service on a port of 127.0.0.1."""
    connection = HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    try:
        yield TimedClient(connection)
    finally:
        connection.close()


def ask_for(seconds: float, ask: Callable[[], float], *, every_seconds: float = 0.0) -> list[float]:
    """Asks again and again for so long, at most once in `every_seconds`; the times of all answers."""
    until = time.perf_counter() + seconds
    taken = []
    while (now := time.perf_counter()) < until:
        taken.append(ask())
        time.sleep(max(0.0, now + every_seconds - time.perf_counter()))
    return taken


def p99(taken: Sequence[float]) -> float:
    """The time that 99 in 100 answers did not take longer than."""
    return sorted(taken)[math.ceil(0.99 * len(taken)) - 1]
