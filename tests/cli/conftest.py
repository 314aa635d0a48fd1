"""What the tests of the client commands share: a canned service, and ways to run a command against it."""

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result

from retailpulse.cli import group
from tests.canned import CannedService

Run = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def canned() -> Iterator[CannedService]:
    with CannedService() as server:
        yield server


@pytest.fixture
def run(canned: CannedService, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in this process, against the canned service."""
    monkeypatch.setenv("RETAILPULSE_URL", canned.url)

    def run_command(*arguments: str, stdin: bytes | None = None) -> Result:
        return CliRunner().invoke(group, arguments, input=stdin)

    return run_command


@pytest.fixture
def start(canned: CannedService, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts a command as a process of its own, against the canned service."""
    monkeypatch.setenv("RETAILPULSE_URL", canned.url)
    started: list[subprocess.Popen[bytes]] = []

    def start_command(*arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            (sys.executable, "-m", "retailpulse", *arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        started.append(process)
        return process

    yield start_command
    for process in started:
        process.kill()
        process.communicate()
