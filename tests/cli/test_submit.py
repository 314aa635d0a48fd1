"""`retailpulse submit` against a real server."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.canned import JOB_ID, Answer, CannedService, as_json, completed, job
from tests.cli.conftest import Run

BODY = b'{"count": 1, "visits": [{"store_id": "S1", "image_url": ["http://a/b"], "visit_time": "now"}]}'


@pytest.fixture
def job_file(tmp_path: Path, canned: CannedService) -> str:
    canned.on("POST /api/v1/jobs", as_json(job(), 201))
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


@pytest.mark.parametrize("name", ["week 47.txt", "export.xls", "visits", "-"])
def test_a_file_whose_name_says_no_format_is_sent_as_it_is(
    run: Run, canned: CannedService, job_file: str, name: str
) -> None:
    content = "store_id\timage_url\tvisit_time\n".encode("utf-16")
    path = Path(job_file).with_name(name)
    path.write_bytes(content)
    file, stdin = ("-", content) if name == "-" else (str(path), None)
    assert run("submit", file, "--depth", "header", "--label", "a=b", stdin=stdin).exit_code == 0
    asked = canned.asked[0]
    assert (asked.body, asked.headers["Content-Type"]) == (content, "application/octet-stream")
    assert parse_qs(asked.query) == {"depth": ["header"], "label": ["a:b"]}


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


def error(line: int, column: str | None, reason: str) -> dict[str, Any]:
    return {"line": line, "visit": None, "column": column, "reason": reason}


ERRORS = [error(3, "store_id", "it is empty"), error(12, None, "it is \x1b[31mshort")]
WARNING = {
    "code": "visit_time_ambiguous", "count": 12, "detail": "day or month first?", "example": "03/04/2026",
    "line": 2, "visit": None,
}  # fmt: skip


@pytest.fixture
def table(tmp_path: Path) -> str:
    path = tmp_path / "visits.xlsx"
    path.write_bytes(b"PK")
    return str(path)


@pytest.mark.parametrize(
    ("name", "media_type", "packed"),
    [
        ("v.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", False),
        ("v.ODS", "application/vnd.oasis.opendocument.spreadsheet", False),
        ("v.parquet", "application/vnd.apache.parquet", False),
        ("v.tsv", "text/tab-separated-values", False),
        ("v.csv.gz", "text/csv", True),
    ],
)
def test_the_name_of_a_file_says_its_format(
    run: Run, canned: CannedService, job_file: str, tmp_path: Path, name: str, media_type: str, packed: bool
) -> None:
    assert job_file
    path = tmp_path / name
    path.write_bytes(b"x")
    assert run("submit", str(path)).exit_code == 0
    headers = {name.lower(): value for name, value in canned.asked[0].headers.items()}
    assert (headers["content-type"], headers.get("content-encoding")) == (
        media_type,
        "gzip" if packed else None,
    )


def test_how_a_table_is_read_goes_into_the_query(
    run: Run, canned: CannedService, job_file: str, table: str
) -> None:
    assert job_file
    options = (
        "--columns",
        "store_id=Outlet",
        "--columns",
        "image_url:C",
        "--sheet",
        "May",
        "--date-order",
        "day-first",
    )
    assert run("submit", table, *options, "--on-bad-row", "skip").exit_code == 0
    assert parse_qs(canned.asked[0].query) == {
        "columns": ["store_id:Outlet", "image_url:C"],
        "sheet": ["May"],
        "date_order": ["day-first"],
        "on_bad_row": ["skip"],
    }
    wrong = run("submit", table, "--columns", "store_id")
    assert (wrong.exit_code, "NAME=COLUMN" in wrong.stderr) == (2, True)


def test_warnings_and_rows_left_out_stand_on_standard_error(
    run: Run, canned: CannedService, table: str
) -> None:
    answer = job() | {"warnings": [WARNING], "skipped": ERRORS, "skipped_count": 2}
    canned.on("POST /api/v1/jobs", as_json(answer, 201))
    result = run("submit", table, "--on-bad-row", "skip")
    assert (result.exit_code, result.stdout) == (0, f"{JOB_ID}\n")
    first, second, *rest = result.stderr.splitlines()
    assert first == "Warning: visit_time_ambiguous, 12 times (line 2: 03/04/2026): day or month first?"
    assert second == "2 rows were left out:"
    assert rest == ["  line 3   store_id  it is empty", "  line 12            it is \ufffd[31mshort"]


def test_a_refused_file_shows_all_that_is_wrong(run: Run, canned: CannedService, table: str) -> None:
    refused = {
        "type": "/problems/invalid-request",
        "detail": "line 3: no",
        "errors": ERRORS,
        "error_count": 30,
    }
    canned.on("POST /api/v1/jobs", as_json(refused, 400))
    result = run("submit", table)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "  line 3   store_id  it is empty\n" in result.stderr
    assert "and 28 more" in result.stderr


@pytest.mark.parametrize(("errors", "exit_code"), [([], 0), (ERRORS, 1)])
def test_a_check_shows_what_the_job_would_be(
    run: Run, canned: CannedService, table: str, errors: list[dict[str, Any]], exit_code: int
) -> None:
    found = {
        "visits": 2, "images": 3, "stores_unknown": {"count": 0, "examples": []}, "warnings": [WARNING],
        "hosts": [{"origin": "https://photos.example:443", "images": 3}], "more_hosts": 0, "errors": errors,
        "error_count": len(errors), "read_as": "XLSX, sheet May",
    }  # fmt: skip
    canned.on("POST /api/v1/jobs", as_json(found))
    result = run("submit", table, "--check")
    assert result.exit_code == exit_code
    assert parse_qs(canned.asked[0].query) == {"dry_run": ["true"]}
    assert "Good: 2 visits with 3 images. Nothing was submitted." in result.stdout
    assert "  3 images at https://photos.example:443" in result.stdout
    assert "Read as XLSX, sheet May." in result.stdout
    assert ("line 3" in result.stdout) == bool(errors)
    told = run("submit", table, "--check", "--json")
    assert (told.exit_code, json.loads(told.stdout)) == (exit_code, found)


def test_what_is_said_of_one_is_said_as_of_one(run: Run, canned: CannedService, table: str) -> None:
    warning = {"code": "store_not_found", "count": 1, "detail": "no such store", "example": "FR-1O2"}
    found = {
        "visits": 1, "images": 1, "stores_unknown": {"count": 1, "examples": ["FR-1O2"]}, "more_hosts": 1,
        "warnings": [warning | {"line": None, "visit": None}], "errors": ERRORS[:1], "error_count": 1,
        "hosts": [{"origin": "https://photos.example:443", "images": 1}], "read_as": None,
    }  # fmt: skip
    canned.on("POST /api/v1/jobs", as_json(found))
    assert run("submit", table, "--check").stdout.splitlines() == [
        "Good: 1 visit with 1 image. Nothing was submitted.",
        "  1 image at https://photos.example:443",
        "  and images at 1 more host",
        "Warning: store_not_found, once (FR-1O2): no such store",
        "1 error:",
        "  line 3  store_id  it is empty",
    ]


def test_a_service_of_before_that_answers_the_id_alone_is_understood(
    run: Run, canned: CannedService, table: str
) -> None:
    canned.on("POST /api/v1/jobs", as_json({"job_id": JOB_ID}, 201))
    canned.on_job(job())
    assert run("submit", table).stdout == f"{JOB_ID}\n"
