"""The commands prune, backup and restore as processes: their words, their codes, and kill -9 of a prune."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from retailpulse.storage.postgres.database import Database
from tests.lifecycle.conftest import new_shop, shop
from tests.lifecycle.processes import Shop, kill_all, processes_in, submit
from tests.running import clean_environment, wait_for
from tests.storage.ended import big_ended_job, ended_job, rows_of
from tests.storage.jobs import submit as submit_rows
from tests.storage.servers import database, database_url, folder, postgres

__all__ = ["database", "database_url", "folder", "new_shop", "postgres", "shop"]

NO_DATABASE = "postgresql://127.0.0.1:1/none"
URLS = [f"http://photos.example/{number}.png" for number in range(10)]
BIG = UUID(int=1)


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "retailpulse", *arguments],
        env=clean_environment() | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def started(*arguments: str, **environment: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "retailpulse", *arguments], env=clean_environment() | environment
    )


async def test_prune_says_what_would_go_and_what_went(database: Database) -> None:
    old, ongoing = await ended_job(database), await submit_rows(database, URLS)
    url = {"RETAILPULSE_DATABASE_URL": database.url}
    dry = command("prune", "--older-than", "36h", "--dry-run", **url)
    assert (dry.returncode, dry.stdout) == (0, "1 jobs with 10 images would go.\n")
    as_click_error = command("prune", "--older-than", "36h", "--dry-run", "--json", **url)
    assert json.loads(as_click_error.stdout) == {"jobs": 1, "images": 10}
    assert rows_of(database, old)["jobs"] == 1
    assert command("prune", "--older-than=3d", **url).stdout.startswith("Pruned 0 jobs with 0 images")
    done = command("prune", **url, RETAILPULSE_RETENTION_JOBS_DAYS="1.5")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Pruned 1 jobs with 10 images: 22 rows; and 0 old idempotency keys.\n"
    assert rows_of(database, old) == {}
    assert rows_of(database, ongoing)["jobs"] == 1


@pytest.mark.parametrize("age", ["30", "d", "-1d", "1w", "1e9d", "\u0663d", "9999999d", ""])
def test_an_age_that_is_none_is_a_usage_error(age: str) -> None:
    done = command("prune", f"--older-than={age}", RETAILPULSE_DATABASE_URL=NO_DATABASE)
    assert done.returncode == 2
    assert "write one like 30d, 12h, 90m or 45s" in " ".join(done.stderr.replace("│", " ").split())


def test_prune_without_any_age_says_how_to_give_one() -> None:
    done = command("prune", RETAILPULSE_DATABASE_URL=NO_DATABASE)
    assert done.returncode == 2
    assert "RETAILPULSE_RETENTION_JOBS_DAYS is 0: jobs are kept for ever." in done.stderr
    assert "--older-than 30d" in done.stderr


def test_what_cannot_reach_its_database_says_so_in_one_line(folder: Path) -> None:
    nowhere = f"--data-dir={folder / 'data'}"
    for arguments in (["prune", "--older-than=1d"], ["backup", str(folder / "dump")]):
        done = command(*arguments, nowhere)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert done.stderr.startswith(f"retailpulse: there is no database in {folder / 'data'}")
    assert list(folder.iterdir()) == []
    done = command("prune", "--older-than=1d", RETAILPULSE_DATABASE_URL=NO_DATABASE)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr


@pytest.mark.parametrize(("name", "program"), [("backup", "pg_dump"), ("restore", "pg_restore")])
def test_a_database_of_somebody_else_is_left_to_its_own_programs(
    folder: Path, name: str, program: str
) -> None:
    done = command(name, str(folder / "dump"), RETAILPULSE_DATABASE_URL=NO_DATABASE)
    assert done.returncode == 1
    assert done.stderr.startswith("retailpulse: RETAILPULSE_DATABASE_URL names a PostgreSQL of your own")
    assert f"Use `{program}" in done.stderr


async def test_a_prune_that_is_killed_in_the_middle_is_gone_on_with(database: Database) -> None:
    big_ended_job(database, BIG, 6_000)
    young = await ended_job(database, days_ago=0.5)
    kept = rows_of(database, young)
    url = {"RETAILPULSE_DATABASE_URL": database.url}
    with psycopg.connect(database.url) as holder:
        holder.execute("SELECT FROM results WHERE job_id = %s AND image_no = 5000 FOR UPDATE", [BIG])
        running = started("prune", "--older-than=1d", **url)
        wait_for(lambda: stands_still(database))
        running.send_signal(signal.SIGKILL)
        running.wait()
    assert rows_of(database, BIG).keys() == {"results", "images", "pruned_jobs"}
    done = command("prune", "--older-than=1d", **url)
    assert done.stdout.startswith("Pruned 0 jobs with 0 images: 8,000 rows; ")
    assert rows_of(database, BIG) == {}
    assert rows_of(database, young) == kept


def stands_still(database: Database) -> bool:
    """Whether a session waits for a row that another holds."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        waiting = connection.execute(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
    return waiting is not None


@pytest.mark.slow
def test_a_backup_of_a_working_service_goes_on_elsewhere(shop: Shop) -> None:
    gate = shop.gate()
    running = shop.serve(workers=2)
    ended = submit(running, shop.photos(30))
    running.finished(ended)
    ongoing = submit(running, [*shop.photos(30), *shop.photos(6, before=gate)])
    wait_for(lambda: running.job(ongoing)["images"]["settled"] == 30)
    untouched = submit(running, shop.photos(200, before=gate))
    dump = str(shop.folder / "dump")
    done = command("backup", dump, f"--data-dir={running.data_dir}")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"Wrote {dump}: {Path(dump).stat().st_size:,} bytes.\n"
    refused = command("restore", dump, "--replace", f"--data-dir={running.data_dir}")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "is in use by another `retailpulse serve`" in refused.stderr
    kill_all(shop.folder)
    other = Shop(shop.folder / "other", shop.origin)
    try:
        done = command("restore", dump, f"--data-dir={other.folder / 'data'}")
        assert done.returncode == 0, done.stderr
        assert processes_in(shop.folder) == {}
        gate.set()
        running = other.serve()
        assert running.job(ended)["status"] == "completed"
        assert running.finished(ongoing)["images"]["measured"] == 36
        assert running.finished(untouched)["images"]["measured"] == 200
        other.check_truth(ended, ongoing, untouched)
    finally:
        other.close()
