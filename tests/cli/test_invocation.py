"""The program is named so that a line can be pasted into a shell of the same folder."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from retailpulse.cli.invocation import invocation, invocation_elsewhere

Place = Callable[[str], Path]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Puts a program into a folder and makes it the one that runs."""

    def make(folder: str) -> Path:
        program = tmp_path / folder / "retailpulse"
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\necho called\n")
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program.with_name("python")))
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("PATH", os.defpath)
        return program.parent

    return make


def said_by_a_shell() -> str:
    return subprocess.run(["sh", "-c", invocation()], capture_output=True, text=True, check=True).stdout


def test_without_an_activated_environment_it_is_called_by_the_way_to_it(place: Place) -> None:
    place(".venv/bin")
    assert invocation() == ".venv/bin/retailpulse"
    assert said_by_a_shell() == "called\n"


def test_in_an_activated_environment_its_name_will_do(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{place('.venv/bin')}{os.pathsep}{os.defpath}")
    assert invocation() == "retailpulse"
    assert said_by_a_shell() == "called\n"


def test_another_program_of_that_name_in_path_is_not_taken_for_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = place("other")
    place(".venv/bin")
    monkeypatch.setenv("PATH", f"{other}{os.pathsep}{os.defpath}")
    assert invocation() == ".venv/bin/retailpulse"


def test_from_another_folder_it_is_called_by_its_whole_path(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = place("with a space/bin")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert invocation() == f"'{folder}/retailpulse'"
    assert said_by_a_shell() == "called\n"


@pytest.mark.parametrize("is_activated", [True, False])
def test_another_terminal_has_neither_the_environment_nor_the_folder(
    place: Place, monkeypatch: pytest.MonkeyPatch, is_activated: bool
) -> None:
    folder = place("with a space/bin")
    if is_activated:
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.defpath}")
    assert invocation_elsewhere() == f"'{folder}/retailpulse'"


def test_another_terminal_has_what_path_links_to(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = place(".venv/bin") / "retailpulse"
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "retailpulse").symlink_to(program)  # as pipx installs programs
    monkeypatch.setenv("PATH", f"{tmp_path / 'local'}{os.pathsep}{os.defpath}")
    assert invocation_elsewhere() == "retailpulse"


def test_where_no_program_was_installed_python_runs_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/some where/python")
    assert invocation() == "'/some where/python' -m retailpulse"
    assert invocation_elsewhere() == invocation()
