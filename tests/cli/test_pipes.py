"""Readers that have enough are no error, whatever command they stop reading; Ctrl-C is 130."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.canned import JOB_ID, Answer, CannedService, as_json, job
from tests.cli.conftest import Start
from tests.running import clean_environment, wait_for


def page(number: int) -> dict[str, Any]:
    jobs = [job("completed", job_id=f"{number}-{place}") for place in range(200)]
    return {"items": jobs, "next": f"/api/v1/jobs?cursor={number + 1}"}


@pytest.fixture
def endless(canned: CannedService) -> CannedService:
    """A service whose list of jobs has no end."""
    canned.on("GET /api/v1/jobs", *(as_json(page(number)) for number in range(3)))
    return canned


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["table", "json"])
def test_a_list_ends_quietly_once_nobody_reads_it(
    start: Start, endless: CannedService, options: tuple[str, ...]
) -> None:
    process = start("jobs", "list", "--all", *options)
    assert process.stdout
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait(30) == 0
    assert process.stderr
    assert process.stderr.read() == b""
    assert endless.asked


@pytest.mark.parametrize(
    "command", [("status", JOB_ID), ("jobs", "show", JOB_ID, "--json"), ("--help",), ("completion", "bash")]
)
def test_a_short_answer_that_nobody_reads_ends_quietly_too(
    canned: CannedService, command: tuple[str, ...]
) -> None:
    canned.on_job(job("failed"))
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "retailpulse", *command],
        env=clean_environment() | {"RETAILPULSE_URL": canned.url},
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
        timeout=60,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_ctrl_c_ends_a_command_with_130_and_nothing_else(start: Start, canned: CannedService) -> None:
    is_over = threading.Event()

    def silent() -> Iterator[bytes]:
        is_over.wait(30)
        yield b""

    canned.on("GET /api/v1/stats", Answer(body=silent()))
    process = start("stats")
    wait_for(lambda: canned.asked)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=20)
    is_over.set()
    assert (process.returncode, output, errors) == (130, b"", b"")
