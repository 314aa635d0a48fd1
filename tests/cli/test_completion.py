"""Shells complete what there is, by the script that `retailpulse completion` prints."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import clean_environment

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


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_a_script_that_they_can_read(shell: str) -> None:
    script = printed(shell)
    assert f"_RETAILPULSE_COMPLETE={shell}_complete" in script
    if shutil.which(shell) is not None:
        subprocess.run([shell, "-n"], input=script, text=True, check=True)
