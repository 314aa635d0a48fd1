"""Runs the real service as processes of its own, for tests that speak to it over HTTP."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tests.migrated_data import copy_migrated
from tests.processes import children, command

Found = TypeVar("Found")

SHORTEST_POLL_SECONDS, LONGEST_POLL_SECONDS, POLLS_IN_A_WAIT = 0.02, 0.1, 20

ALLOW_LOOPBACK = {
    "RETAILPULSE_FETCH_ALLOWED_NETWORKS": "127.0.0.0/8,::1/128",
    "RETAILPULSE_FETCH_PORTS": "any",
}


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], Found | None], seconds: float = 60.0) -> Found:
    """Waits until the condition gives something, and gives it back; fails after `seconds`.

    It asks less often the longer it has waited: what it asks for costs the service and its database time.
    """
    began_at = time.monotonic()
    while True:
        found = condition()
        if found:
            return found
        waited_seconds = time.monotonic() - began_at
        assert waited_seconds < seconds, f"waited {seconds:g} s for {condition}"
        time.sleep(min(LONGEST_POLL_SECONDS, max(SHORTEST_POLL_SECONDS, waited_seconds / POLLS_IN_A_WAIT)))


class Process:
    """One `retailpulse` command that keeps running, with what it logs in a file."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        python: str = sys.executable,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._log = (folder / f"{arguments[0]}.log").open("a+b")
        self.process = subprocess.Popen(
            [python, "-m", "retailpulse", *arguments],
            cwd=folder,
            env={**clean_environment(), **(environment or {})},
            stdout=self._log,
            stderr=self._log,
        )

    def log(self) -> str:
        """What the process has logged so far."""
        return Path(self._log.name).read_text(errors="replace")

    def stop(self, seconds: float = 60.0) -> int:
        """Asks the process to stop and gives its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(seconds)
        self._log.close()
        return code


class RunningService(Process):
    """A whole `retailpulse serve`; `url` is where it answers; `is_migrated`: it finds our tables there."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        workers: int = 1,
        python: str = sys.executable,
        port: int | None = None,
        is_migrated: bool = False,
    ) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data_dir = folder / "data"
        if is_migrated:
            copy_migrated(self.data_dir)
        super().__init__(
            folder,
            "serve",
            f"--port={self.port}",
            f"--data-dir={self.data_dir}",
            f"--workers={workers}",
            *arguments,
            environment={**ALLOW_LOOPBACK, **(environment or {})},
            python=python,
        )
        self.http = httpx.Client(base_url=self.url, timeout=60)

    def wait_until_ready(self) -> "RunningService":
        """Waits until the service answers."""

        def ready() -> bool:
            assert self.process.poll() is None, self.log()
            try:
                return self.http.get("/health/ready").status_code == 200
            except httpx.TransportError:
                return False

        wait_for(ready)
        return self

    def stop(self, seconds: float = 60.0) -> int:
        """Asks the service to stop and gives its exit code."""
        self.http.close()
        return super().stop(seconds)

    def pids(self) -> dict[str, list[int]]:
        """The processes of the service by command: serve's children, and the embedded server."""
        found: dict[str, list[int]] = {"api": [], "worker": [], "postgres": []}
        for pid in children(self.process.pid):
            child = re.search(r"-m retailpulse (api|worker) --parent-fd", command(pid))
            if child:
                found[child[1]].append(pid)
        postmaster = self.data_dir / "postgres" / "postmaster.pid"
        if postmaster.exists():
            found["postgres"].append(int(postmaster.read_text().split()[0]))
        return found

    def submit(self, visits: list[dict[str, Any]], **fields: Any) -> str:
        """Submits visits as a job and gives its id."""
        answer = self.http.post("/api/submit", json={"count": len(visits), "visits": visits, **fields})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["job_id"])

    def job(self, job_id: str) -> dict[str, Any]:
        """Where a job stands."""
        answer = self.http.get(f"/api/v1/jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def finished(self, job_id: str, seconds: float = 90.0) -> dict[str, Any]:
        """Waits for the end of a job and tells how it stands."""

        def ended() -> dict[str, Any] | None:
            report = self.job(job_id)
            return report if report["status"] != "ongoing" else None

        return wait_for(ended, seconds)

    def results(self, job_id: str) -> list[dict[str, Any]]:
        """All results of a job."""
        lines = self.http.get(f"/api/v1/jobs/{job_id}/results", params={"format": "ndjson"}).text
        return [httpx.Response(200, text=line).json() for line in lines.splitlines()]


def clean_environment() -> dict[str, str]:
    """Our environment without any setting of the service."""
    return {name: text for name, text in os.environ.items() if not name.startswith("RETAILPULSE_")}


def secret_of(service: RunningService) -> str:
    """The secret that a service signs callbacks with, as its command prints it."""
    asking = [sys.executable, "-m", "retailpulse", "callbacks", "secret", f"--data-dir={service.data_dir}"]
    printed = subprocess.run(asking, env=clean_environment(), capture_output=True, text=True, check=True)
    return printed.stdout.strip()
