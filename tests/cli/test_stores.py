"""`retailpulse stores import` against a real server."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.canned import CannedService, as_json
from tests.cli.conftest import Run

CSV = b"AreaCode,StoreName,StoreID\n1,Shop,RP00001\n"
GOOD = {"loaded": True, "added": 1200, "changed": 2, "unchanged": 3, "rejected": 0, "errors": []}


def bad(rejected: int, **changes: Any) -> dict[str, Any]:
    errors = [{"line": number + 2, "error": "the StoreID is empty"} for number in range(rejected)]
    nothing = {"loaded": False, "added": 0, "changed": 0, "unchanged": 0}
    return {**nothing, "rejected": rejected, "errors": errors, **changes}


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "stores.csv"
    path.write_bytes(CSV * 20_000)
    return str(path)


def test_a_file_is_sent_whole_with_its_size_and_the_counts_are_said(
    run: Run, canned: CannedService, file: str
) -> None:
    canned.on("PUT /api/v1/stores", as_json(GOOD))
    result = run("stores", "import", file)
    assert (result.exit_code, result.stdout) == (
        0,
        "Stores loaded: 1,200 added, 2 changed, 3 unchanged\n",
    )
    assert canned.asked[0].body == CSV * 20_000
    assert canned.asked[0].headers["Content-Length"] == str(len(CSV) * 20_000)
    assert canned.asked[0].query == ""


def test_standard_input_is_sent_as_it_comes(run: Run, canned: CannedService) -> None:
    canned.on("PUT /api/v1/stores", as_json(GOOD))
    assert run("stores", "import", "-", stdin=CSV).exit_code == 0
    assert canned.asked[0].body == CSV


def test_bad_lines_are_named_and_nothing_is_loaded(run: Run, canned: CannedService, file: str) -> None:
    canned.on("PUT /api/v1/stores", as_json(bad(2), 422))
    result = run("stores", "import", file)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "Nothing was loaded: 2 bad lines. --good-lines loads the others.",
        "  line 2: the StoreID is empty",
        "  line 3: the StoreID is empty",
    ]


@pytest.mark.parametrize(
    ("rejected", "last"), [(20, "  line 21:"), (25, "  and 5 more"), (21, "  and 1 more")]
)
def test_at_most_twenty_bad_lines_are_shown(
    run: Run, canned: CannedService, file: str, rejected: int, last: str
) -> None:
    canned.on("PUT /api/v1/stores", as_json(bad(rejected), 422))
    lines = run("stores", "import", file).stdout.splitlines()
    assert lines[-1].startswith(last)
    assert sum(line.startswith("  line ") for line in lines) == 20


def test_good_lines_are_loaded_when_asked_for_and_bad_ones_still_exit_with_1(
    run: Run, canned: CannedService, file: str
) -> None:
    canned.on("PUT /api/v1/stores", as_json(bad(1, loaded=True, added=4)))
    result = run("stores", "import", file, "--good-lines")
    assert result.exit_code == 1
    assert result.stdout.startswith("Stores loaded: 4 added, 0 changed, 0 unchanged, 1 bad lines left out\n")
    assert canned.asked[0].query == "good_lines=true"


def test_a_file_that_is_no_such_csv_shows_what_the_service_said(
    run: Run, canned: CannedService, file: str
) -> None:
    canned.on("PUT /api/v1/stores", as_json({"detail": "the header has no StoreID"}, 400))
    result = run("stores", "import", file)
    assert result.exit_code == 1
    assert "the header has no StoreID" in result.stderr


def test_a_check_loads_nothing_and_says_as_what_the_file_was_read(
    run: Run, canned: CannedService, file: str
) -> None:
    tried = {**GOOD, "loaded": False, "dry_run": True, "read_as": "CSV, separator tab, UTF-16"}
    canned.on("PUT /api/v1/stores", as_json(tried))
    columns = ("--columns", "StoreID:Outlet Nr", "--columns", "AreaCode:C")
    result = run("stores", "import", file, "--check", *columns, "--sheet", "Nov")
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        [
            "Nothing was loaded, as asked. It would be: 1,200 added, 2 changed, 3 unchanged",
            "Read as CSV, separator tab, UTF-16",
        ],
    )
    assert parse_qs(canned.asked[0].query) == {
        "dry_run": ["true"],
        "columns": ["StoreID:Outlet Nr,AreaCode:C"],
        "sheet": ["Nov"],
    }
