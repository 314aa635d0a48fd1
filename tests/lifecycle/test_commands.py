"""The commands where they cannot run, where they run by hand, and where they are not root."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from retailpulse.storage.postgres.database import Database
from retailpulse.storage.postgres.migrate import migrate
from tests.lifecycle.processes import PICTURE, QUICK, Shop, processes_in
from tests.origin import Origin, Reply
from tests.other_users import environment_for_others, python_for
from tests.running import ALLOW_LOOPBACK, Process, clean_environment, free_port, wait_for
from tests.storage.jobs import submit
from tests.storage.truth import check_truth


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "retailpulse", *arguments],
        cwd=folder,
        env=clean_environment() | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@contextmanager
def busy_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def test_a_port_in_use_is_told_and_nothing_is_left_behind(folder: Path) -> None:
    with busy_port() as port:
        done = run(folder, "serve", f"--port={port}", "--data-dir=data")
    assert done.returncode == 1
    assert done.stderr.startswith(f"retailpulse: cannot listen on 127.0.0.1:{port}: ")
    assert len(done.stderr.splitlines()) == 1
    assert list(folder.iterdir()) == []
    assert processes_in(folder) == {}


@pytest.mark.parametrize("host", ["nohost.invalid", "192.0.2.1"])
def test_an_address_that_is_not_of_this_machine_is_told(folder: Path, host: str) -> None:
    done = run(folder, "serve", f"--host={host}", f"--port={free_port()}", "--data-dir=data")
    assert done.returncode == 1
    assert done.stderr.endswith("; choose an address of this machine with --host\n")
    assert "Errno" not in done.stderr


def test_a_data_directory_that_cannot_be_made_is_told(folder: Path) -> None:
    (folder / "file").touch()
    done = run(folder, "serve", f"--port={free_port()}", "--data-dir=file/data")
    assert done.returncode == 1
    assert "cannot be used: Not a directory: " in done.stderr


def test_a_data_directory_in_use_is_told(new_shop: Shop) -> None:
    running = new_shop.begin()
    wait_for((running.data_dir / "postgres").exists)
    done = run(new_shop.folder, "serve", f"--port={free_port()}", f"--data-dir={running.data_dir}")
    assert done.returncode == 1
    assert f"{running.data_dir} is in use by another `retailpulse serve`" in done.stderr
    assert f"(process {running.process.pid})" in done.stderr
    assert running.stop() == 0


@pytest.mark.parametrize("command", ["worker", "api"])
def test_a_process_without_a_database_says_how_to_get_one(folder: Path, command: str) -> None:
    done = run(folder, command)
    assert done.returncode == 1
    assert done.stderr.startswith("retailpulse: no database: RETAILPULSE_DATABASE_URL is not set")
    assert "retailpulse serve" in done.stderr


@pytest.mark.parametrize("command", ["worker", "api"])
def test_a_process_on_an_empty_database_says_what_to_do(folder: Path, command: str, empty_url: str) -> None:
    done = run(folder, command, RETAILPULSE_DATABASE_URL=empty_url, RETAILPULSE_API_PORT=str(free_port()))
    assert done.returncode == 1
    assert "retailpulse: the database has no tables yet; run `retailpulse migrate`" in done.stderr


@pytest.mark.parametrize(
    ("version", "said"),
    [("0001", "run `retailpulse migrate` on it first"), ("9999", "it was migrated by a newer retailpulse")],
)
def test_a_process_on_tables_of_another_version_says_what_to_do(
    folder: Path, empty_url: str, version: str, said: str
) -> None:
    migrate(empty_url)
    with psycopg.connect(empty_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", [version])
    done = run(folder, "worker", RETAILPULSE_DATABASE_URL=empty_url)
    assert done.returncode == 1
    assert f"the database has schema {version}, this program" in done.stderr
    assert said in done.stderr


def test_migrate_brings_up_the_embedded_server_only_for_itself(folder: Path) -> None:
    said = [run(folder, "migrate", "--data-dir=data").stdout for _ in range(2)]
    assert said[0].startswith("The schema was brought from version none to ")
    assert said[1].startswith("The schema is up to date: version ")
    assert processes_in(folder) == {}


def test_migrate_that_is_stopped_takes_its_server_with_it(folder: Path) -> None:
    running = Process(folder, "migrate", "--data-dir=data")
    wait_for((folder / "data" / "postgres" / "postmaster.pid").exists)
    running.process.send_signal(signal.SIGTERM)
    assert running.stop() in {0, 1}  # it may just have been done
    assert processes_in(folder) == {}


async def test_a_worker_by_hand_works_on_the_database_that_it_is_given(
    folder: Path, database: Database
) -> None:
    with Origin() as origin:
        job_id = await submit(database, [origin.serve(f"/{n}.png", Reply(body=PICTURE)) for n in range(9)])
        url = {"RETAILPULSE_DATABASE_URL": database.url}
        worker = Process(folder, "worker", environment=ALLOW_LOOPBACK | QUICK | url)
        with psycopg.connect(database.url, autocommit=True) as connection:
            wait_for(
                lambda: connection.execute("SELECT 1 FROM jobs WHERE finished_at IS NOT NULL").fetchone()
            )
        assert worker.stop() == 0
    check_truth(database.url, job_id)


def test_an_ordinary_user_runs_the_service_from_its_own_files(folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root: as an ordinary user all the other tests prove it")
    python = python_for("nobody")
    shutil.chown(folder, "nobody")
    port = free_port()
    with (folder / "log").open("wb") as log:
        serving = subprocess.Popen(
            [python, "-m", "retailpulse", "serve", f"--port={port}", "--data-dir=data", "--workers=1"],
            user="nobody", extra_groups=[], cwd=folder, env=environment_for_others(), stdout=log, stderr=log,
        )  # fmt: skip
        try:
            wait_for(lambda: f"ready on http://127.0.0.1:{port}" in (folder / "log").read_text())
            assert (folder / "data" / "postgres").owner() == "nobody"
            serving.send_signal(signal.SIGTERM)
            assert serving.wait(60) == 0
        finally:
            for pid in processes_in(folder):
                os.kill(pid, signal.SIGKILL)
    assert processes_in(folder) == {}
