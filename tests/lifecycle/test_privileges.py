"""Least privilege: `serve` as root runs all else as an ordinary user; no child knows a secret needlessly."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from retailpulse.storage.postgres.os_user import os_user_for
from tests.conftest import STORES
from tests.lifecycle.processes import PICTURE, submit
from tests.origin import Origin, Reply
from tests.other_users import as_root, environment_for_others, python_for
from tests.processes import children, command
from tests.running import RunningService, wait_for

SECRETS = {
    "PGPASSWORD": "a secret of libpq",
    "POSTGRES_PASSWORD": "a secret of a container",
    "RETAILPULSE_API_KEY": "a secret of a client",
}
OF_WORKERS = {"RETAILPULSE_CALLBACKS_SECRET": "whsec_" + "c2VjcmV0" * 5}
OF_A_HOST = "a-secret-of-a-host"


@pytest.fixture
def closed(folder: Path) -> Path:
    """A folder that its owner alone may pass through, with a space in its path."""
    made = folder / "a closed one" / "below"
    made.mkdir(parents=True)
    made.parent.chmod(0o700)
    return made


@contextmanager
def serving(
    folder: Path, python: str, environment: Mapping[str, str], port: int | None = None
) -> Iterator[RunningService]:
    """A service that has measured a photo; it is stopped at the end."""
    running = RunningService(folder, environment=environment, python=python, port=port)
    try:
        running.wait_until_ready()
        running.http.put("/api/v1/stores", content=STORES.encode()).raise_for_status()
        with Origin() as origin:
            job_id = submit(running, [origin.serve("/a.png", Reply(body=PICTURE))])
            assert running.finished(job_id)["images"]["measured"] == 1
        yield running
    finally:
        code = running.stop()
    assert code == 0, running.log()


def descendants(pid: int) -> list[int]:
    """All processes that come from one."""
    return [below for child in children(pid) for below in (child, *descendants(child))]


def user_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def low_port() -> int:
    """A free port that an ordinary user may not listen on."""
    for port in range(1023, 800, -1):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("every port is taken")


def ask(running: RunningService, python: str, *arguments: str) -> str:
    """What a command of root prints, on the data of a service."""
    done = subprocess.run(
        [python, "-m", "retailpulse", *arguments, f"--data-dir={running.data_dir}"],
        env=environment_for_others(),
        cwd=running.data_dir.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@as_root
def test_all_that_serve_starts_runs_as_an_ordinary_user_whatever_folder_is_closed(closed: Path) -> None:
    user = os_user_for().uid
    python = python_for(user)
    before = closed.parent.stat().st_mode
    with serving(closed, python, environment_for_others() | SECRETS, port=low_port()) as running:
        pids = descendants(running.process.pid)
        names = ("retailpulse api", "retailpulse worker", "fork_server", "postgres -D")
        assert all(name in " ".join(map(command, pids)) for name in names)
        assert {user_of(pid) for pid in pids} == {user}
        assert not [pid for pid in pids if "Groups:\t \n" not in Path(f"/proc/{pid}/status").read_text()]
        assert "Everything agrees: 1 jobs" in ask(running, python, "check")
        assert "Wrote dump" in ask(running, python, "backup", "dump")
        assert "1 images would go" in ask(running, python, "prune", "--older-than=0s", "--dry-run")
        assert "up to date" in ask(running, python, "migrate")
        os.kill(running.pids()["worker"][0], 9)
        os.kill(running.pids()["api"][0], 9)
        wait_for(lambda: len(running.pids()["worker"]) == len(running.pids()["api"]) == 1)
        running.wait_until_ready()
        assert {user_of(pid) for pid in descendants(running.process.pid)} == {user}
    assert closed.parent.stat().st_mode == before
    (closed / "data").rename(closed / "old")
    restored = subprocess.run(
        [python, "-m", "retailpulse", "restore", "dump", "--data-dir=data"],
        cwd=closed, env=environment_for_others(), check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert restored.stdout.startswith("Restored dump"), restored.stderr
    assert closed.parent.stat().st_mode == before


@as_root
def test_a_python_that_the_ordinary_user_cannot_reach_leaves_children_root_and_says_so(
    closed: Path, folder: Path
) -> None:
    python = closed / "python"
    python.symlink_to(sys.executable)
    with serving(folder / "service", str(python), environment_for_others()) as running:
        found = running.pids()
        assert {user_of(pid) for pid in (*found["api"], *found["worker"])} == {0}
        assert {user_of(pid) for pid in found["postgres"]} == {os_user_for().uid}
        assert running.log().count("API and workers run as root: the user pgserver cannot run ") == 1


@as_root
def test_settings_that_the_ordinary_user_cannot_follow_leave_children_root_and_are_told(
    closed: Path, folder: Path
) -> None:
    environment = environment_for_others() | {"RETAILPULSE_API_SPOOL_DIR": str(closed)}
    with serving(folder / "service", python_for(os_user_for().uid), environment) as running:
        assert user_of(running.pids()["api"][0]) == 0
        assert f"no file can be written to {closed}" in running.log()


def test_no_child_has_a_secret_in_its_environment_that_it_does_not_need(folder: Path) -> None:
    with serving(folder, sys.executable, SECRETS | OF_WORKERS) as running:
        pids = descendants(running.process.pid)
        workers = set(running.pids()["worker"])
        assert len(pids) > len(workers)
        for pid in pids:
            known = Path(f"/proc/{pid}/environ").read_bytes()
            for secret in SECRETS.values():
                assert secret.encode() not in known, command(pid)
            for secret in OF_WORKERS.values():
                assert (secret.encode() in known) == (pid in workers), command(pid)


@pytest.mark.parametrize("is_closed", [pytest.param(True, marks=as_root), False])
def test_credentials_of_hosts_reach_workers_by_no_environment(folder: Path, is_closed: bool) -> None:
    place = folder / "closed" / "below"
    place.mkdir(parents=True)
    place.parent.chmod(0o700 if is_closed else 0o755)
    python = python_for(os_user_for().uid) if is_closed else sys.executable
    reply = Reply(
        body=PICTURE, allows=lambda seen: seen.headers.get("authorization") == f"Bearer {OF_A_HOST}"
    )
    with Origin() as private:
        table = f'[fetch.credentials."{private.url("")}"]\nbearer = "{OF_A_HOST}"\n'
        (place / "retailpulse.toml").write_text(table)
        with serving(place, python, environment_for_others()) as running:
            job_id = submit(running, [private.serve("/a.png", reply)])
            assert running.finished(job_id)["images"]["measured"] == 1
            os.kill(running.pids()["worker"][0], 9)
            wait_for(lambda: len(running.pids()["worker"]) == 1)
            assert running.finished(submit(running, [private.url("/a.png")]))["images"]["measured"] == 1
            for pid in (running.process.pid, *descendants(running.process.pid)):
                known = Path(f"/proc/{pid}/environ").read_bytes() + Path(f"/proc/{pid}/cmdline").read_bytes()
                assert OF_A_HOST.encode() not in known, command(pid)
