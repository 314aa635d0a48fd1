"""`--credentials` of submit and retry: from a file or the environment, sent where nothing shows it."""

import json
from pathlib import Path

import pytest

from tests.canned import JOB_ID, CannedService, as_json, job
from tests.cli.conftest import Run

SECRET = "hunter2-of-the-survey"
TABLE = {"survey.example.com": {"bearer": SECRET}}
ROWS = b"store_id,image_url,visit_time\nS1,http://a/b,now\n"


@pytest.fixture
def visits(tmp_path: Path, canned: CannedService) -> str:
    canned.on("POST /api/v1/jobs", as_json(job(), 201))
    (tmp_path / "visits.csv").write_bytes(ROWS)
    return str(tmp_path / "visits.csv")


@pytest.mark.parametrize("content", [json.dumps(TABLE), f'["survey.example.com"]\nbearer = "{SECRET}"\n'])
def test_a_file_is_sent_in_a_header_and_in_nothing_else(
    run: Run, canned: CannedService, visits: str, tmp_path: Path, content: str
) -> None:
    (tmp_path / "secret").write_text(content)
    result = run("submit", visits, "--credentials", str(tmp_path / "secret"))
    assert result.exit_code == 0, result.output
    (asked,) = canned.asked
    assert json.loads(asked.headers["Retailpulse-Credentials"]) == TABLE
    assert (asked.body, SECRET in asked.path) == (ROWS, False)


def test_the_environment_holds_them_unless_a_file_is_given(
    run: Run, canned: CannedService, visits: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETAILPULSE_JOB_CREDENTIALS", json.dumps(TABLE))
    assert run("submit", visits).exit_code == 0
    canned.on(f"POST /api/v1/jobs/{JOB_ID}/retry", as_json(job()))
    assert run("retry", JOB_ID).exit_code == 0
    submitted, retried = canned.asked
    assert json.loads(submitted.headers["Retailpulse-Credentials"]) == TABLE
    assert json.loads(retried.body) == {"credentials": TABLE}


@pytest.mark.parametrize("content", [SECRET, json.dumps({"a": SECRET}), json.dumps({"a": {"token": SECRET}})])
def test_a_mistake_is_told_without_what_it_is_in(
    run: Run, canned: CannedService, visits: str, tmp_path: Path, content: str
) -> None:
    (tmp_path / "secret").write_text(content)
    result = run("submit", visits, "--credentials", str(tmp_path / "secret"))
    assert (result.exit_code, canned.asked) == (2, [])
    assert SECRET not in result.output
