"""`retailpulse watch` and `status`: the course of a job, outages, and Ctrl-C."""

import json
import re
import signal
import time

import pytest

from tests.canned import JOB_ID, Answer, CannedService, as_json, completed, job
from tests.cli.conftest import Run, Start

AWAY = as_json({"detail": "the database cannot be reached"}, 503)


def test_a_job_is_watched_until_it_ends(run: Run, canned: CannedService) -> None:
    canned.on_job(job(), job(), completed())
    result = run("watch", JOB_ID)
    assert result.exit_code == 0
    assert result.stdout == "completed: 10 of 10 images measured in 5 s, 2 images/s\n"
    assert "4/10  2/s  3 s left  1 failed" in result.stderr


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_job_that_does_not_complete_exits_with_1(run: Run, canned: CannedService, status: str) -> None:
    canned.on_job(job(status))
    result = run("watch", JOB_ID)
    assert result.exit_code == 1
    assert result.stdout.startswith(status)


@pytest.mark.parametrize("outage", [Answer(dropped=True), AWAY], ids=["dropped", "503"])
def test_an_outage_is_waited_out_and_said_once(run: Run, canned: CannedService, outage: Answer) -> None:
    canned.on_job(job(), job(), outage, outage, completed())
    result = run("watch", JOB_ID)
    assert result.exit_code == 0
    assert result.stderr.count("Trying again for 30 s.") == 1


def test_an_outage_longer_than_the_patience_exits_with_3(run: Run, canned: CannedService) -> None:
    canned.on_job(job(), job(), AWAY)
    result = run("watch", JOB_ID, "--patience", "0")
    assert result.exit_code == 3
    assert "the database cannot be reached" in result.stderr


def test_ctrl_c_ends_the_watching_and_says_that_the_job_goes_on(start: Start, canned: CannedService) -> None:
    canned.on_job(job())
    process = start("watch", JOB_ID)
    until = time.monotonic() + 30
    while len(canned.asked) < 3:  # by then it is past its first look and in its loop
        assert time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert f"retailpulse watch {JOB_ID} --url {canned.url}" in errors.decode()
    assert b"Traceback" not in errors


@pytest.mark.parametrize("command", ["watch", "status", "results"])
def test_an_unknown_job_exits_with_1_and_the_words_of_the_service(run: Run, command: str) -> None:
    result = run(command, "nothing")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "there is no such job" in result.stderr


def test_an_id_cannot_lead_to_another_path(run: Run, canned: CannedService) -> None:
    assert run("status", "../../health?x=").exit_code == 1
    assert canned.asked[0].path == "/api/v1/jobs/..%2F..%2Fhealth%3Fx%3D"


def test_status_names_causes_and_stores(run: Run, canned: CannedService) -> None:
    canned.on_job(job())
    result = run("status", JOB_ID)
    assert result.exit_code == 0
    for words in ("ongoing", "4/10", "http_status", "RP00007", "HTTP 404"):
        assert words in result.stdout


def test_cancelled_images_are_counted_apart_from_failed_ones(run: Run, canned: CannedService) -> None:
    counts = {"total": 2010, "settled": 2010, "measured": 225, "failed": 1, "cancelled": 1784}
    store = {"store_id": "RP00007", "images": 2010, "failed": 1, "cancelled": 1784, "error": "cancelled: ..."}
    causes = {"cancelled": 1784, "http_status": 1}
    canned.on_job(job("cancelled", images=counts, causes=causes, stores=[store]))
    line = run("watch", JOB_ID).stdout
    assert "225 of 2,010 images measured, 1 failed (1 http_status), 1,784 cancelled in" in line
    shown = run("status", JOB_ID).stdout
    assert "2,010/2,010  2/s  1 failed  1,784 cancelled" in shown
    assert re.search("store +failed +cancelled +images", shown)
    assert re.search("RP00007 +1 +1,784 +2,010", shown)


def test_status_exits_with_1_for_a_failed_job(run: Run, canned: CannedService) -> None:
    canned.on_job(job("failed"))
    assert run("status", JOB_ID).exit_code == 1


def test_status_shows_no_terminal_escapes_and_no_markup_of_strangers(run: Run, canned: CannedService) -> None:
    store = {"store_id": "[red]RP", "images": 1, "failed": 1, "error": "\x1b[31mred\x07"}
    canned.on_job(job("failed", stores=[store]))
    output = run("status", JOB_ID).stdout
    assert "\x1b" not in output
    assert "\x07" not in output
    assert "[red]RP" in output


def test_status_as_json_is_the_job_and_passes_over_what_a_newer_service_adds(
    run: Run, canned: CannedService
) -> None:
    canned.on_job(job("failed", newer_field=1))
    as_click_error = json.loads(run("status", JOB_ID, "--json").stdout)
    assert as_click_error["causes"] == {"http_status": 1}
    assert as_click_error["finished_at"] == "2026-11-20T10:00:05Z"
    assert "newer_field" not in as_click_error
