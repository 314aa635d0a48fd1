"""The last words of CI: how many passed, why some were skipped, what was repeated and how often lately.

The history is a file outside of the checkout, one line for each run, that forgets what is long ago. Weak:
a run that is killed leaves no line.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

import msgspec

from tests.ci.judging import LISTED, read
from tests.ci.report import reasons

LATELY_RUNS = 20


def counts(reports: Path) -> Iterator[str]:
    """A line for each run of tests, and under it why some were skipped."""
    for path in sorted(reports.glob("*.json"), key=lambda path: path.stat().st_mtime):
        report = read(path)
        if report is not None:
            yield (
                f"{path.stem}: {report.passed:,} passed, {len(report.failed):,} failed, "
                f"{len(report.skipped):,} skipped"
            )
            yield from (f"  {number} skipped: {why}" for why, number in reasons(report.skipped))


@dataclass(frozen=True, slots=True)
class Repeated:
    """A test that was run once more: whether it passed then, and why it had failed."""

    passed: bool
    why: str = ""


def repeated(reports: Path) -> dict[str, Repeated]:
    """The tests that were repeated."""
    found: dict[str, Repeated] = {}
    for listed in reports.glob(f"*{LISTED}"):
        again = read(listed.with_name(listed.name.replace(LISTED, "-again.json")))
        whole = again is not None and again.status in {0, 1}
        first = read(listed.with_name(listed.name.replace(LISTED, ".json")))
        found |= {
            test: Repeated(
                whole and again is not None and test not in again.failed,
                first.failed.get(test, "") if first else "",
            )
            for test in listed.read_text().splitlines()
        }
    return found


def remember(history: Path, tests: list[str]) -> list[list[str]]:
    """Adds this run to the history; gives what the runs before it repeated, the latest last."""
    earlier = []
    if history.exists():
        earlier = [msgspec.json.decode(line, type=list[str]) for line in history.read_bytes().splitlines()]
    kept = [*earlier, tests][-LATELY_RUNS - 1 :]
    history.parent.mkdir(parents=True, exist_ok=True)
    written = history.with_suffix(".new")
    written.write_bytes(b"".join(msgspec.json.encode(run) + b"\n" for run in kept))
    written.replace(history)
    return earlier[-LATELY_RUNS:]


def repeated_lines(tests: dict[str, Repeated], earlier: list[list[str]] | None) -> Iterator[str]:
    """What was repeated and why, and in how many of the runs before where these are known."""
    if not tests:
        yield "Nothing was repeated."
        return
    yield "Repeated once, alone:"
    for test, again in sorted(tests.items(), key=itemgetter(0)):
        yield f"  {test}: {'passed' if again.passed else 'FAILED'} then{_lately(test, earlier)}"
        if again.why:
            yield f"    had failed: {again.why}"


def _lately(test: str, earlier: list[list[str]] | None) -> str:
    if earlier is None:
        return ""
    times = sum(test in run for run in earlier)
    return f"; also in {times} of the {len(earlier)} runs before" if times else "; the first time"
