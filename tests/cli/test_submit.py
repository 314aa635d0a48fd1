"""`retailpulse submit` against a real server."""

import json
from pathlib import Path

import pytest

from tests.canned import JOB_ID, Answer, CannedService, as_json, completed, job
from tests.cli.conftest import Run

BODY = b'{"count": 1, "visits": [{"store_id": "S1", "image_url": ["http://a/b"], "visit_time": "now"}]}'


@pytest.fixture
def job_file(tmp_path: Path, canned: CannedService) -> str:
    canned.on("POST /api/v1/jobs", as_json({"job_id": JOB_ID}, 201))
    path = tmp_path / "job.json"
    path.write_bytes(BODY)
    return str(path)


def test_the_id_stands_alone_on_standard_output_and_the_file_is_sent_as_it_is(
    run: Run, canned: CannedService, job_file: str
) -> None:
    result = run("submit", job_file)
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{JOB_ID}\n", "")
    assert canned.asked[0].body == BODY


def test_a_dash_reads_standard_input(run: Run, canned: CannedService, job_file: str) -> None:
    assert job_file
    assert run("submit", "-", stdin=BODY).stdout == f"{JOB_ID}\n"
    assert canned.asked[0].body == BODY


@pytest.mark.parametrize("given", [(), ("--format", "json")])
def test_who_pipes_no_json_is_told_how_else_it_is_read(
    run: Run, canned: CannedService, given: tuple[str, ...]
) -> None:
    refused = {"type": "/problems/invalid-request", "detail": "the body is not JSON in UTF-8: malformed"}
    canned.on("POST /api/v1/jobs", as_json(refused, 400))
    result = run("submit", "-", *given, stdin=b"store_id,image_url,visit_time\n")
    assert (result.exit_code, "not JSON" in result.stderr) == (1, True)
    assert ("--format csv or --format ndjson" in result.stderr) == (given == ())


def test_depth_is_put_into_the_body_and_the_rest_stays(
    run: Run, canned: CannedService, job_file: str
) -> None:
    assert run("submit", job_file, "--depth", "header").exit_code == 0
    assert json.loads(canned.asked[0].body) == json.loads(BODY) | {"depth": "header"}


def test_a_file_that_is_no_json_object_cannot_get_a_depth(
    run: Run, canned: CannedService, tmp_path: Path
) -> None:
    path = tmp_path / "job.json"
    path.write_text("[1, 2")
    result = run("submit", str(path), "--depth", "header")
    assert result.exit_code == 1
    assert "not a JSON object" in result.stderr
    assert canned.asked == []


def test_a_refused_job_shows_what_the_service_said(run: Run, canned: CannedService, job_file: str) -> None:
    canned.on(
        "POST /api/v1/jobs",
        as_json({"type": "/problems/invalid-request", "detail": "count does not match the visits"}, 400),
    )
    result = run("submit", job_file)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "count does not match the visits" in result.stderr


def test_watching_shows_the_end_on_standard_error_only(
    run: Run, canned: CannedService, job_file: str
) -> None:
    canned.on_job(job(), completed())
    result = run("submit", job_file, "--watch")
    assert (result.exit_code, result.stdout) == (0, f"{JOB_ID}\n")
    assert "completed: 10 of 10 images measured in 5 s, 2 images/s" in result.stderr


def test_watching_a_job_that_fails_exits_with_1(run: Run, canned: CannedService, job_file: str) -> None:
    canned.on_job(job("failed"))
    result = run("submit", job_file, "--watch")
    assert result.exit_code == 1
    assert "failed: 9 of 10 images measured, 1 failed (1 http_status)" in result.stderr


def test_a_database_that_is_away_exits_with_3_and_says_when_to_try_again(
    run: Run, canned: CannedService, job_file: str
) -> None:
    away = as_json({"detail": "the database cannot be reached"}, 503, Retry_After="5")
    canned.on("POST /api/v1/jobs", away)
    result = run("submit", job_file, "--patience", "0")
    assert result.exit_code == 3
    assert "the database cannot be reached; try again in 5 s" in " ".join(result.stderr.split())


def test_a_server_that_is_not_retail_pulse_is_told_from_one_that_is(
    run: Run, canned: CannedService, job_file: str
) -> None:
    canned.on("POST /api/v1/jobs", Answer(body=b"<html>It works!</html>"))
    result = run("submit", job_file)
    assert result.exit_code == 1
    assert "does not answer like Retail Pulse" in " ".join(result.stderr.split())


@pytest.mark.parametrize("arguments", [["no-such-file.json"], [], ["-", "--depth", "deeper"]])
def test_a_command_that_makes_no_sense_exits_with_2(run: Run, arguments: list[str]) -> None:
    assert run("submit", *arguments).exit_code == 2
