"""Where settings come from, which source wins, and what is said about a wrong one."""

from ipaddress import ip_network
from pathlib import Path
from traceback import format_exception
from typing import Any

import msgspec
import pytest

from retailpulse.config.loading import Loaded, Name, Setting, load, variable
from retailpulse.config.settings import FetchSettings, MeasureSettings, Settings
from retailpulse.domain.errors import ConfigError
from retailpulse.domain.images import Depth

ALL = [
    (room.name, field)
    for room in msgspec.structs.fields(Settings)
    for field in msgspec.structs.fields(room.type)
]


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def shown(loaded: Loaded, name: str) -> tuple[Any, str]:
    """The value of a setting and where it came from."""
    (setting,) = [setting for setting in loaded.listed() if setting.variable == name]
    return setting.value, setting.source


def test_without_any_source_everything_is_a_default() -> None:
    loaded = load(environ={})
    assert loaded.settings == Settings()
    assert {setting.source for setting in loaded.listed()} == {"default"}


def test_the_environment_is_read() -> None:
    loaded = load(
        environ={
            "RETAILPULSE_FETCH_PER_HOST": "4",
            "RETAILPULSE_FETCH_BACKOFF_SECONDS": "0.25",
            "RETAILPULSE_MEASURE_DEPTH": "header",
            "PATH": "/bin",
        }
    )
    assert (loaded.settings.fetch.per_host, loaded.settings.fetch.backoff_seconds) == (4, 0.25)
    assert loaded.settings.measure.depth is Depth.HEADER
    assert shown(loaded, "RETAILPULSE_FETCH_PER_HOST") == (4, "environment")
    assert shown(loaded, "RETAILPULSE_FETCH_CONCURRENCY") == (0, "default")


def test_a_toml_file_in_the_folder_is_read() -> None:
    Path("retailpulse.toml").write_text('[api]\nport = 8000\nhost = "::1"\n[measure]\ndepth = "download"\n')
    loaded = load(environ={})
    assert (loaded.settings.api.port, loaded.settings.api.host) == (8000, "::1")
    assert loaded.settings.measure.depth is Depth.DOWNLOAD
    assert shown(loaded, "RETAILPULSE_API_PORT") == (8000, "file")


def test_a_toml_file_may_be_named(tmp_path: Path) -> None:
    Path("retailpulse.toml").write_text("[api]\nport = 8000\n")
    named = tmp_path / "other name.toml"
    named.write_text("[api]\nport = 8001\n")
    assert load(environ={"RETAILPULSE_CONFIG": str(named)}).settings.api.port == 8001


def test_the_command_line_goes_before_the_environment_and_that_before_the_file() -> None:
    Path("retailpulse.toml").write_text("[worker]\nprocesses = 1\nconnections = 3\nsettle_rows = 3\n")
    environ = {"RETAILPULSE_WORKER_PROCESSES": "4", "RETAILPULSE_WORKER_CONNECTIONS": "5"}
    overrides: dict[Name, Any] = {("worker", "processes"): 6}
    loaded = load(environ=environ, overrides=overrides)
    assert shown(loaded, "RETAILPULSE_WORKER_PROCESSES") == (6, "command line")
    assert shown(loaded, "RETAILPULSE_WORKER_CONNECTIONS") == (5, "environment")
    assert shown(loaded, "RETAILPULSE_WORKER_SETTLE_ROWS") == (3, "file")
    assert shown(loaded, "RETAILPULSE_WORKER_GRACE_SECONDS") == (20.0, "default")


def test_every_setting_is_listed_with_its_meaning() -> None:
    listed = list(load(environ={}).listed())
    assert [setting.variable for setting in listed] == [variable(room, field.name) for room, field in ALL]
    assert all(setting.meaning.endswith(".") for setting in listed)


