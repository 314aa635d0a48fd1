"""openapi-typescript and openapi-fetch make a client that type-checks and does what is done first.

The packages come from npm with the versions of `package.json`, without what runs scripts at its installation.
Weak: it is skipped where there is no npm, or no registry.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.running import RunningService

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
UNREACHABLE = re.compile(
    "ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|E[45]\\d\\d\\b|network"
)
INSTALL = ("--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1")
COMPILE = ("--strict", "--target", "es2022", "--module", "nodenext", "--skipLibCheck")


def run(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """A program in a folder, with nothing of npm's outside of it."""
    environment = {**os.environ, "npm_config_update_notifier": "false"}
    return subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, timeout=110, check=False
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the packages are installed."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("needs npm: apt-get install nodejs npm")
    made = tmp_path_factory.mktemp("typescript")
    for name in ("package.json", "first_hour.ts"):
        shutil.copy(HERE / name, made)
    done = run(made, npm, "install", *INSTALL)
    if done.returncode != 0 and UNREACHABLE.search(done.stderr):
        pytest.skip("needs the registry of npm: npm ping")
    assert done.returncode == 0, done.stderr
    return made


def test_it_type_checks_submits_waits_and_reads_results(service: RunningService, folder: Path) -> None:
    (folder / "openapi.json").write_bytes(service.http.get("/openapi.json").content)
    programs = folder / "node_modules" / ".bin"
    for words in (
        (str(programs / "openapi-typescript"), "openapi.json", "-o", "service.d.ts"),
        (str(programs / "tsc"), *COMPILE, "first_hour.ts"),
    ):
        done = run(folder, *words)
        assert done.returncode == 0, done.stdout + done.stderr
    ran = run(folder, "node", "first_hour.js", service.url)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        "failed 2",
        "store_id_not_found store_id_not_found",
        "there is no job nothing",
    ]
