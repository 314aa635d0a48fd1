"""What the tests of scheduling do: submit to slow hosts, and count at the hosts and in the database."""

import time
from collections.abc import Callable, Sequence
from typing import Any, LiteralString

import psycopg

from retailpulse.storage.postgres.embedded import EmbeddedServer
from tests.running import RunningService, wait_for
from tests.slow_origin import SlowOrigin

CAP = 16
"""Most requests at once at one host, at default settings."""
_HELD = """
    SELECT count(*) FROM grants g CROSS JOIN unnest(g.image_nos) AS held (image_no)
    WHERE NOT EXISTS (SELECT FROM results r WHERE r.job_id = g.job_id AND r.image_no = held.image_no)
"""


class Stage:
    """A running service and an origin."""

    def __init__(self, running: RunningService, origin: SlowOrigin) -> None:
        self.running = running
        self.origin = origin
        self.database_url = database_url(running)

    def submit(self, urls: Sequence[str], priority: int = 0) -> str:
        """Submits a job of these photos."""
        visit = {"store_id": "RP00001", "image_url": list(urls), "visit_time": "2026-01-01T10:00:00Z"}
        return self.running.submit([visit], priority=priority, depth="header")

    def submit_big(
        self, latency_ms: int, images: int, *, hosts: Sequence[int] = (0,), name: str = "big"
    ) -> str:
        """Submits a job of so many photos, of the hosts in turn."""
        return self.submit(self.origin.urls(latency_ms, name, images, hosts=hosts))

    def finished(self, job_id: str, seconds: float = 90.0) -> dict[str, Any]:
        """Waits for the end of a job."""
        return self.running.finished(job_id, seconds)

    def cancel(self, job_id: str) -> float:
        """Cancels a job; the moment at which that was answered, by the monotonic clock."""
        self.running.http.post(f"/api/v1/jobs/{job_id}/cancel").raise_for_status()
        return time.monotonic()

    def begun(self, name: str, host: int = 0) -> list[float]:
        """When requests for photos of such a name came in."""
        return [at for at, path in self.origin.arrivals(host) if f"/{name}" in path]

    def wait_for_requests(self, more: int, host: int = 0) -> None:
        """Waits for so many further requests at a host."""
        enough = self.origin.count(host).requests + more
        wait_for(lambda: self.origin.count(host).requests >= enough)

    def wait_until_full(self, host: int = 0, requests: int = CAP) -> None:
        """Waits until a host has as many requests at once as it may."""
        wait_for(lambda: self.origin.count(host).in_flight >= requests)

    def held(self) -> int:
        """Unsettled images that workers have in hand."""
        return int(ask(self.database_url, _HELD)[0][0])

    def in_line(self) -> int:
        """Images that no worker has taken yet."""
        query = "SELECT coalesce(sum(cardinality(image_nos)), 0) FROM slices"
        return int(ask(self.database_url, query)[0][0])

    def look_during(self, requests: int, look: Callable[[], int], host: int = 0) -> list[int]:
        """What looks see, one after the other, while so many further requests come in."""
        enough = self.origin.count(host).requests + requests
        seen = []

        def is_over() -> bool:
            seen.append(look())
            return self.origin.count(host).requests >= enough

        wait_for(is_over)
        return seen


def database_url(running: RunningService) -> str:
    """The database that a service keeps."""
    return EmbeddedServer(running.data_dir).url()


def ask(url: str, query: LiteralString) -> list[tuple[Any, ...]]:
    """What a query finds, by a connection of its own."""
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(query).fetchall()


def alive_workers(running: RunningService) -> int:
    """Workers that said lately that they are alive."""
    query = "SELECT count(*) FROM workers WHERE beat_at > now() - interval '3 seconds'"
    return int(ask(database_url(running), query)[0][0])
