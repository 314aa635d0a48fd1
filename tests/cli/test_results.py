"""`retailpulse results`: every row, as table, CSV or NDJSON, to standard output or whole to a file."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.canned import JOB_ID, Answer, CannedService, as_json, job
from tests.cli.conftest import Run, Start

RESULTS = f"GET /api/v1/jobs/{JOB_ID}/results"
CSV = b"image_no,store_id\n1,RP00001\n2,RP00002\n"


def row(number: int, **changes: Any) -> dict[str, Any]:
    measured = {"outcome": "measured", "format": "jpeg", "width": 4032, "height": 3024, "perimeter": 14112}
    common = {
        "image_no": number,
        "store_id": "RP00001",
        "image_url": f"http://a/{number}.jpg",
        "visit_time": "now",
    }
    return common | measured | changes


@pytest.fixture(autouse=True)
def known_job(canned: CannedService) -> None:
    canned.on_job(job("failed"))


def test_a_table_shows_all_pages_under_one_header(run: Run, canned: CannedService) -> None:
    failed = {
        "outcome": "failed",
        "cause": "http_status",
        "detail": "HTTP 404",
        "width": None,
        "perimeter": None,
    }
    pages = (
        {
            "items": [row(1, flags=["dark", "blank"]), row(2, **failed)],
            "next": f"{RESULTS.partition(' ')[2]}?cursor=a+b&limit=2",
        },
        {"items": [row(3, outcome=None, width=None, perimeter=None, format=None)], "next": None},
    )
    canned.on(RESULTS, *(as_json(page) for page in pages))
    header, first, second, third = run("results", JOB_ID).stdout.splitlines()
    assert header.split() == ["IMAGE", "STORE", "OUTCOME", "FORMAT", "SIZE", "PERIMETER", "FLAGS", "URL"]
    assert first.split() == [
        "1",
        "RP00001",
        "measured",
        "jpeg",
        "4032x3024",
        "14,112",
        "dark,blank",
        "http://a/1.jpg",
    ]
    assert second.split()[2:] == ["http_status", "jpeg", "-", "-", "-", "http://a/2.jpg", "(HTTP", "404)"]
    assert third.split()[2:7] == ["-", "-", "-", "-", "-"]
    assert canned.asked[-1].query == "cursor=a+b&limit=2"


def test_a_url_cannot_send_escapes_to_the_terminal(run: Run, canned: CannedService) -> None:
    canned.on(RESULTS, as_json({"items": [row(1, image_url="http://a/\x1b[2J\n.jpg")], "next": None}))
    output = run("results", JOB_ID).stdout
    assert "\x1b" not in output
    assert len(output.splitlines()) == 2


@pytest.mark.parametrize("file_format", ["csv", "ndjson"])
def test_other_formats_are_passed_on_byte_for_byte(run: Run, canned: CannedService, file_format: str) -> None:
    canned.on(RESULTS, Answer(body=CSV))
    assert run("results", JOB_ID, "--format", file_format).stdout_bytes == CSV
    assert canned.asked[-1].query == f"format={file_format}"


@pytest.mark.parametrize(
    ("arguments", "query"),
    [
        (("-o", "r.csv"), "format=csv&safe=spreadsheet"),
        (("-o", "r.csv", "--no-excel"), "format=csv"),
        (("-o", "r.txt", "--format", "csv"), "format=csv"),
        (("--format", "csv"), "format=csv"),
        (("--format", "csv", "--excel"), "format=csv&safe=spreadsheet"),
        (("-o", "r.ndjson"), "format=ndjson"),
    ],
)
def test_a_file_for_a_spreadsheet_is_asked_for_without_formulas(
    run: Run,
    canned: CannedService,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    query: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    canned.on(RESULTS, Answer(body=CSV))
    assert run("results", JOB_ID, *arguments).exit_code == 0
    assert canned.asked[-1].query == query


@pytest.mark.parametrize("file_format", ["ndjson", "json", "table", "parquet", "xlsx"])
def test_only_csv_is_made_for_a_spreadsheet(run: Run, canned: CannedService, file_format: str) -> None:
    assert run("results", JOB_ID, "--format", file_format, "--excel").exit_code == 2
    assert canned.asked == []


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("r.csv", "format=csv&safe=spreadsheet"),
        ("r.jsonl", "format=ndjson"),
        ("r.ndjson", "format=ndjson"),
        ("R.XLSX", "format=xlsx"),
        ("week.47.parquet", "format=parquet"),
    ],
)
def test_the_name_of_the_file_says_the_format(
    run: Run, canned: CannedService, tmp_path: Path, name: str, query: str
) -> None:
    canned.on(RESULTS, Answer(body=CSV))
    result = run("results", JOB_ID, "-o", str(tmp_path / name))
    assert (result.exit_code, result.stdout) == (0, "")
    assert canned.asked[-1].query == query
    assert (tmp_path / name).read_bytes() == CSV
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("r.csv.gz", "format=csv&safe=spreadsheet"),
        ("r.ndjson.gz", "format=ndjson"),
        ("week.47.JSONL.GZ", "format=ndjson"),
    ],
)
def test_a_name_that_ends_with_gz_is_a_compressed_file(
    run: Run, canned: CannedService, tmp_path: Path, name: str, query: str
) -> None:
    canned.on(RESULTS, Answer(body=CSV))
    result = run("results", JOB_ID, "-o", str(tmp_path / name))
    assert result.exit_code == 0, result.output
    assert canned.asked[-1].query == query
    content = (tmp_path / name).read_bytes()
    assert gzip.decompress(content) == CSV
    assert f"{len(content):,} bytes" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["r", "r.doc", "r.gz", "r.xlsx.gz", "r.parquet.gz", "csv"])
def test_an_ending_that_says_no_format_is_refused_with_those_that_do(
    run: Run, canned: CannedService, tmp_path: Path, name: str
) -> None:
    result = run("results", JOB_ID, "-o", str(tmp_path / name))
    assert result.exit_code == 2
    assert all(suffix in result.stderr for suffix in (".csv", ".csv.gz", ".xlsx", ".parquet", ".json"))
    assert (canned.asked, list(tmp_path.iterdir())) == ([], [])


def test_a_format_that_is_named_goes_before_the_ending(
    run: Run, canned: CannedService, tmp_path: Path
) -> None:
    canned.on(RESULTS, Answer(body=CSV))
    assert run("results", JOB_ID, "--format", "csv", "-o", str(tmp_path / "r.doc")).exit_code == 0
    assert (tmp_path / "r.doc").read_bytes() == CSV


def test_a_stream_that_breaks_off_leaves_the_old_file_alone(
    run: Run, canned: CannedService, tmp_path: Path
) -> None:
    path = tmp_path / "results.csv"
    path.write_text("of yesterday")
    canned.on(RESULTS, Answer(body=CSV, promised=1_000_000))
    result = run("results", JOB_ID, "-o", str(path), "--patience", "1")
    assert result.exit_code == 3
    assert "broke off" in result.stderr
    assert path.read_text() == "of yesterday"
    assert list(tmp_path.iterdir()) == [path]


def test_a_stream_that_breaks_off_on_standard_output_exits_with_3(run: Run, canned: CannedService) -> None:
    canned.on(RESULTS, Answer(body=CSV, promised=1_000_000))
    assert run("results", JOB_ID, "--format", "csv").exit_code == 3


def test_a_file_that_cannot_be_written_exits_with_1_and_its_name(
    run: Run, canned: CannedService, tmp_path: Path
) -> None:
    canned.on(RESULTS, Answer(body=CSV))
    result = run("results", JOB_ID, "-o", str(tmp_path / "no" / "such.csv"))
    assert result.exit_code == 1
    assert "such.csv" in re.sub(r"[\s│]", "", result.stderr)  # the name may be broken into lines of a box


def test_a_folder_is_no_file_to_write_to(run: Run, tmp_path: Path) -> None:
    assert run("results", JOB_ID, "-o", str(tmp_path)).exit_code == 2


def test_a_reader_that_has_enough_is_no_error(start: Start, canned: CannedService) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield CSV * 1000

    canned.on(RESULTS, Answer(body=endless()))
    process = start("results", JOB_ID, "--format", "csv")
    assert process.stdout
    assert process.stdout.readline() == b"image_no,store_id\n"
    process.stdout.close()
    assert process.wait(30) == 0
    assert process.stderr
    assert process.stderr.read() == b""
