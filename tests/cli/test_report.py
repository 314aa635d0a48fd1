"""`retailpulse report`: sums over visits as tables, JSON, and files for spreadsheets."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from retailpulse.domain.flags import Flag
from tests.canned import Answer, CannedService, as_json
from tests.cli.conftest import Run

REPORTS = "GET /api/v1/reports"
SUMS = {
    "visits": 2,
    "images": 1_009,
    "measured": 1_000,
    "failed": 4,
    "cancelled": 3,
    "unsettled": 2,
    "suspect": 1,
    "failure_rate": 0.125,
    "suspect_rate": None,
    "perimeter": 14_112,
    "causes": {"http_status": 3, "timeout": 1},
    "flagged": 5,
    "flagged_rate": 0.005,
    **dict.fromkeys(Flag, 0) | {"dark": 2, "blank": 4},
    **{f"{flag}_rate": None for flag in Flag} | {"dark_rate": 0.002, "blank_rate": 0.004},
    "accepted": 6,
    "rejected": 5,
}
ROWS: dict[str, dict[str, Any]] = {
    "visits": {"day": "2026-11-20", "area_code": "7100015"},
    "stores": {
        "store_id": "RP00001",
        "area_code": "7100015",
        "store_name": "Corner \x1b[2JShop",
        "last_visit_at": "2026-11-20T10:00:00Z",
    },
    "areas": {"area_code": "7100015", "stores": 4, "stores_visited": 3, "visited_rate": 0.75},
}
ABOUT = {
    "visits": ["2026-11-20", "7100015"],
    "stores": ["RP00001", "7100015", "2026-11-20T10:00:00Z"],
    "areas": ["7100015", "4", "3", "75.0%"],
}
each_kind = pytest.mark.parametrize("kind", list(ROWS))


@each_kind
def test_a_report_is_a_table(run: Run, canned: CannedService, kind: str) -> None:
    canned.on(f"{REPORTS}/{kind}", as_json({"items": [ROWS[kind] | SUMS], "next": None}))
    header, line = run("report", kind).stdout.splitlines()
    about = ABOUT[kind]
    assert header.endswith("FLAGS")
    sums = ["2", "1,009", "1,000", "4", "3", "1", "6", "5", "12.5%", "-", "5", "0.5%"]
    assert line.split()[: len(about) + len(sums)] == about + sums
    assert line.endswith("blank 4, dark 2")
    assert "\x1b" not in line


@each_kind
def test_its_filters_are_those_of_the_service(run: Run, canned: CannedService, kind: str) -> None:
    canned.on(f"{REPORTS}/{kind}", as_json({"items": [ROWS[kind] | SUMS], "next": None}))
    options = "--from 2026-11-20 --to 2026-11-26 --tz Asia/Kolkata --area 1 --area 2 --store-id 3 --suspect"
    result = run("report", kind, *options.split(), "--job", "week 47", "--json")
    assert json.loads(result.stdout) == [ROWS[kind] | SUMS]
    assert canned.asked[-1].query == (
        "from_day=2026-11-20&to_day=2026-11-26&tz=Asia%2FKolkata&area=1&area=2&store_id=3&job=week+47"
        "&suspect=true&limit=1000"
    )


@each_kind
@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("r.xlsx", "area=1&format=xlsx"),
        ("r.csv", "area=1&format=csv&safe=spreadsheet"),
        ("r.csv.gz", "area=1&format=csv&safe=spreadsheet"),
    ],
)
def test_a_file_has_all_of_it(
    run: Run, canned: CannedService, tmp_path: Path, kind: str, name: str, query: str
) -> None:
    canned.on(f"{REPORTS}/{kind}", Answer(body=b"the file"))
    result = run("report", kind, "--area", "1", "-o", str(tmp_path / name))
    assert (result.exit_code, result.stdout) == (0, "")
    assert canned.asked[-1].query == query
    content = (tmp_path / name).read_bytes()
    assert (gzip.decompress(content) if name.endswith(".gz") else content) == b"the file"


@pytest.mark.parametrize("name", ["r", "r.json", "r.parquet", "r.ndjson"])
def test_an_ending_that_says_no_table_is_refused(
    run: Run, canned: CannedService, tmp_path: Path, name: str
) -> None:
    result = run("report", "stores", "-o", str(tmp_path / name))
    assert result.exit_code == 2
    assert ".csv.gz" in result.stderr
    assert canned.asked == []


@pytest.mark.parametrize(
    ("command", "endpoint", "query"),
    [
        (("visits", "--after", "2026-11-20"), "visits", "visited_after=2026-11-20&format=xlsx"),
        (("stores", "search", "market"), "stores", "q=market&format=xlsx"),
    ],
)
def test_lists_are_files_too(
    run: Run, canned: CannedService, tmp_path: Path, command: tuple[str, ...], endpoint: str, query: str
) -> None:
    canned.on(f"GET /api/v1/{endpoint}", Answer(body=b"the file"))
    result = run(*command, "-o", str(tmp_path / "list.xlsx"))
    assert result.exit_code == 0, result.output
    assert canned.asked[-1].query == query
    assert (tmp_path / "list.xlsx").read_bytes() == b"the file"