@pytest.mark.parametrize(("room", "field"), ALL, ids=[f"{room}.{field.name}" for room, field in ALL])
def test_every_default_may_be_written_out(room: str, field: msgspec.structs.FieldInfo) -> None:
    default = getattr(getattr(Settings(), room), field.name)
    loaded = load(environ={variable(room, field.name): str(default)})
    assert getattr(getattr(loaded.settings, room), field.name) == default


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("RETAILPULSE_FETCH_PERHOST", "did you mean RETAILPULSE_FETCH_PER_HOST?"),
        ("RETAILPULSE_PORT", "did you mean RETAILPULSE_API_PORT?"),
        ("RETAILPULSE_QQQQ", "`retailpulse config` lists all"),
    ],
)
def test_a_name_that_no_setting_has_is_an_error_with_a_hint(name: str, hint: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(environ={name: "1"})
    assert str(refused.value).startswith(f"there is no setting {name}; ")
    assert hint in str(refused.value)


def test_a_setting_of_an_earlier_version_is_told_what_took_its_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="WORKER_CHUNKS any more: remove it; a worker takes as many"):
        load(environ={"RETAILPULSE_WORKER_CHUNKS": "4"})
    file = tmp_path / "retailpulse.toml"
    file.write_text("[worker]\nchunk_images = 50\n")
    with pytest.raises(ConfigError, match=r"no setting worker\.chunk_images any more: remove it"):
        load(environ={"RETAILPULSE_CONFIG": str(file)})


def test_names_that_are_no_settings_but_ours_are_let_through() -> None:
    assert load(environ={"RETAILPULSE_URL": "http://127.0.0.1:1"}).settings == Settings()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[fetch]\nperhost = 4\n", "there is no setting fetch.perhost; did you mean fetch.per_host?"),
        ("[fetching]\nper_host = 4\n", "there is no setting fetching.per_host; did you mean fetch.per_host?"),
        ("per_host = 4\n", "per_host must be a table like [per_host]"),
        ("[fetch\n", "cannot be read"),
        ("[api]\nport = 1\nport = 2\n", "cannot be read"),
    ],
)
def test_a_file_with_a_mistake_is_refused_and_named(text: str, error: str) -> None:
    Path("retailpulse.toml").write_text(text)
    with pytest.raises(ConfigError) as refused:
        load(environ={})
    assert "retailpulse.toml" in str(refused.value)
    assert error in str(refused.value)


def test_a_file_that_is_named_but_not_there_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"other\.toml cannot be read: .*No such file"):
        load(environ={"RETAILPULSE_CONFIG": "other.toml"})


