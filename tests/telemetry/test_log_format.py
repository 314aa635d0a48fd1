"""A log line is one object or one sentence: when, what, about which job, and no secret in any field."""

import asyncio
import io
import json
import logging
import os
import pty
import subprocess
import sys
from typing import Any

import pytest

from retailpulse.telemetry.log_fields import LOG_SUBJECT, REQUEST_ID, about
from retailpulse.telemetry.log_format import make_formatter

WRITES = """
import logging
from retailpulse.config.settings import LogSettings
from retailpulse.process.logging import set_up_logging

set_up_logging(LogSettings(format=FORMAT), "worker")
logging.getLogger("retailpulse.worker").warning("ready to work")
"""
CRASHES = WRITES + "raise RuntimeError('postgresql://app:hunter2@db/x')"
SIGNED = "https://photos.example/a.jpg?X-Amz-Signature=hunter2&w=1"


class Log:
    """A logger of its own and what it has written."""

    def __init__(self, *, as_json: bool, colours: bool = False) -> None:
        self._written = io.StringIO()
        handler = logging.StreamHandler(self._written)
        handler.setFormatter(make_formatter("worker", as_json=as_json, colours=colours))
        self.logger = logging.Logger("retailpulse.test")
        self.logger.addHandler(handler)

    @property
    def text(self) -> str:
        return self._written.getvalue()

    def last(self) -> dict[str, Any]:
        return dict(json.loads(self.text.splitlines()[-1]))


@pytest.fixture
def log() -> Log:
    return Log(as_json=True)


def sentence(text: str) -> str:
    return text.partition("worker: ")[2].rstrip("\n")


def test_a_line_has_its_fields_and_what_it_is_about_last(log: Log) -> None:
    log.logger.warning("gave up a callback: %s", "HTTP 500", extra=about("J1", 7) | {"seconds": 1.5})
    line = log.last()
    assert list(line) == [
        "timestamp", "level", "process", "pid", "logger", "event", "seconds", "job", "image",
    ]  # fmt: skip
    assert line["event"] == "gave up a callback: HTTP 500"
    assert (line["level"], line["process"], line["pid"]) == ("warning", "worker", os.getpid())
    assert (line["seconds"], line["job"], line["image"]) == (1.5, "J1", 7)
    assert line["timestamp"].endswith("Z")


def test_a_line_for_people_is_a_sentence_and_its_fields() -> None:
    log = Log(as_json=False)
    log.logger.warning("an image failed", extra=about("J1", 7) | {"job_name": "week 47", "causes": ["dns"]})
    assert sentence(log.text) == 'an image failed job_name="week 47" causes=["dns"] job=J1 image=7'
    assert " WARNING worker: " in log.text


def test_no_text_can_make_a_line_or_a_field_of_its_own() -> None:
    log = Log(as_json=False)
    log.logger.error("%s", "a\nERROR api: b\x1b[31m\u2028c", extra={"job_name": "x\ny job=J2"})
    assert sentence(log.text) == r'a\nERROR api: b\u001b[31m\u2028c job_name="x\ny job=J2"'
    try:
        raise ValueError("x\nERROR api: stolen")
    except ValueError:
        log.logger.exception("it failed")
    assert "\nERROR" not in log.text


class Held:
    def log_fields(self) -> dict[str, object]:
        return {"job": "J1", "grant": 5, "host": "https://photos.example", "image": 7}


async def test_each_task_has_the_fields_of_its_own_subject_and_request(log: Log) -> None:
    async def work(request_id: str) -> None:
        LOG_SUBJECT.set(Held())
        REQUEST_ID.set(request_id)
        await asyncio.sleep(0)
        log.logger.info("worked")

    await asyncio.gather(asyncio.create_task(work("r1")), asyncio.create_task(work("r2")))
    log.logger.info("done")
    first, second, done = (json.loads(line) for line in log.text.splitlines())
    assert (first["request"], second["request"]) == ("r1", "r2")
    assert (first["job"], first["grant"], first["host"], first["image"]) == (
        "J1", 5, "https://photos.example", 7,
    )  # fmt: skip
    assert not {"job", "request"} & set(done)


def test_secrets_are_masked_in_the_text_in_fields_and_in_exceptions(log: Log) -> None:
    try:
        raise RuntimeError(f"cannot fetch {SIGNED}")
    except RuntimeError:
        fields = {"url": SIGNED, "sent": {"Authorization": "Bearer hunter2hunter2", "depth": 3}}
        log.logger.exception("failed: %s", SIGNED, extra=fields)
    line = log.last()
    masked = "https://photos.example/a.jpg?X-Amz-Signature=*&w=*"
    assert (line["event"], line["url"]) == (f"failed: {masked}", masked)
    assert line["sent"] == {"Authorization": "*", "depth": 3}
    (error,) = line["exception"]
    assert (error["exc_type"], error["exc_value"]) == ("RuntimeError", f"cannot fetch {masked}")
    assert error["frames"][-1]["name"] == "test_secrets_are_masked_in_the_text_in_fields_and_in_exceptions"
    assert "hunter2" not in log.text


def written(source: str) -> str:
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)
    return done.stderr


@pytest.mark.parametrize("form", ["auto", "json"])
def test_a_log_that_is_no_terminal_is_json(form: str) -> None:
    (line,) = written(WRITES.replace("FORMAT", repr(form))).splitlines()
    assert json.loads(line)["event"] == "ready to work"


def test_a_log_can_be_for_people_without_a_terminal() -> None:
    assert sentence(written(WRITES.replace("FORMAT", "'console'"))) == "ready to work"


@pytest.mark.parametrize(("no_color", "colours"), [("", True), ("1", False)])
def test_a_log_on_a_terminal_is_for_people(no_color: str, colours: bool) -> None:
    ours, theirs = pty.openpty()
    source = WRITES.replace("FORMAT", "'auto'")
    environment = os.environ | {"NO_COLOR": no_color}
    subprocess.run([sys.executable, "-c", source], stderr=theirs, env=environment, check=True)
    os.close(theirs)
    text = os.read(ours, 10_000).decode().replace("\r\n", "\n")
    os.close(ours)
    assert sentence(text) == "ready to work"
    assert ("\x1b[33m" in text) is colours


def test_what_ends_a_process_is_a_line_too() -> None:
    text = written(CRASHES.replace("FORMAT", "'json'"))
    last = json.loads(text.splitlines()[-1])
    assert (last["level"], last["event"]) == ("critical", "this process cannot go on")
    assert last["exception"][0]["exc_value"] == "postgresql://*@db/x"
    assert "hunter2" not in text
