"""A service whose processes a test stops, kills and counts, with photos that arrive when the test says so."""

import os
import signal
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psycopg

from retailpulse.storage.postgres.embedded import EmbeddedServer
from tests.conftest import STORES
from tests.measure.pictures import picture, saved
from tests.origin import Origin, Reply
from tests.running import RunningService, wait_for
from tests.storage.truth import check_truth

QUICK = {
    "RETAILPULSE_API_SUBMIT_SECONDS": "1.5",
    "RETAILPULSE_WORKER_HEARTBEAT_SECONDS": "0.2",
    "RETAILPULSE_WORKER_STALE_SECONDS": "2",
    "RETAILPULSE_WORKER_SWEEP_SECONDS": "0.3",
    "RETAILPULSE_FETCH_PER_HOST_MAX": "16",  # no host is asked more than at first
    "RETAILPULSE_FETCH_STALL_SECONDS": "600",  # photos that wait for a gate are not tried again
    "RETAILPULSE_FETCH_TIMEOUT_SECONDS": "600",
    "RETAILPULSE_FETCH_DEADLINE_SECONDS": "600",
}
PICTURE = saved("PNG", picture(16, 16))
LEADING = 120
IN_FLIGHT = 12
"""Photos that may wait for a gate beside others: some of the 16 slots of their host stay for those."""


def processes_in(folder: Path) -> dict[int, str]:
    """Every living process that stands in a folder or names it in its command line."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                command = (
                    (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                )
                place = (entry / "cwd").readlink()
                if command and (f"{place}/".startswith(f"{folder}/") or f"{folder}/" in command):
                    found[int(entry.name)] = command
    return found


def kill_all(folder: Path) -> None:
    """Kills every process of a service at once, as a power cut does."""
    pids = processes_in(folder)
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not processes_in(folder))


class Shop:
    """A data directory, an origin of photos, and the services that run on them one after the other."""

    def __init__(self, folder: Path, origin: Origin) -> None:
        self.folder = folder
        self.origin = origin
        self._count = 0
        self._gates: list[threading.Event] = []
        self._services: list[RunningService] = []

    def serve(self, *, workers: int = 1, **environment: str) -> RunningService:
        """Starts the service, with settings that make recovery quick, and waits for it."""
        running = self.begin(workers=workers, **environment).wait_until_ready()
        running.http.put("/api/v1/stores", content=STORES.encode()).raise_for_status()
        return running

    def begin(self, *, workers: int = 1, **environment: str) -> RunningService:
        """Starts the service without waiting for it."""
        running = RunningService(self.folder, workers=workers, environment=QUICK | environment)
        self._services.append(running)
        return running

    def photos(self, count: int, *, before: threading.Event | None = None, seconds: float = 0.0) -> list[str]:
        """The URLs of so many new photos: each takes so long, and none is sent before `before` is set."""
        reply = Reply(body=PICTURE, before=before, seconds=seconds)
        first, self._count = self._count, self._count + count
        return [self.origin.serve(f"/{number}.png", reply) for number in range(first, self._count)]

    def leading(self) -> list[str]:
        """Photos that take a moment each: once they are done, each worker has its slots of their host."""
        return self.photos(LEADING, seconds=0.2)

    def gate(self) -> threading.Event:
        """Something that photos can wait for."""
        self._gates.append(threading.Event())
        return self._gates[-1]

    def open_gates(self) -> None:
        """Lets every photo go that still waits."""
        for gate in self._gates:
            gate.set()

    def requests(self) -> Counter[str]:
        """How often each photo was asked for."""
        return Counter(seen.path for seen in self.origin.requests)

    def wait_for_requests(self, count: int) -> None:
        """Waits until so many requests came in."""
        self.origin.wait_until(lambda: len(self.origin.requests) >= count)

    def check_truth(self, *job_ids: str) -> None:
        """Waits until nothing waits, then checks all that must hold; the database must run."""
        url = EmbeddedServer(self.folder / "data").url()
        wait_for(lambda: nothing_waits(url))
        check_truth(url, *job_ids)

    def close(self) -> None:
        """Kills whatever is left."""
        kill_all(self.folder)
        for running in self._services:
            running.stop()


def submit(running: RunningService, urls: list[str]) -> str:
    """Submits photos as one visit."""
    visit = {"store_id": "RP00001", "image_url": urls, "visit_time": "2026-11-20T10:00:00Z"}
    return running.submit([visit])


def nothing_waits(url: str) -> bool:
    """Whether no image is in line or in work, and no callback is due."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT FROM slices UNION ALL SELECT FROM grants"
            " UNION ALL SELECT FROM deliveries WHERE state = 'pending' LIMIT 1"
        )
        return found.fetchone() is None
