"""The commands against a whole service: what they print is what the service knows."""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from tests.running import RunningService, clean_environment

CSV = (
    "store_id,image_url,visit_time\n"
    "RP00001,no URL,2026-11-20T10:00:00Z\n"
    "RP00001,nor this,2026-11-20T10:00:00Z\n"
    "RP00004,nothing,2026-11-21\n"
)
VISITS = [
    {"store_id": "RP00001", "image_url": ["no URL", "nor this"], "visit_time": "2026-11-20T10:00:00Z"},
    {"store_id": "RP00004", "image_url": ["nothing"], "visit_time": "2026-11-21"},
]
NDJSON = "".join(json.dumps(visit) + "\n" for visit in VISITS)
JSON = json.dumps({"count": 2, "visits": VISITS})
FILES = {"json": JSON, "csv": CSV, "ndjson": NDJSON}

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def retailpulse(service: RunningService, tmp_path: Path) -> Command:
    """Runs a command in a process of its own, against the service."""

    def run(*arguments: str, code: int = 0, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [sys.executable, "-m", "retailpulse", *arguments],
            env=clean_environment() | {"RETAILPULSE_URL": service.url},
            cwd=tmp_path,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def job_id(retailpulse: Command, tmp_path: Path) -> str:
    """A job that has ended, with three failures in two stores."""
    (tmp_path / "visits.csv").write_text(CSV)
    found = retailpulse("submit", "visits.csv", "--label=of=the tests", "--watch", code=1).stdout.strip()
    assert len(found) == 36
    return found


@pytest.mark.parametrize("file_format", FILES)
@pytest.mark.parametrize("is_piped", [False, True], ids=["file", "pipe"])
def test_a_file_of_any_format_is_the_same_job(
    retailpulse: Command, tmp_path: Path, file_format: str, is_piped: bool
) -> None:
    (tmp_path / f"job.{file_format}").write_text(FILES[file_format])
    fields = ("--name=week 47", "--label=region=north", "--label=kind=x", "--priority=7", "--depth=header")
    source = ("-", "--format", file_format) if is_piped else (f"job.{file_format}",)
    done = retailpulse("submit", *source, *fields, stdin=FILES[file_format] if is_piped else "")
    job = json.loads(retailpulse("jobs", "show", done.stdout.strip(), "--json").stdout)
    assert (job["name"], job["priority"], job["depth"]) == ("week 47", 7, "header")
    assert job["labels"] == {"region": "north", "kind": "x"}
    assert job["images"]["total"] == 3


@pytest.mark.parametrize("file_format", FILES)
@pytest.mark.parametrize("fields", [(), ("--name=packed",)], ids=["as it is", "named"])
def test_a_packed_file_is_sent_as_it_is(
    retailpulse: Command, tmp_path: Path, file_format: str, fields: tuple[str, ...]
) -> None:
    path = tmp_path / f"job.{file_format}.gz"
    path.write_bytes(gzip.compress(FILES[file_format].encode()))
    job_id = retailpulse("submit", str(path), *fields).stdout.strip()
    job = json.loads(retailpulse("jobs", "show", job_id, "--json").stdout)
    assert (job["images"]["total"], job["name"]) == (3, "packed" if fields else None)


def test_jobs_are_listed_by_their_filters(retailpulse: Command, job_id: str) -> None:
    def listed(*filters: str) -> set[str]:
        found = json.loads(retailpulse("jobs", "list", "--all", "--json", *filters).stdout)
        return {job["job_id"] for job in found}

    fitting = ["--status=failed", "--label=of=the tests", "--store-id=RP00004", "--after=2026-11-01"]
    assert job_id in listed()
    assert job_id in listed(*fitting)
    assert job_id in listed("--status=ongoing", "--status=failed", "--label=of=x", "--label=of=the tests")
    for other in ("--status=completed", "--label=kind=others", "--store-id=RP00005", "--before=2026-11-01"):
        assert job_id not in listed("--label=of=the tests", other)


def test_jobs_are_listed_by_their_name(retailpulse: Command, tmp_path: Path) -> None:
    path = tmp_path / "job.csv"
    path.write_text(FILES["csv"])
    named = retailpulse("submit", str(path), "--name=a name of its own").stdout.strip()
    found = json.loads(retailpulse("jobs", "list", "--name=a name of its own", "--json").stdout)
    assert [job["job_id"] for job in found] == [named]
    assert json.loads(retailpulse("jobs", "list", "--name=a name of", "--json").stdout) == []


def test_a_list_that_is_cut_says_so_on_standard_error(retailpulse: Command, job_id: str) -> None:
    done = retailpulse("jobs", "stores", job_id, "--limit", "1")
    header, line = done.stdout.splitlines()
    assert header.split() == ["STORE", "IMAGES", "FAILED", "CANCELLED", "CAUSES"]
    assert line.split() == ["RP00001", "2", "2", "0", "2", "bad_url"]
    assert "There are more than 1: --limit or --all" in done.stderr
    assert len(retailpulse("jobs", "stores", job_id, "--all").stdout.splitlines()) == 3


def test_results_are_filtered_and_come_in_every_format(
    retailpulse: Command, job_id: str, tmp_path: Path
) -> None:
    table = retailpulse("results", job_id, "--store-id=RP00004").stdout.splitlines()
    assert table[1].split()[:3] == ["3", "RP00004", "bad_url"]
    rows = json.loads(retailpulse("results", job_id, "--json", "--outcome=failed").stdout)
    assert [row["image_no"] for row in rows] == [1, 2, 3]
    assert json.loads(retailpulse("results", job_id, "--json", "--cause=timeout").stdout) == []
    assert json.loads(retailpulse("results", job_id, "--json", "--suspect").stdout) == []
    assert len(retailpulse("results", job_id, "--format=csv").stdout.splitlines()) == 4
    lines = retailpulse("results", job_id, "--format=ndjson", "--store-id=RP00001").stdout.splitlines()
    assert [json.loads(line)["image_url"] for line in lines] == ["no URL", "nor this"]
    retailpulse("results", job_id, "-o", "results.parquet")
    parquet: Any = pyarrow.parquet.read_table(tmp_path / "results.parquet")
    assert parquet.column("image_no").to_pylist() == [1, 2, 3]
    retailpulse("results", job_id, "-o", "results.json")
    assert json.loads((tmp_path / "results.json").read_text()) == rows


def test_what_failed_is_retried_and_its_earlier_outcome_stays_readable(
    retailpulse: Command, job_id: str
) -> None:
    assert json.loads(retailpulse("retry", job_id, "--cause", "bad_url", "--json").stdout)["retries"] == 1
    retailpulse("watch", job_id, code=1)
    (row, *_) = json.loads(retailpulse("results", job_id, "--json", "--earlier").stdout)
    assert [earlier["cause"] for earlier in row["earlier"]] == ["bad_url"]
    refused = retailpulse("retry", job_id, "--cause", "timeout", code=1)
    assert "Traceback" not in refused.stderr


def test_a_job_is_deleted_once_it_has_ended(retailpulse: Command, job_id: str) -> None:
    assert json.loads(retailpulse("jobs", "delete", job_id, "--json").stdout) == {
        "job_id": job_id,
        "deleted": True,
    }
    for command in (("jobs", "show"), ("status",), ("results",), ("cancel",), ("jobs", "delete"), ("watch",)):
        refused = retailpulse(*command, job_id, code=1)
        assert job_id in "".join(refused.stderr.split())
        assert refused.stdout == ""


def test_a_job_that_has_ended_cannot_be_cancelled(retailpulse: Command, job_id: str) -> None:
    assert "ended" in retailpulse("cancel", job_id, code=1).stderr


def test_stores_areas_and_visits_are_found(retailpulse: Command, job_id: str) -> None:
    found = json.loads(retailpulse("stores", "search", "MARKET", "--json").stdout)
    assert "RP00002" in [store["store_id"] for store in found]
    assert all("market" in f"{store['store_id']} {store['store_name']}".lower() for store in found)
    assert 'The "Little" Grocer' in retailpulse("stores", "search", "--area=7100016").stdout
    assert json.loads(retailpulse("stores", "show", "RP00005", "--json").stdout)["store_name"] == "Café Süd"
    assert "RP99" in retailpulse("stores", "show", "RP99", code=1).stderr
    areas = json.loads(retailpulse("areas", "--all", "--json").stdout)
    assert {area["area_code"] for area in areas} >= {"7100015", "7100016"}
    options = ("--store-id=RP00004", "--after=2026-11-21", "--before=2026-11-22", "--all")
    visits = json.loads(retailpulse("visits", *options, "--json").stdout)
    assert (job_id, 1, 1) in {(visit["job_id"], visit["images"], visit["failed"]) for visit in visits}
    assert json.loads(retailpulse("visits", "--area=7100016", "--before=2026-11-01", "--json").stdout) == []


def test_stats_tell_who_works_and_what_was_done(retailpulse: Command, job_id: str) -> None:
    assert job_id
    stats = json.loads(retailpulse("stats", "--json").stdout)
    assert stats["workers"] == 1
    assert stats["causes"]["hour"]["bad_url"] >= 3
    assert "bad_url" in retailpulse("stats").stdout


def test_a_filter_that_cannot_be_read_is_refused_by_its_name(retailpulse: Command) -> None:
    assert "submitted_after" in retailpulse("jobs", "list", "--after", "soon", code=1).stderr
    retailpulse("jobs", "list", "--status", "lost", code=2)
    retailpulse("submit", "-", "--label", "north", code=2)


def test_nothing_has_colour_or_a_bar_where_nobody_looks(retailpulse: Command, job_id: str) -> None:
    for arguments in (("status", job_id), ("jobs", "list"), ("stats",), ("watch", job_id), ("--help",)):
        done = subprocess_result(retailpulse, arguments)
        assert "\x1b" not in done.stdout + done.stderr


def subprocess_result(retailpulse: Command, arguments: tuple[str, ...]) -> "subprocess.CompletedProcess[str]":
    """What a command prints, whether or not the job it is about has failed."""
    return retailpulse(*arguments, code=1 if arguments[0] in {"status", "watch"} else 0)
