"""The command `check`: what it prints, how it exits, and the database that it finds by itself."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from click.testing import CliRunner

from retailpulse.cli import group
from retailpulse.storage.integrity import check as check_module
from retailpulse.storage.integrity import parts
from retailpulse.storage.postgres.database import Database
from tests.lifecycle.processes import QUICK, processes_in
from tests.running import clean_environment
from tests.storage import claiming, servers
from tests.storage.jobs import failed, measured, submit
from tests.storage.settled import settle

folder, postgres = servers.folder, servers.postgres
database_url, database, empty_url = servers.database_url, servers.database, servers.empty_url

URLS = [f"http://photos.example/{number}.png" for number in range(5)]


def check(url: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "retailpulse", "check", *arguments],
        env=clean_environment() | QUICK | {"RETAILPULSE_DATABASE_URL": url} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
async def job_id(database: Database) -> UUID:
    """A job that ended with one failure."""
    made = await submit(database, URLS)
    await settle(database, [measured(made, number) for number in range(1, 5)] + [failed(made, 5)])
    return made


def change(url: str, statement: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statement.encode())


@pytest.mark.usefixtures("job_id")
def test_a_database_that_agrees_is_one_line_and_exits_with_0(database_url: str) -> None:
    done = check(database_url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Everything agrees: 1 jobs, 5 images, 5 results.\n"
    assert json.loads(check(database_url, "--json").stdout) == {
        "agrees": True, "jobs": 1, "images": 5, "results": 5, "findings": [], "mended": []
    }  # fmt: skip


def test_what_is_off_is_a_line_a_kind_and_exits_with_1_until_it_is_mended(
    job_id: UUID, database_url: str
) -> None:
    change(database_url, "UPDATE jobs SET measured = 3")
    off = [
        "Jobs whose counters are not what their results say: 1, e.g. "
        f"job {job_id}: counts 3 measured, 1 failed, 0 cancelled, the results say 4, 1, 0",
        "Ended jobs whose status is not what their counters say: 1, e.g. "
        f"job {job_id}: failed with 3 measured, 1 failed, 0 cancelled of 5",
    ]
    done = check(database_url)
    assert (done.returncode, done.stdout.splitlines(), done.stderr) == (1, off, "")
    done = check(database_url, "--repair")
    assert (done.returncode, done.stdout.splitlines()) == (
        0,
        [
            "Mended: counters of jobs set to what the rows say: 1.",
            "Everything agrees: 1 jobs, 5 images, 5 results.",
        ],
    )
    assert check(database_url).returncode == 0


def test_what_cannot_be_mended_is_told_after_the_repair_and_exits_with_1(
    job_id: UUID, database_url: str
) -> None:
    change(database_url, "DELETE FROM results WHERE image_no IN (2, 3)")
    done = check(database_url, "--repair", "--json")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert (report["agrees"], report["results"]) == (False, 3)
    assert "counters of jobs set to what the rows say: 1" in report["mended"]
    assert {finding["kind"]: finding for finding in report["findings"]}["result_missing"] == {
        "kind": "result_missing",
        "meaning": "images without a result in jobs that have ended",
        "count": 2,
        "examples": [{"job_id": str(job_id), "detail": f"image {number}"} for number in (2, 3)],
    }


async def test_lost_images_are_found_and_put_in_line_again(database: Database) -> None:
    job_id = await submit(database, URLS)
    change(database.url, "DELETE FROM slices")
    lost = (
        "Images without a result that no worker would fetch, or that wait twice: 5, e.g. "
        f"job {job_id}: image 1 is in line or in work 0 times"
    )
    assert lost in check(database.url).stdout
    done = check(database.url, "--repair")
    assert done.stdout.splitlines() == [
        "Mended: lost images put in line again: 5.",
        "Everything agrees: 1 jobs, 5 images, 0 results.",
    ]
    assert done.returncode == 0
    assert claiming.in_line(database, job_id) == [1, 2, 3, 4, 5]


async def test_a_silent_worker_is_looked_for_twice_and_what_it_had_is_handed_back(database: Database) -> None:
    job_id = await submit(database, URLS)
    silent = await claiming.add_worker(database)
    await claiming.claim(database, silent)
    claiming.silence(database, silent, seconds=3_600)
    change(database.url, "INSERT INTO workers (beat_at) VALUES (now() + interval '1 hour')")
    done = check(database.url, "--repair")
    assert done.stderr.startswith(
        "1 workers that are silent and still have images or slots: looking again in 2.3 s"
    )
    assert "Mended: images of silent workers handed back: 5." in done.stdout.splitlines()
    assert done.returncode == 0
    assert claiming.in_line(database, job_id) == [1, 2, 3, 4, 5]


@pytest.fixture
async def second(database: Database, job_id: UUID) -> UUID:
    """A job that ended after that one, without a failure."""
    assert job_id
    made = await submit(database, URLS)
    await settle(database, [measured(made, number) for number in range(1, 6)])
    return made


def test_a_check_that_is_broken_off_tells_how_to_go_on(
    database_url: str, second: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = check_module._totals

    def until_the_second(*given: Any) -> tuple[int, int, int]:
        if given[1].first is not None:
            raise KeyboardInterrupt
        return counted(*given)

    monkeypatch.setattr(parts, "PART_IMAGES", 5)
    monkeypatch.setattr(check_module, "_totals", until_the_second)
    broken_off = CliRunner().invoke(group, ["check"], env={"RETAILPULSE_DATABASE_URL": database_url})
    assert broken_off.exit_code == 130
    assert f"Broken off after 1 of 2 parts. To go on: retailpulse check --from {second}" in broken_off.stderr
    done = check(database_url, "--from", str(second))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"Each job from {second} on agrees in itself: 1 jobs, 5 images, 5 results.\n"
    assert check(database_url, "--repair", "--from", str(second)).returncode == 2


def test_a_command_line_or_a_setting_that_cannot_be_used_exits_with_2(database_url: str) -> None:
    assert CliRunner().invoke(group, ["check", "--mend"]).exit_code == 2
    done = check(database_url, RETAILPULSE_WORKER_SWEEP_SECONDS="soon")
    assert done.returncode == 2
    assert "RETAILPULSE_WORKER_SWEEP_SECONDS" in done.stderr


def test_a_database_without_our_tables_is_told_and_exits_with_1(empty_url: str) -> None:
    done = check(empty_url)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("retailpulse: the database has no tables yet; run `retailpulse migrate`")


def test_an_embedded_database_that_does_not_run_runs_only_for_the_check(folder: Path) -> None:
    data = folder / "data"
    missing = check("", f"--data-dir={data}")
    assert (missing.returncode, len(missing.stderr.splitlines())) == (1, 1)
    assert not data.exists()
    subprocess.run(
        [sys.executable, "-m", "retailpulse", "migrate", f"--data-dir={data}"],
        env=clean_environment(), check=True, capture_output=True,
    )  # fmt: skip
    done = check("", f"--data-dir={data}")
    assert (done.returncode, done.stdout) == (0, "Everything agrees: 0 jobs, 0 images, 0 results.\n")
    assert processes_in(folder) == {}


def test_help_has_examples_and_explains_the_exit_codes() -> None:
    text = CliRunner().invoke(group, ["check", "--help"]).stdout
    assert "retailpulse check --repair --data-dir" in text
    codes = text.partition("Exit codes:")[2]
    assert [code for code in "012" if f" {code}  " in codes] == ["0", "1", "2"]
