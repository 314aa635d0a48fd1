"""Where settings come from, as an API tells it that `serve` has started."""

from pathlib import Path

import pytest

from retailpulse.config.loading import load

SECRET = "whsec_" + "A" * 32
FILE = """
[fetch]
per_host = 4
[fetch.credentials."survey.example"]
bearer = "hunter2"
"""


def test_an_api_that_serve_has_started_tells_the_sources_of_serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("retailpulse.toml").write_text(FILE)
    parent = load(
        environ={"RETAILPULSE_CALLBACKS_SECRET": SECRET},
        overrides={("api", "port"): 8000},
    )
    Path("retailpulse.toml").unlink()
    given = {
        "RETAILPULSE_FETCH_PER_HOST": "4",
        "RETAILPULSE_FETCH_CREDENTIALS": "{}",
        "RETAILPULSE_FETCH_STORES": "{}",
        "RETAILPULSE_API_PORT": "8000",
        "RETAILPULSE_DATABASE_URL": "postgresql://made.example/by-serve",
    }
    child = load(environ=given).with_sources(parent.written_sources())
    told = {setting.variable: (setting.shown(), setting.source) for setting in child.listed()}
    assert told["RETAILPULSE_FETCH_PER_HOST"] == (4, "file")
    assert told["RETAILPULSE_API_PORT"] == (8000, "command line")
    assert told["RETAILPULSE_DATABASE_URL"] == (given["RETAILPULSE_DATABASE_URL"], "serve")
    assert told["RETAILPULSE_FETCH_STORES"] == ({}, "default")
    assert told["RETAILPULSE_FETCH_CREDENTIALS"] == ("***", "file")
    assert told["RETAILPULSE_CALLBACKS_SECRET"] == ("***", "environment")
    assert SECRET not in parent.written_sources()
