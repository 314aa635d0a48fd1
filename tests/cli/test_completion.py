"""Shells complete what there is, by the script that `retailpulse completion` prints."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import clean_environment

DOCUMENT = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
BIN = Path(sys.executable).parent


def printed(shell: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "retailpulse", "completion", shell],
        capture_output=True,
        text=True,
        check=True,
        env=clean_environment(),
    )
    return done.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("retailpulse jo", ["jobs"]),
        ("retailpulse jobs ca", ["cancel"]),
        ("retailpulse submit --dep", ["--depth"]),
        ("retailpulse submit --depth he", ["header"]),
        ("retailpulse retry ID --cause tr", ["truncated"]),
    ],
)
def test_bash_completes_commands_options_and_choices(words: str, expected: list[str]) -> None:
    if shutil.which("bash") is None:
        pytest.skip("needs bash: apt-get install bash")
    count = len(words.split()) - 1
    script = (
        f"{printed('bash')}\n"
        f"COMP_WORDS=({words}); COMP_CWORD={count}; _retailpulse_completion retailpulse\n"
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    environment = clean_environment()
    environment["PATH"] = f"{BIN}:{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=True, env=environment, timeout=60
    )
    assert done.stdout.split() == expected, done.stderr


ASKED = {
    "bash": ["bash", "-i", "-c", "complete -p retailpulse"],
    "zsh": ["zsh", "-i", "-c", "print $_comps[retailpulse]"],
    "fish": ["fish", "-c", "complete -C 'retailpulse jo'"],
}
"""What a new shell says that knows the program."""


@pytest.mark.parametrize("shell", ASKED)
def test_the_documented_line_works_on_a_new_account(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}: apt-get install {shell}")
    (line,) = (text for text in DOCUMENT.splitlines() if f"completion {shell} >" in text)
    environment = {"HOME": str(tmp_path), "PATH": f"{BIN}:{os.defpath}", "TERM": "dumb"}
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == done.stderr == ""
    asked = subprocess.run(ASKED[shell], capture_output=True, text=True, check=True, env=environment)
    assert "_retailpulse_completion" in asked.stdout or asked.stdout.startswith("jobs")


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_shell_that_runs_can_read_it_without_any_settings(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}: apt-get install {shell}")
    without_settings = {"bash": "--norc", "zsh": "-f"}[shell]
    script = f"source <(retailpulse completion {shell})"
    environment = {"HOME": str(tmp_path), "PATH": f"{BIN}:{os.defpath}"}
    done = subprocess.run(
        [shell, without_settings, "-c", script], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout == done.stderr == ""


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_a_script_that_they_can_read(shell: str) -> None:
    script = printed(shell)
    assert f"_RETAILPULSE_COMPLETE={shell}_complete" in script
    if shutil.which(shell) is not None:
        subprocess.run([shell, "-n"], input=script, text=True, check=True)
