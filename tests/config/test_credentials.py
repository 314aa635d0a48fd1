import json
from pathlib import Path

import pytest

from retailpulse.config.loading import load
from retailpulse.domain.credentials import Credential
from retailpulse.domain.errors import ConfigError

SECRET = "hunter2-of-the-survey"
TABLE = f'[fetch.credentials."survey.example.com"]\nbearer = "{SECRET}"\n'


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_settings_file_the_environment_and_a_file_of_their_own_are_read() -> None:
    Path("retailpulse.toml").write_text(TABLE)
    Path("more.toml").write_text(f'["a.example"]\nheaders = {{ X-Key = "{SECRET}" }}\n')
    Path("more.json").write_text(json.dumps({"a.example": {"headers": {"X-Key": SECRET}}}))
    for name in ("more.toml", "more.json"):
        found = load(environ={"RETAILPULSE_FETCH_CREDENTIALS_FILE": name}).settings.fetch.credentials
        assert found == {
            "survey.example.com": Credential(bearer=SECRET),
            "a.example": Credential(headers={"X-Key": SECRET}),
        }
    given = json.dumps({"b.example": {"basic": f"user:{SECRET}"}})
    found = load(environ={"RETAILPULSE_FETCH_CREDENTIALS": given}).settings.fetch.credentials
    assert found == {"b.example": Credential(basic=f"user:{SECRET}")}


def test_only_the_hosts_are_shown() -> None:
    Path("retailpulse.toml").write_text(TABLE)
    loaded = load(environ={})
    (setting,) = [s for s in loaded.listed() if s.variable == "RETAILPULSE_FETCH_CREDENTIALS"]
    assert setting.shown() == {"survey.example.com": "***"}
    assert SECRET not in repr(loaded) + repr(setting)


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f'{{"a.example": "{SECRET}"}}',
        f'{{"a.example": {{"bearer": ["{SECRET}"]}}}}',
        f'{{"a.example": {{"token": "{SECRET}"}}}}',
        f'{{"a.example": {{"bearer": "{SECRET}}}',
        f'"{SECRET}"',
        f'["a.example"]\nbearer = "{SECRET}',
        f'["a.example"]\nbearer = {SECRET}\n',
    ],
)
def test_a_mistake_is_told_without_what_it_is_in(text: str) -> None:
    Path("more").write_text(text)
    for name, value in (("CREDENTIALS", text), ("CREDENTIALS_FILE", "more")):
        with pytest.raises(ConfigError) as refused:
            load(environ={f"RETAILPULSE_FETCH_{name}": value})
        error: BaseException | None = refused.value
        assert "RETAILPULSE_FETCH_CREDENTIALS" in str(error)
        while error is not None:
            assert SECRET not in str(error)
            error = None if error.__suppress_context__ else error.__cause__ or error.__context__


def test_a_host_in_both_places_and_a_missing_file_are_errors() -> None:
    Path("retailpulse.toml").write_text(TABLE)
    Path("more").write_text(f'["survey.example.com"]\nbearer = "{SECRET}"\n')
    with pytest.raises(ConfigError, match=r"survey\.example\.com is in the settings too"):
        load(environ={"RETAILPULSE_FETCH_CREDENTIALS_FILE": "more"})
    with pytest.raises(ConfigError, match="No such file"):
        load(environ={"RETAILPULSE_FETCH_CREDENTIALS_FILE": "none/more"})