def test_a_file_that_is_not_utf_8_is_an_error() -> None:
    Path("retailpulse.toml").write_bytes(b'[api]\nhost = "\xff"\n')
    with pytest.raises(ConfigError, match=r"retailpulse\.toml cannot be read"):
        load(environ={})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("RETAILPULSE_API_PORT", "65536"),
        ("RETAILPULSE_API_PORT", "-1"),
        ("RETAILPULSE_API_PORT", "http"),
        ("RETAILPULSE_API_PORT", ""),
        ("RETAILPULSE_API_PORT", "80.5"),
        ("RETAILPULSE_FETCH_CONCURRENCY", "-1"),
        ("RETAILPULSE_FETCH_TIMEOUT_SECONDS", "0"),
        ("RETAILPULSE_FETCH_TIMEOUT_SECONDS", "nan"),
        ("RETAILPULSE_FETCH_TIMEOUT_SECONDS", "inf"),
        ("RETAILPULSE_FETCH_TIMEOUT_SECONDS", "1e300"),
        ("RETAILPULSE_MEASURE_DEPTH", "deep"),
        ("RETAILPULSE_LOG_LEVEL", "LOUD"),
        ("RETAILPULSE_WORKER_SETTLE_ROWS", "10001"),
        ("RETAILPULSE_MEASURE_PAUSE_SECONDS", "0.4-0.1"),
        ("RETAILPULSE_MEASURE_PAUSE_SECONDS", "-1"),
        ("RETAILPULSE_MEASURE_PAUSE_SECONDS", "a while"),
        ("RETAILPULSE_MEASURE_PAUSE_SECONDS", "nan-nan"),
        ("RETAILPULSE_FETCH_ALLOWED_NETWORKS", "127.0.0.1/8"),
        ("RETAILPULSE_FETCH_ALLOWED_NETWORKS", "localhost"),
        ("RETAILPULSE_FETCH_PORTS", "web"),
        ("RETAILPULSE_FETCH_ALLOWED_HOSTS", "https://shop.example"),
    ],
)
def test_a_value_that_cannot_be_used_is_an_error_that_names_the_setting_and_the_value(
    name: str, text: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        load(environ={name: text})
    assert str(refused.value).startswith(name)
    assert text in str(refused.value)


def test_an_error_says_where_the_value_came_from_and_what_it_is_for() -> None:
    Path("retailpulse.toml").write_text('[api]\nport = "http"\n')
    with pytest.raises(ConfigError, match=r"\(from the file\) is 'http': .* Port to listen on"):
        load(environ={})


@pytest.mark.parametrize(
    ("text", "bounds"),
    [("", None), (" ", None), ("0.1-0.4", (0.1, 0.4)), ("0.2", (0.2, 0.2)), ("0-3600", (0.0, 3600.0))],
)
def test_a_pause_has_two_bounds_or_one_or_none(text: str, bounds: tuple[float, float] | None) -> None:
    assert MeasureSettings(pause_seconds=text).pause() == bounds


def test_networks_are_separated_by_commas() -> None:
    settings = FetchSettings(allowed_networks=" 127.0.0.0/8, ,::1/128,10.1.2.3")
    assert settings.networks() == tuple(map(ip_network, ("127.0.0.0/8", "::1/128", "10.1.2.3/32")))
    assert FetchSettings().networks() == ()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://user:secret@host/db", "postgresql://user:***@host/db"),
        ("postgresql://user:se:cr%2Fe%40t@host:1/db", "postgresql://user:***@host:1/db"),
        ("postgres://u:secret@[::1]:5432,%2Fvar%2Frun/db", "postgres://u:***@[::1]:5432,%2Fvar%2Frun/db"),
        ("postgresql://:secret@host", "postgresql://:***@host"),
        ("postgresql://a:secret@h1:1,h2:2/db?sslpassword=secret&x=1", "postgresql://a:***@h1:1,h2:2/db?sslpassword=***&x=1"),
        ("postgresql://host/db?user=u&password=secret", "postgresql://host/db?user=u&password=***"),
        ("host=h password=secret dbname=d", "host=h password=*** dbname=d"),
        (r"host=h PASSWORD = 's e\'cret' dbname=d", "host=h PASSWORD = *** dbname=d"),
        ("postgresql://user@host:5432/db", "postgresql://user@host:5432/db"),
        ("postgresql://postgres@/postgres?host=%2Fdata", "postgresql://postgres@/postgres?host=%2Fdata"),
    ],
)  # fmt: skip
def test_passwords_are_not_shown(url: str, told: str) -> None:
    loaded = load(environ={"RETAILPULSE_DATABASE_URL": url})
    (setting,) = [setting for setting in loaded.listed() if setting.variable == "RETAILPULSE_DATABASE_URL"]
    assert setting.shown() == told
    assert setting.value == url


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:secret",
        "postgresql://user:secret/x@host/db",
        "postgresql://user:sec@ret@host/db",
        "postgresql://user:secret%@host/db",
        "postgresql://user:secret@host:port/db",
        "postgres:/user:secret@host/db",
        "postgresql+psycopg://user:secret@host/db",
        "user:secret@host/db",
        "host=h password='secret",
        "host=h password secret",
        "secret",
    ],
)
def test_a_malformed_database_url_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(environ={"RETAILPULSE_DATABASE_URL": url})
    text = "".join(format_exception(refused.value))
    assert "RETAILPULSE_DATABASE_URL (from the environment)" in text
    assert "sec" not in text.replace("_seconds", "")


def test_passwords_are_not_told_in_errors_either() -> None:
    Path("retailpulse.toml").write_text('[database]\nurl = ["postgresql://user:secret@host/db"]\n')
    with pytest.raises(ConfigError) as refused:
        load(environ={})
    assert "RETAILPULSE_DATABASE_URL" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_other_values_are_shown_as_they_are() -> None:
    for value in (5, 0.25, True, "127.0.0.0/8,::1/128", "who@runs.example"):
        assert Setting(variable="x", value=value, source="default", meaning="").shown() == value
