"""Writes what became of every test to the file that the variable TEST_REPORT names, as JSON.

A plugin of pytest, of no effect without the variable. Not here: what is done about it (`judging.py`).
"""

import os
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

VARIABLE = "TEST_REPORT"
MOST_CHARACTERS = 200


class Report(msgspec.Struct, kw_only=True):
    """One run of pytest: its exit status, how many passed, which failed and were skipped, and why.

    `broken` are files that could not be read: nobody knows which tests they hold.
    """

    status: int
    passed: int
    broken: list[str]
    failed: dict[str, str]
    skipped: dict[str, str]


class Reporter:
    """Listens to a run; with several processes, in the one that hears of all."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._passed: set[str] = set()
        self._broken: dict[str, None] = {}
        self._failed: dict[str, str] = {}
        self._skipped: dict[str, str] = {}

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file was read, or could not be."""
        if report.failed:
            self._broken[report.nodeid] = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test has three phases: it failed if one did, and passed if its call did and none failed."""
        if report.failed:
            self._failed.setdefault(report.nodeid, failure(report.longrepr))
        elif report.skipped and not hasattr(report, "wasxfail"):
            self._skipped[report.nodeid] = reason(report.longrepr)
        elif report.when == "call":
            self._passed.add(report.nodeid)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Writes the file in one go."""
        repeated_lines = Report(
            status=int(exitstatus),
            passed=len(self._passed - self._failed.keys()),
            broken=list(self._broken),
            failed=self._failed,
            skipped=self._skipped,
        )
        self._path.write_bytes(msgspec.json.encode(repeated_lines))


def failure(longrepr: Any) -> str:
    """Why a test failed, in one line: the message of its error, or the last words that there are."""
    crash = getattr(longrepr, "reprcrash", None)
    lines = str(longrepr).strip().splitlines() if crash is None else crash.message.splitlines()
    told = (lines[0] if crash is not None else lines[-1]) if lines else ""
    return told if len(told) <= MOST_CHARACTERS else f"{told[:MOST_CHARACTERS]}..."


def reason(longrepr: Any) -> str:
    """Why a test was skipped: pytest tells the file, the line and the words."""
    words = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
    return str(words).removeprefix("Skipped: ")


def pytest_configure(config: pytest.Config) -> None:
    """Listens where a file is wanted, once."""
    path = os.environ.get(VARIABLE)
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Reporter(Path(path)))


def reasons(skipped: dict[str, str]) -> list[tuple[str, int]]:
    """Why tests were skipped and how many for each cause, the most first."""
    return Counter(skipped.values()).most_common()
