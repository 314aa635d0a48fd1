"""openapi-python-client makes a client of the description that compiles and does what is done first."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import RunningService

GENERATOR = Path(sys.executable).parent / "openapi-python-client"
SCRIPT = Path(__file__).parent / "first_hour.py"
EVERYWHERE = {"getJob", "listJobs", "listResults", "submitJob", "listStores", "getVisits", "listDeliveries"}
"""Some of the operations that there must be a function for."""


@pytest.fixture(scope="module")
def folder(service: RunningService, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a client was generated, as the package `generated`."""
    made = tmp_path_factory.mktemp("python")
    (made / "openapi.json").write_bytes(service.http.get("/openapi.json").content)
    words = ["generate", "--path", "openapi.json", "--meta", "none", "--output-path", "generated"]
    done = subprocess.run(
        [GENERATOR, *words], cwd=made, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return made


def test_every_file_of_it_compiles(folder: Path) -> None:
    words = ["-W", "error", "-m", "compileall", "-q", "generated"]
    subprocess.run([sys.executable, *words], cwd=folder, check=True, timeout=60)
    made = {path.stem.replace("_", "") for path in (folder / "generated" / "api").rglob("*.py")}
    assert {name.lower() for name in EVERYWHERE} <= made


def test_it_submits_waits_and_reads_results(service: RunningService, folder: Path) -> None:
    ran = subprocess.run(
        [sys.executable, SCRIPT, service.url],
        cwd=folder,
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        "failed 2",
        "store_id_not_found store_id_not_found",
        "there is no job nothing",
    ]
