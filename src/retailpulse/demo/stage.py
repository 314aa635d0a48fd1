"""The processes of the demo in a temporary folder: the service, and the origin of the photos.

Both end when this process does, however it does: see `keeper` and `origin`. What they are asked is not here.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from retailpulse.demo.keeper import EXIT_NAME, LOG_NAME

USUAL_PORT = 9090
_POLL_SECONDS = 0.1
_READY_SECONDS = 120.0
_LOG_LINES = 25


class StageFailed(Exception):
    """The service did not come up; the text holds the end of what it printed."""


class Stage:
    """A folder, a service starting in it, and an origin for photos; use it as a context."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.url = f"http://127.0.0.1:{port}"
        self.folder = Path(tempfile.mkdtemp(prefix="retailpulse-demo-"))
        self.photos = self.folder / "photos"
        self.origin_url = ""
        self._children: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        try:
            # The embedded PostgreSQL runs as another user if this one is root: it must get through.
            self.folder.chmod(0o711)
            self.photos.mkdir()
            self._start("retailpulse.demo.keeper", str(self.folder), *self._serve_command())
            origin = self._start("retailpulse.demo.origin", str(self.photos))
            self.origin_url = f"http://127.0.0.1:{_first_line(origin)}"
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def wait_until_ready(self) -> None:
        """Wait until the service takes requests; raises StageFailed with the end of its log."""
        until = time.monotonic() + _READY_SECONDS
        while not self._is_ready():
            if self.ended() or time.monotonic() > until:
                raise StageFailed(self.log_end())
            time.sleep(_POLL_SECONDS)

    def ended(self) -> bool:
        """Whether the service is gone."""
        return (self.folder / EXIT_NAME).exists() or self._children[0].poll() is not None

    def log_end(self) -> str:
        """The last lines that the service printed."""
        try:
            text = (self.folder / LOG_NAME).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return "(it printed nothing)"
        return "\n".join(text.splitlines()[-_LOG_LINES:]) or "(it printed nothing)"

    def _is_ready(self) -> bool:
        try:
            answer = httpx.get(f"{self.url}/health/ready", timeout=2.0, trust_env=False)
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.OK

    def _serve_command(self) -> tuple[str, ...]:
        data = ("--data-dir", str(self.folder / "data"))
        return (sys.executable, "-m", "retailpulse", "serve", "--port", str(self._port), *data)

    def _start(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            (sys.executable, "-m", module, *arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            start_new_session=True,  # Ctrl-C is for the demo, which then ends them in order
        )
        self._children.append(child)
        return child

    def _close(self) -> None:
        """End the children, the youngest first, and wait until all are gone."""
        for child in reversed(self._children):
            for pipe in (child.stdin, child.stdout):
                if pipe:
                    pipe.close()
            child.wait()
        shutil.rmtree(self.folder, ignore_errors=True)  # if the keeper was not even started


def pick_port(wanted: int | None) -> int:
    """The wanted port, or else the usual one, or else any that is free."""
    if wanted is not None:
        return wanted
    return USUAL_PORT if is_free(USUAL_PORT) else free_port()


def free_port() -> int:
    """A port of 127.0.0.1 that was free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether no process listens on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _environment() -> dict[str, str]:
    """This environment without settings for another service: its database must stay untouched."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("RETAILPULSE_")}
    loopback = {"RETAILPULSE_FETCH_ALLOWED_NETWORKS": "127.0.0.0/8", "RETAILPULSE_FETCH_PORTS": "any"}
    return ours | loopback


def _first_line(child: subprocess.Popen[bytes]) -> str:
    line = child.stdout.readline() if child.stdout else b""
    if not line:
        raise StageFailed("the origin of the photos did not start")
    return line.decode().strip()
