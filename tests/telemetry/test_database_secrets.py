"""A database that cannot be used is named in the log and on the terminal, the password to it never."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import Process, clean_environment, free_port, wait_for

PASSWORD = "s3cret-hunter2"
URLS = [
    f"postgresql://app:{PASSWORD}@127.0.0.1:1/shop",
    f"postgresql://app:x@{PASSWORD}@127.0.0.1:1/shop",
    f"postgresql://app:a/{PASSWORD}@127.0.0.1:1/shop",
    f"postgresql://app@127.0.0.1:1/shop?password={PASSWORD}",
    f"postgresql://app:{PASSWORD}@127.0.0.1:port/shop",
    f"postgresql://app:%zz{PASSWORD}@127.0.0.1/shop",
    f"postgresql://app:{PASSWORD}@[127.0.0.1/shop",
    f"postgresql://app:{PASSWORD}@127.0.0.1:1/shop?sslmode=odd",
    f"postgresql://app:{PASSWORD}@127.0.0.1:1/shop?odd=1",
    f"host=127.0.0.1 port=1 user=app password={PASSWORD}",
    f"host=127.0.0.1 port=1 user=app password='a {PASSWORD}'",
    f"postgres:app:{PASSWORD}@127.0.0.1/shop",
    f"app:{PASSWORD}@127.0.0.1/shop",
    f"mysql://app:{PASSWORD}@127.0.0.1/shop",
]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("command", ["migrate", "config"])
def test_a_command_names_no_password(command: str, url: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "retailpulse", command],
        cwd=tmp_path,
        env=clean_environment() | {"RETAILPULSE_DATABASE_URL": url, "RETAILPULSE_LOG_LEVEL": "DEBUG"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0 or command == "config"
    assert done.stdout + done.stderr
    assert PASSWORD not in done.stdout + done.stderr


@pytest.mark.parametrize("command", ["api", "worker"])
def test_a_process_that_waits_for_its_database_names_no_password(command: str, tmp_path: Path) -> None:
    url = f"postgresql://app:{PASSWORD}@127.0.0.1:{free_port()}/shop?password={PASSWORD}"
    environment = {"RETAILPULSE_DATABASE_URL": url, "RETAILPULSE_LOG_LEVEL": "DEBUG"}
    environment |= {"RETAILPULSE_API_PORT": str(free_port())}
    running = Process(tmp_path, command, environment=environment)
    try:
        wait_for(lambda: "waits for the database" in running.log())
    finally:
        running.stop()
    assert PASSWORD not in running.log()
