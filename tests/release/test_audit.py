"""`make audit` says what pip-audit says, and never calls packages safe of which it could ask nothing.

Programs that print what pip-audit prints stand for it: known vulnerabilities of today are none tomorrow.
"""

import os
import subprocess
from pathlib import Path

import pytest
from tools.release import locked

ROOT = Path(__file__).parents[2]
UNREACHED = "".join(f"{name} Dependency not found and could not be audited: {name}\n" for name in locked())
FOUND = "Found 1 known vulnerability in 1 package\npillow 1.0 PYSEC-2026-1 1.1\n"


def audit(folder: Path, printed: str, status: int) -> subprocess.CompletedProcess[str]:
    (folder / "printed").write_text(printed)
    program = folder / "pip-audit"
    program.write_text(f'#!/bin/sh\necho "$@" > {folder}/asked\ncat {folder}/printed\nexit {status}\n')
    program.chmod(0o755)
    environment = {**os.environ, "PIP_AUDIT": str(program)}
    return subprocess.run(
        [ROOT / "tools" / "audit.sh"], env=environment, capture_output=True, text=True, check=False
    )


def test_what_was_found_is_said_and_ends_with_one(tmp_path: Path) -> None:
    done = audit(tmp_path, FOUND, 1)
    assert (done.returncode, done.stdout, done.stderr) == (1, FOUND, "")
    assert "-r requirements.lock" in (tmp_path / "asked").read_text()


def test_nothing_found_ends_with_zero_and_a_package_that_is_not_known_is_counted(tmp_path: Path) -> None:
    done = audit(tmp_path, "No known vulnerabilities found\n", 0)
    assert (done.returncode, done.stderr) == (0, "")
    done = audit(tmp_path, UNREACHED.splitlines(keepends=True)[0], 0)
    assert (done.returncode, done.stderr) == (0, "1 packages are not known to the advisories.\n")


@pytest.mark.parametrize(
    ("printed", "status"),
    [(UNREACHED, 0), ("requests.exceptions.ConnectionError: Max retries exceeded\n", 1)],
)
def test_where_the_advisories_cannot_be_reached_one_line_says_so(
    printed: str, status: int, tmp_path: Path
) -> None:
    done = audit(tmp_path, printed, status)
    assert (done.returncode, done.stdout) == (69, "")
    assert done.stderr == "No audit: the advisories cannot be reached from here.\n"
