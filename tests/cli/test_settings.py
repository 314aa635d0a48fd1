"""`config` and `serve` refuse the same settings, in the same words and with the same exit code."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import clean_environment, free_port

TABLES = {
    "a host with a path": '["survey.example.com/photos"]\nbearer = "hunter2"\n',
    "a bucket without a key": '["s3://photos"]\nregion = "eu-west-1"\n',
    "no table": "hunter2",
}


def refusal(command: str, folder: Path, **settings: str) -> tuple[int, str]:
    """The exit code of a command, and what its error says behind the usage."""
    options = {"serve": [f"--port={free_port()}", "--data-dir=data"]}.get(command, [])
    done = subprocess.run(
        [sys.executable, "-m", "retailpulse", command, *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=clean_environment() | settings,
    )
    return done.returncode, " ".join(done.stderr.partition("Error")[2].split())


@pytest.mark.parametrize(
    "settings",
    [
        *({"RETAILPULSE_FETCH_CREDENTIALS_FILE": name} for name in TABLES),
        {"RETAILPULSE_FETCH_CREDENTIALS": '{"survey.example.com/photos": {"bearer": "hunter2"}}'},
        {"RETAILPULSE_MEASURE_ANALYZERS": "colour"},
    ],
    ids=lambda settings: " ".join(next(iter(settings.items()))),
)
def test_settings_that_serve_refuses_are_refused_by_config(tmp_path: Path, settings: dict[str, str]) -> None:
    for name, content in TABLES.items():
        (tmp_path / name).write_text(content)
    code, said = refusal("serve", tmp_path, **settings)
    assert (code, said) == refusal("config", tmp_path, **settings)
    assert code == 2
    assert "RETAILPULSE_" in said
    assert "hunter2" not in said
    assert not (tmp_path / "data").exists()
