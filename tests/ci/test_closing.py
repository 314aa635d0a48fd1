"""The last words of CI: counts, reasons, and how often each repeated test has been repeated lately."""

from pathlib import Path

import msgspec

from tests.ci.closing import LATELY_RUNS, Repeated, counts, remember, repeated, repeated_lines
from tests.ci.report import Report


def report(folder: Path, name: str, failed: list[str], skipped: dict[str, str] | None = None) -> None:
    told = Report(
        status=1 if failed else 0,
        passed=4321,
        broken=[],
        failed=dict.fromkeys(failed, "it broke"),
        skipped=skipped or {},
    )
    (folder / f"{name}.json").write_bytes(msgspec.json.encode(told))


def test_each_run_has_its_counts_and_the_reasons_of_its_skips(tmp_path: Path) -> None:
    report(tmp_path, "bare", ["t::a"], {"t::b": "needs x", "t::c": "needs x", "t::d": "needs y"})
    assert list(counts(tmp_path)) == [
        "bare: 4,321 passed, 1 failed, 3 skipped",
        "  2 skipped: needs x",
        "  1 skipped: needs y",
    ]


def test_a_test_is_repeated_where_its_run_has_a_second_report(tmp_path: Path) -> None:
    report(tmp_path, "bare", ["t::a", "t::b"])
    (tmp_path / "bare-failed.txt").write_text("t::a\nt::b")
    report(tmp_path, "bare-again", ["t::b"])
    (tmp_path / "slow-failed.txt").write_text("t::c")  # and its repeat broke off
    report(tmp_path, "machine", ["t::d"])
    assert repeated(tmp_path) == {
        "t::a": Repeated(True, "it broke"),
        "t::b": Repeated(False, "it broke"),
        "t::c": Repeated(False),
    }


def test_the_history_says_how_often_lately(tmp_path: Path) -> None:
    history = tmp_path / "made" / "repeated.jsonl"
    assert remember(history, ["t::a"]) == []
    assert remember(history, []) == [["t::a"]]
    earlier = remember(history, ["t::a"])
    assert list(repeated_lines({"t::a": Repeated(True, "it broke"), "t::b": Repeated(False)}, earlier)) == [
        "Repeated once, alone:",
        "  t::a: passed then; also in 1 of the 2 runs before",
        "    had failed: it broke",
        "  t::b: FAILED then; the first time",
    ]
    for _ in range(LATELY_RUNS):
        earlier = remember(history, [])
    assert len(earlier) == LATELY_RUNS
    assert remember(history, []) == [[]] * LATELY_RUNS


def test_where_nothing_was_repeated_it_says_so() -> None:
    assert list(repeated_lines({}, [["t::a"]])) == ["Nothing was repeated."]


def test_without_a_history_nothing_is_said_of_it() -> None:
    assert list(repeated_lines({"t::a": Repeated(True)}, None)) == [
        "Repeated once, alone:",
        "  t::a: passed then",
    ]
