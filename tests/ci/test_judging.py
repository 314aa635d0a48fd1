"""What failed is repeated once and alone, nothing else is, and the exit code is that of the judged result."""

import shlex
import sys
from pathlib import Path

import pytest

from tests.ci.judging import MOST_REPEATED, judge, read

ROOT = Path(__file__).parents[2]
TESTS = """
import os, pathlib, pytest

def ran(name):
    with open("ran", "a") as file:
        file.write(name + "\\n")
    return pathlib.Path("ran").read_text().split().count(name)

def test_fine():
    ran("fine")

@pytest.mark.parametrize("text", ["a b", "c::d", "quo'te"])
def test_of_its_time(text):
    assert ran("time") > 3

def test_wrong():
    assert ran("wrong") > int(os.environ.get("WRONG", "0"))

def test_left_out():
    pytest.skip("needs a tool: apt-get install tool")
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with tests of its own and the command of make that runs them, as the current folder."""
    run = f"@{shlex.quote(sys.executable)} -m pytest -q -p xdist -p tests.ci.report $(ARGS)"
    (tmp_path / "Makefile").write_text(f"test:\n\t{run}\n")
    (tmp_path / "test_these.py").write_text(TESTS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # the others take long to load
    monkeypatch.delenv("WRONG", raising=False)
    return tmp_path


def judged(project: Path, arguments: str = "") -> int:
    return judge(["make", "-s", "test"], arguments, project, "all")


def runs(project: Path) -> list[str]:
    return sorted((project / "ran").read_text().split())


def test_what_passes_alone_was_a_fault_of_its_time(project: Path) -> None:
    assert judged(project, "-n 2") == 0
    assert runs(project) == ["fine", *["time"] * 6, "wrong"]
    first, again = read(project / "all.json"), read(project / "all-again.json")
    assert first is not None
    assert again is not None
    assert (first.passed, len(first.failed)) == (2, 3)
    assert all(why.startswith("AssertionError: assert ") for why in first.failed.values())
    assert first.skipped == {"test_these.py::test_left_out": "needs a tool: apt-get install tool"}
    assert (again.passed, again.failed) == (3, {})


def test_what_fails_twice_fails_and_is_not_run_a_third_time(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WRONG", "9")
    assert judged(project) != 0
    assert runs(project) == ["fine", *["time"] * 6, "wrong", "wrong"]


def test_what_another_run_repeated_is_not_repeated_again(project: Path) -> None:
    (project / "bare-failed.txt").write_text("test_these.py::test_of_its_time[c::d]")
    assert judged(project) != 0
    assert runs(project) == ["fine", *["time"] * 3, "wrong"]


def test_nothing_is_repeated_where_nothing_failed(project: Path) -> None:
    assert judged(project, "-k fine") == 0
    assert not (project / "all-again.json").exists()


@pytest.mark.parametrize(
    "broken", ["import nothing_of_that_name", "def test_it():\n    import os\n    os._exit(7)"]
)
def test_a_run_that_breaks_off_is_not_made_good_by_a_repeat(project: Path, broken: str) -> None:
    (project / "test_these.py").write_text(f"{broken}\n")
    assert judged(project) != 0


def test_a_file_that_cannot_be_read_is_not_made_good_by_the_others(project: Path) -> None:
    (project / "test_broken.py").write_text("import nothing_of_that_name\n")
    assert judged(project, "--continue-on-collection-errors") != 0
    assert not (project / "all-again.json").exists()


def test_many_failures_are_no_chance(project: Path) -> None:
    many = f"@pytest.mark.parametrize('n', range({MOST_REPEATED + 1}))\ndef test_it(n): assert 0\n"
    (project / "test_these.py").write_text(f"import pytest\n{many}")
    assert judged(project) != 0
    assert not (project / "all-again.json").exists()
