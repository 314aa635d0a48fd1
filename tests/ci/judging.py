"""Runs the tests by a command of make, and what failed once more, alone: faults have their times.

Reports land in a folder, NAME.json for the run and NAME-again.json for the repeat. A run that broke off,
or in which more failed than chance breaks, is not repeated: its exit code stands.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import msgspec

from tests.ci.report import VARIABLE, Report

MOST_REPEATED = 20
LISTED = "-failed.txt"
_TESTS_FAILED = 1


def judge(command: list[str], arguments: str, reports: Path, name: str) -> int:
    """The exit code of a run of tests, or of the repeat of those that failed."""
    code, report = _run(command, arguments, reports / f"{name}.json")
    if code == 0 or report is None or not may_be_chance(report):
        return code
    if repeated_before := sorted(set(report.failed) & set(repeated(reports))):
        print("Repeated once already:", *repeated_before, flush=True)
        return code
    print(f"Once more, alone: {len(report.failed)} that failed beside the others", flush=True)
    listed = reports / f"{name}{LISTED}"
    listed.write_text("\n".join(report.failed))
    # The last -n counts, and the tests are all that the list names: each of them runs once more, no other.
    code, again = _run(command, f'-n 0 "@{listed}"', reports / f"{name}-again.json")
    ran = again is not None and again.passed == len(report.failed)
    return code if code != 0 or ran else _TESTS_FAILED


def repeated(reports: Path) -> list[str]:
    """The tests that were repeated in any of the runs with a report in this folder."""
    return [test for path in reports.glob(f"*{LISTED}") for test in path.read_text().splitlines()]


def may_be_chance(report: Report) -> bool:
    """Whether a run ended as it should but for a few tests."""
    if len(report.failed) > MOST_REPEATED:
        print(f"{len(report.failed)} tests failed: too many to be chance, none is repeated", flush=True)
    return report.status == _TESTS_FAILED and not report.broken and 0 < len(report.failed) <= MOST_REPEATED


def _run(command: list[str], arguments: str, path: Path) -> tuple[int, Report | None]:
    path.unlink(missing_ok=True)
    environ: Mapping[str, str] = {**os.environ, VARIABLE: str(path)}
    code = subprocess.run([*command, f"ARGS={arguments}"], env=environ, check=False).returncode
    return code, read(path)


def read(path: Path) -> Report | None:
    """A report; None where the run broke off before it could write one."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except FileNotFoundError:
        return None
