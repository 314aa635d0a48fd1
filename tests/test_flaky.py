"""`make flaky`: a test that fails now and then is found, one that never does passes."""

import os
import subprocess
from pathlib import Path

SOMETIMES = """
from pathlib import Path

def test_every_second_time():
    ran = Path(__file__).with_suffix(".ran")
    if ran.exists():
        ran.unlink()
        raise AssertionError("once again")
    ran.touch()

def test_never():
    pass
"""


def flaky(folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(SOMETIMES)
    asked = [f"TEST={folder / 'test_it.py'}::{name}", "TIMES=2", "LOAD=1"]
    ours = ("MAKE", "MFLAGS", "PYTEST")
    plain = {each: text for each, text in os.environ.items() if not each.startswith(ours)}
    return subprocess.run(
        ["make", "--no-print-directory", "flaky", *asked],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=plain,
    )


def test_a_test_that_fails_now_and_then_is_found(tmp_path: Path) -> None:
    run = flaky(tmp_path, "test_every_second_time")
    assert run.returncode != 0
    assert "1 of 2: passed\n2 of 2: failed\n" in run.stdout
    assert "AssertionError: once again" in run.stdout
    assert "1 of 2 runs failed beside 1 busy processes." in run.stdout


def test_a_test_that_never_fails_passes(tmp_path: Path) -> None:
    run = flaky(tmp_path, "test_never")
    assert (run.returncode, run.stdout.splitlines()[-1]) == (0, "0 of 2 runs failed beside 1 busy processes.")


def test_a_test_that_is_not_there_is_no_success(tmp_path: Path) -> None:
    run = flaky(tmp_path, "test_missing")
    assert run.returncode != 0
    assert "test_missing" in run.stdout
