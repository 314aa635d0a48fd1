"""The real service as anybody runs it: `retailpulse serve` in a temporary folder, spoken to over HTTP.

Where no worker is wanted, `api_only` runs it. Its database is looked into only to count and to wait.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg

from bench import accounting
from bench.cases import BenchFailed, Case
from bench.origin import free_port
from bench.scratch_process import ScratchProcess
from retailpulse.config.settings import FetchSettings
from retailpulse.domain.images import Depth
from retailpulse.storage.postgres.embedded import EmbeddedServer

OURS = ("api", "worker", "decoder", "supervisor")
STORES = 100
IMAGES_PER_VISIT = 10
_READY_SECONDS = 120.0
_PATIENCE_SECONDS = 300.0
_SHORTEST_LOOK_SECONDS, _LONGEST_LOOK_SECONDS = 0.01, 0.5
_COMMANDS = {
    "api": " retailpulse api ",
    "worker": " retailpulse worker ",
    "decoder": " retailpulse.measure.process_pool.fork_server ",  # those that it forks keep its command
}
_NOTHING_TO_DO = "SELECT NOT EXISTS (SELECT FROM slices) AND NOT EXISTS (SELECT FROM grants)"
_ALLOWED = {"RETAILPULSE_FETCH_ALLOWED_NETWORKS": "127.0.0.0/8", "RETAILPULSE_FETCH_PORTS": "any"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """A running service."""

    scratch: ScratchProcess
    http: httpx.Client
    port: int

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def kinds(self) -> dict[str, list[int]]:
        """Its processes by kind."""
        found: dict[str, list[int]] = {kind: [] for kind in OURS}
        for pid in self.pids():
            command = accounting.command_line(pid)
            kind = next((kind for kind, part in _COMMANDS.items() if part in command), "supervisor")
            found[kind].append(pid)
        return {**found, "postgres": self._postgres()}

    def pids(self) -> list[int]:
        """Its processes of this moment, without PostgreSQL, which `serve` starts as a child of its own."""
        others = set(self._postgres())
        return [pid for pid in accounting.with_descendants(self.scratch.keeper_pid)[1:] if pid not in others]

    def _postgres(self) -> list[int]:
        notes = self.scratch.folder / "data/postgres/postmaster.pid"
        return accounting.with_descendants(int(notes.read_text().split()[0]))

    def time_job(self, body: bytes, images: int, show: Callable[[int], None]) -> float:
        """Submits a job and waits for its end; returns the seconds from the one to the other."""
        ended = self.run_job(body, images, show)
        job = ended.job
        if job["images"]["measured"] != images:
            raise BenchFailed(f"{job['images']['failed']} of {images} images failed: {job['causes']}")
        return ended.seconds

    def run_job(
        self,
        body: bytes,
        images: int,
        show: Callable[[int], None],
        patience_seconds: float = _PATIENCE_SECONDS,
    ) -> "Ended":
        """Submits a job and waits for its end, however its images fare."""
        submitted_at, began = datetime.now(UTC), time.perf_counter()
        job_id = self.submit(body)
        while True:
            job = self.job(job_id)
            seconds = time.perf_counter() - began
            if job["status"] != "ongoing":
                return Ended(job=job, seconds=seconds, submitted_at=submitted_at)
            if seconds > patience_seconds or self.scratch.ended():
                raise BenchFailed(f"the job did not end: {job}\n{self.scratch.log_end()}")
            show(job["images"]["settled"])
            time.sleep(_until_next_look(job["images"]["settled"], images, seconds))

    def submit(self, body: bytes) -> str:
        """Submits a job; returns its id."""
        answer = self.http.post("/api/submit", content=body)
        if answer.status_code != httpx.codes.CREATED:
            raise BenchFailed(f"the service did not take the job: HTTP {answer.status_code} {answer.text}")
        return str(answer.json()["job_id"])

    def job(self, job_id: str) -> dict[str, Any]:
        """What the service says of a job."""
        told: dict[str, Any] = self.http.get(f"/api/v1/jobs/{job_id}").raise_for_status().json()
        return told

    def cancel(self, job_id: str) -> None:
        """Cancels a job; nothing happens where it has ended."""
        answer = self.http.post(f"/api/v1/jobs/{job_id}/cancel", timeout=_PATIENCE_SECONDS)
        if answer.status_code not in (httpx.codes.OK, httpx.codes.CONFLICT):
            raise BenchFailed(f"the job is not cancelled: HTTP {answer.status_code} {answer.text}")

    @contextmanager
    def database(self) -> Iterator["psycopg.Connection[Any]"]:
        """A connection to its embedded PostgreSQL, as the owner of the tables."""
        url = EmbeddedServer(self.scratch.folder / "data").url_of_owner()
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection

    def wait_until(self, holds: Callable[[], bool], patience_seconds: float = _PATIENCE_SECONDS) -> None:
        """Waits for something to become true of the service."""
        until = time.monotonic() + patience_seconds
        while not holds():
            if time.monotonic() > until or self.scratch.ended():
                raise BenchFailed(f"the service does not get on:\n{self.scratch.log_end()}")
            time.sleep(_SHORTEST_LOOK_SECONDS)

    def wait_until_idle(self) -> None:
        """Waits until no worker has or finds anything to do."""
        with self.database() as connection:
            self.wait_until(lambda: connection.execute(_NOTHING_TO_DO).fetchone() == (True,))

    def results(self, ended: "Ended") -> list[dict[str, Any]]:
        """Every result of a job, in the order of the submit."""
        answer = self.http.get(f"/api/v1/jobs/{ended.job['job_id']}/results?format=ndjson")
        return [json.loads(line) for line in answer.raise_for_status().text.splitlines()]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """A job that has ended: what the service says of it, and how long it took over HTTP."""

    job: dict[str, Any]
    seconds: float
    submitted_at: datetime


def _until_next_look(settled: int, images: int, seconds: float) -> float:
    """Looks seldom at first, then often, so that looking costs little and the end is seen at once."""
    left = seconds * (images - settled) / settled if settled else _LONGEST_LOOK_SECONDS
    return min(max(left / 3, _SHORTEST_LOOK_SECONDS), _LONGEST_LOOK_SECONDS)


@contextmanager
def running_service(workers: int, settings: Mapping[str, str]) -> Iterator[Service]:
    """Runs the service on fresh data, with a few stores, until the context ends; 0 workers: the API alone."""
    port = free_port("127.0.0.1")
    with ScratchProcess("service") as scratch:
        scratch.start(_command(workers, port, str(scratch.folder / "data")), {**_ALLOWED, **settings})
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as http:
            service = Service(scratch=scratch, http=http, port=port)
            _wait_until_ready(service)
            _load_stores(http)
            yield service


def _command(workers: int, port: int, data_dir: str) -> tuple[str, ...]:
    if not workers:
        return (sys.executable, "-m", "bench.api_only", str(port), data_dir)
    options = ("--port", str(port), "--workers", str(workers), "--data-dir", data_dir)
    return (sys.executable, "-m", "retailpulse", "serve", *options)


def connections(settings: Mapping[str, str]) -> int:
    """How many connections the service opens to one host at first: its workers share them."""
    return int(settings.get("RETAILPULSE_FETCH_PER_HOST", FetchSettings().per_host))


def write_job(case: Case, url: str, images: int, marker: str) -> bytes:
    """The body of a submit; `marker` makes its URLs differ from those of other jobs."""
    return write_submit([f"{url}?{marker}-{n}" for n in range(images)], case.depth)


def write_submit(urls: Sequence[str], depth: Depth, priority: int = 0) -> bytes:
    """The body of a submit with these images, in this order."""
    visits: list[dict[str, Any]] = [
        {
            "store_id": f"B{first // IMAGES_PER_VISIT % STORES:05}",
            "image_url": urls[first : first + IMAGES_PER_VISIT],
            "visit_time": "2026-01-01T10:00:00Z",
        }
        for first in range(0, len(urls), IMAGES_PER_VISIT)
    ]
    fields = {"count": len(visits), "visits": visits, "depth": depth, "priority": priority}
    return json.dumps(fields).encode()


def _wait_until_ready(service: Service) -> None:
    until = time.monotonic() + _READY_SECONDS
    while True:
        try:
            if service.http.get("/health/ready").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        if service.scratch.ended() or time.monotonic() > until:
            raise BenchFailed(f"the service did not start:\n{service.scratch.log_end()}")
        time.sleep(0.05)


def _load_stores(http: httpx.Client) -> None:
    lines = ["AreaCode,StoreName,StoreID", *(f"1,Store {n},B{n:05}" for n in range(STORES))]
    http.put("/api/v1/stores", content="\n".join(lines).encode()).raise_for_status()
