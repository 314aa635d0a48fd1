"""The processes of the soak: `serve` with its children and database, and one worker started by hand.

`keep` starts again what a fault took away and nobody else starts; a `serve` that ends by itself is a defect.
"""

import re
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import httpx
import psycopg

from retailpulse.storage.postgres.embedded import EmbeddedServer
from tests.conftest import STORES
from tests.lifecycle.processes import kill_all, processes_in
from tests.running import ALLOW_LOOPBACK, Process, clean_environment, free_port, wait_for

SERVE_WORKERS = 2
STALE_SECONDS = 2.0
DEADLINE_SECONDS = 20.0
READY_SECONDS = 90.0
LINES_TOLD = 12
REPAIRED = re.compile(r"lost images put in line again: [\d,]+")
SETTINGS: Mapping[str, str] = {
    **ALLOW_LOOPBACK,
    "RETAILPULSE_WORKER_HEARTBEAT_SECONDS": "0.3",
    "RETAILPULSE_WORKER_STALE_SECONDS": f"{STALE_SECONDS:g}",
    "RETAILPULSE_WORKER_SWEEP_SECONDS": "0.5",
    "RETAILPULSE_WORKER_GRACE_SECONDS": "10",
    "RETAILPULSE_FETCH_STALL_SECONDS": "6",
    "RETAILPULSE_FETCH_TIMEOUT_SECONDS": "12",
    "RETAILPULSE_FETCH_DEADLINE_SECONDS": f"{DEADLINE_SECONDS:g}",
    "RETAILPULSE_FETCH_BACKOFF_SECONDS": "0.2",
}


class Stage:
    """One data directory and what runs on it; faults and the keeper may act from two threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.temporary.chmod(0o1777)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.database_url = EmbeddedServer(self.data_dir).url()
        self.problems: list[str] = []
        self._lock = threading.Lock()
        self._environment = {**SETTINGS, "TMPDIR": str(self.temporary)}
        self._serve: Process | None = None
        self._worker: Process | None = None

    def start(self) -> None:
        """Starts everything and loads the store master."""
        with self._lock:
            self._start_serve()
        self.wait_until_ready()
        httpx.put(f"{self.url}/api/v1/stores", content=STORES.encode(), timeout=60).raise_for_status()
        self.keep()

    def _start_serve(self) -> None:
        options = (f"--port={self.port}", f"--data-dir={self.data_dir}", f"--workers={SERVE_WORKERS}")
        self._serve = Process(self.folder, "serve", *options, environment=self._environment)

    def keep(self) -> None:
        """Starts again what ended; what ended although nobody killed it is noted."""
        with self._lock:
            if self._serve is not None and (code := self._serve.process.poll()) is not None:
                last = "\n".join(self._serve.log().splitlines()[-LINES_TOLD:])
                self.problems.append(f"serve ended by itself with code {code}:\n{last}")
                self._serve.stop()
                self._start_serve()
            if self._worker is not None and self._worker.process.poll() is not None:
                self._worker.stop()
                self._worker = None
            if self._worker is None:
                # Without a database to find it gives up at once, and is started again next time.
                option = f"--data-dir={self.data_dir}"
                self._worker = Process(self.folder, "worker", option, environment=self._environment)

    def wait_until_ready(self) -> None:
        """Waits until the service answers."""

        def ready() -> bool:
            try:
                return httpx.get(f"{self.url}/health/ready", timeout=5).status_code == 200
            except httpx.TransportError:
                return False

        wait_for(ready, READY_SECONDS)

    def kill_everything(self) -> None:
        """Kills every process at once, as a power cut does, and starts them again."""
        with self._lock:
            self._kill_all()
            self._start_serve()

    def _kill_all(self) -> None:
        kill_all(self.folder)
        for process in (self._serve, self._worker):
            if process is not None:
                process.stop()
        self._serve = self._worker = None

    def pids(self, command: str) -> list[int]:
        """The processes of one `retailpulse` command, oldest first."""
        found = processes_in(self.folder)
        return sorted(pid for pid, text in found.items() if f"-m retailpulse {command}" in text)

    def postgres(self) -> list[int]:
        """The processes of PostgreSQL, the postmaster first; none where it is down."""
        found = [pid for pid, text in processes_in(self.folder).items() if "postgres" in text.split()[0]]
        notes = self.data_dir / "postgres" / "postmaster.pid"
        try:
            postmaster = int(notes.read_text().split()[0])
        except (OSError, IndexError):
            return []
        return [postmaster, *(pid for pid in found if pid != postmaster)] if postmaster in found else []

    def connect(self) -> psycopg.Connection:
        """A connection to the database, waiting until it takes one."""

        def connected() -> psycopg.Connection | None:
            try:
                return psycopg.connect(
                    self.database_url, autocommit=True, connect_timeout=5, application_name="soak"
                )
            except psycopg.OperationalError:
                return None

        return wait_for(connected, READY_SECONDS)

    def repair(self) -> str:
        """Runs `retailpulse check --repair` under load, which may find something on its way after it."""
        done = subprocess.run(
            [sys.executable, "-m", "retailpulse", "check", "--repair", f"--data-dir={self.data_dir}"],
            env={**clean_environment(), **self._environment},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        return "; ".join([f"check ended with {done.returncode}", *REPAIRED.findall(done.stdout)])

    def stop(self) -> dict[str, int]:
        """Stops everything as an operator does; the exit codes by command."""
        with self._lock:
            running = {"worker": self._worker, "serve": self._serve}
            self._worker = self._serve = None
            return {name: process.stop() for name, process in running.items() if process is not None}

    def remains(self) -> dict[int, str]:
        """Processes that are still there."""
        return processes_in(self.folder)

    def close(self) -> None:
        """Kills whatever is left."""
        with self._lock:
            self._kill_all()
