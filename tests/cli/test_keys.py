"""retailpulse keys: made where the database is, shown once, listed without secrets, revoked for ever."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from retailpulse.domain.api_keys import Scope
from retailpulse.storage.postgres.embedded import EmbeddedServer
from tests.api.guarded import Guarded, bearer, guarded_by
from tests.api.jobs import NO_JOB
from tests.lifecycle.processes import processes_in
from tests.running import Process, RunningService, clean_environment, free_port, wait_for
from tests.storage.servers import empty_url, postgres

__all__ = ["empty_url", "postgres"]

KEY = re.compile(r"rp_([0-9a-f]{12})_([0-9a-f]{64})\n")
ANYWHERE = "0.0.0.0"


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs `retailpulse keys` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "retailpulse", *arguments],
        cwd=folder,
        env=clean_environment() | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded_by(tmp_path_factory.mktemp("keys")) as guarded:
        yield guarded


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which nothing runs at the end."""
    folder = tmp_path_factory.mktemp("fresh")
    yield folder
    assert processes_in(folder) == {}


def keys(guarded: Guarded, tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(tmp_path, "keys", *arguments, RETAILPULSE_DATABASE_URL=guarded.url)


def listed(guarded: Guarded, tmp_path: Path) -> dict[str, dict[str, object]]:
    done = keys(guarded, tmp_path, "list", "--json")
    assert done.returncode == 0, done.stderr
    return {key["key_id"]: key for key in json.loads(done.stdout)}


def test_a_key_stands_alone_on_standard_output_and_is_listed_without_its_secret(
    guarded: Guarded, tmp_path: Path
) -> None:
    done = keys(
        guarded, tmp_path, "create", "--name", "till 17", "--scope", "submit,read", "--expires", "90d"
    )
    found = KEY.fullmatch(done.stdout)
    assert found, done
    key_id, secret = found.groups()
    assert f"Key {key_id} allows submit,read until " in done.stderr
    assert secret not in done.stderr
    shown = listed(guarded, tmp_path)[key_id]
    assert (shown["name"], shown["scopes"], shown["state"]) == ("till 17", ["read", "submit"], "valid")
    assert str(shown["expires_at"]).endswith("Z")
    assert shown["last_used_at"] is None
    table = keys(guarded, tmp_path, "list").stdout
    assert key_id in table
    assert secret not in table + json.dumps(shown)
    with psycopg.connect(guarded.url) as connection:
        lifetime = connection.execute(
            "SELECT expires_at - created_at FROM api_keys WHERE key_id = %s", [key_id]
        ).fetchall()
    assert lifetime[0][0].days == 90


def test_a_key_may_be_made_as_json_and_with_scopes_one_by_one(guarded: Guarded, tmp_path: Path) -> None:
    done = keys(guarded, tmp_path, "create", "--name", "x", "--scope", "read", "--scope", "admin", "--json")
    made = json.loads(done.stdout)
    assert KEY.fullmatch(f"{made['key']}\n")
    assert (made["scopes"], made["expires_at"]) == (["admin", "read"], None)


def test_revoking_is_for_all_that_are_named_or_none(guarded: Guarded, tmp_path: Path) -> None:
    ids = [guarded.key(Scope.READ)[3:15] for _ in range(2)]
    refused = keys(guarded, tmp_path, "revoke", ids[0], "000000000000")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "there is no key 000000000000" in refused.stderr
    assert listed(guarded, tmp_path)[ids[0]]["state"] == "valid"
    assert keys(guarded, tmp_path, "revoke", *ids).returncode == 0
    first = listed(guarded, tmp_path)
    assert {first[key_id]["state"] for key_id in ids} == {"revoked"}
    assert keys(guarded, tmp_path, "revoke", *ids).returncode == 0
    assert listed(guarded, tmp_path) == first  # the time of the first revocation stays


@pytest.mark.parametrize(
    "wrong",
    [
        ["--name", "x"],
        ["--scope", "read"],
        ["--name", "x", "--scope", "write"],
        ["--name", "x", "--scope", ""],
        ["--name", "x", "--scope", "read", "--expires", "soon"],
    ],
)
def test_a_wrong_option_exits_with_2(guarded: Guarded, tmp_path: Path, wrong: list[str]) -> None:
    done = keys(guarded, tmp_path, "create", *wrong)
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize(
    "wrong", [["--name", " "], ["--name", "a\nb"], ["--name", "x" * 201], ["--expires", "0d"]]
)
def test_a_key_without_a_proper_name_or_time_is_refused(
    guarded: Guarded, tmp_path: Path, wrong: list[str]
) -> None:
    before = listed(guarded, tmp_path)
    done = keys(guarded, tmp_path, "create", "--name", "x", "--scope", "read", *wrong)
    assert (done.returncode, done.stdout) == (1, "")
    assert listed(guarded, tmp_path) == before


def test_the_first_key_needs_no_running_database(folder: Path) -> None:
    done = run(folder, "keys", "create", "--name", "first", "--scope", "admin", "--data-dir=data")
    found = KEY.fullmatch(done.stdout)
    assert found, done.stderr
    assert not EmbeddedServer(folder / "data").is_running()
    assert processes_in(folder) == {}
    assert found[1] in run(folder, "keys", "list", "--data-dir=data").stdout


def test_forgetting_asks_first(folder: Path) -> None:
    run(folder, "keys", "create", "--name", "first", "--scope", "read", "--data-dir=data")
    assert run(folder, "keys", "forget", "--data-dir=data").returncode != 0
    assert "first" in run(folder, "keys", "list", "--data-dir=data").stdout
    done = run(folder, "keys", "forget", "--yes", "--data-dir=data")
    assert (done.returncode, done.stdout) == (0, "Forgot 1 key.\n")
    assert "No key was made yet." in run(folder, "keys", "list", "--data-dir=data").stderr


def test_a_database_of_another_version_is_refused(empty_url: str, tmp_path: Path) -> None:
    done = run(tmp_path, "keys", "list", RETAILPULSE_DATABASE_URL=empty_url)
    assert done.returncode == 1
    assert "retailpulse migrate" in done.stderr


def test_other_machines_reach_nothing_before_there_is_a_key(folder: Path) -> None:
    arguments = (f"--host={ANYWHERE}", f"--port={free_port()}", "--data-dir=data")
    refused = run(folder, "serve", *arguments)
    assert refused.returncode == 1
    assert "retailpulse: no API key was made yet, and other machines reach 0.0.0.0." in refused.stderr
    assert "retailpulse keys create --name NAME --scope admin" in refused.stderr
    assert "--allow-anonymous" in refused.stderr
    assert processes_in(folder) == {}


def test_an_api_alone_refuses_too_and_serves_once_there_is_a_key(guarded: Guarded, tmp_path: Path) -> None:
    environment = {"RETAILPULSE_DATABASE_URL": guarded.url, "RETAILPULSE_API_HOST": ANYWHERE}
    with psycopg.connect(guarded.url) as connection:
        connection.execute("DELETE FROM api_keys")
    refused = run(tmp_path, "api", f"--port={free_port()}", **environment)
    assert refused.returncode == 1
    assert "retailpulse keys create" in refused.stderr
    key = guarded.key(Scope.READ)
    port = free_port()
    process = Process(tmp_path, "api", f"--port={port}", environment=environment)
    try:
        url = f"http://127.0.0.1:{port}/api/v1/jobs/{NO_JOB}"
        wait_for(lambda: status(url) == 401)
        assert status(url, **bearer(key)) == 404
        assert status(url, Host="any.example") == 401
    finally:
        assert process.stop() == 0, process.log()


def status(url: str, **headers: str) -> int:
    try:
        return httpx.get(url, headers=headers).status_code
    except httpx.TransportError:
        return 0


def test_a_service_for_everybody_is_open_until_the_first_key(folder: Path) -> None:
    service = RunningService(folder, "--allow-anonymous", f"--host={ANYWHERE}")
    try:
        service.wait_until_ready()
        url = f"{service.url}/api/v1/jobs/{NO_JOB}"
        answer = httpx.get(url)
        assert answer.status_code == 404
        assert "anyone who reaches 0.0.0.0 may do everything" in service.log()
        assert answer.headers["ratelimit-limit"] == "6000"  # an address that others reach has limits
        done = run(folder, "keys", "create", "--name=first", "--scope=read", f"--data-dir={service.data_dir}")
        wait_for(lambda: status(url) == 401, seconds=5)
        assert status(url, **bearer(done.stdout.strip())) == 404
        titles = [title_of(pid) for pids in service.pids().values() for pid in pids]
        assert len(titles) > 2
        assert KEY.fullmatch(done.stdout)
        assert not [title for title in titles if "rp_" in title]
    finally:
        assert service.stop() == 0, service.log()
    assert done.stdout.strip()[16:] not in service.log()


def title_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
