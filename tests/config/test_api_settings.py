"""Settings of the API that are read further: whether it may be open, names, origins, proxies."""

import pytest

from retailpulse.config.loading import load
from retailpulse.config.settings import ApiSettings
from retailpulse.domain.errors import ConfigError


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("10.0.0.1", False),
        ("localhost.example", False),
    ],
)
def test_only_loopback_may_be_open_unless_it_is_allowed(host: str, is_loopback: bool) -> None:
    assert ApiSettings(host=host).may_be_open() is is_loopback
    assert ApiSettings(host=host, allow_anonymous=True).may_be_open()


def test_names_of_loopback_are_for_loopback_alone() -> None:
    assert "localhost" in ApiSettings(host="127.0.0.2").host_names()
    assert "127.0.0.2" in ApiSettings(host="127.0.0.2").host_names()
    assert ApiSettings(host="0.0.0.0").host_names() == ()
    assert ApiSettings(allowed_hosts="*").host_names() == ()
    assert ApiSettings(allowed_hosts=" API.example, *.b.example,[::1] ").host_names() == (
        "api.example",
        "*.b.example",
        "::1",
    )


def test_origins_and_proxies_are_lists() -> None:
    settings = ApiSettings(
        cors_origins="https://a.example, http://localhost:5173", trusted_proxies="127.0.0.1,10.1.0.0/16,::1"
    )
    assert settings.origins() == {"https://a.example", "http://localhost:5173"}
    assert settings.proxies() == ["127.0.0.1", "10.1.0.0/16", "::1"]
    assert ApiSettings(cors_origins="*").origins() == {"*"}
    assert ApiSettings().origins() == frozenset()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CORS_ORIGINS", "app.example"),
        ("CORS_ORIGINS", "https://app.example/"),
        ("CORS_ORIGINS", "https://app.example/path"),
        ("CORS_ORIGINS", "file://x"),
        ("TRUSTED_PROXIES", "proxy.example"),
        ("TRUSTED_PROXIES", "10.1.0.1/16"),
        ("ALLOWED_HOSTS", "http://api.example"),
        ("ALLOWED_HOSTS", "api.*.example"),
        ("ALLOWED_HOSTS", "api.example:8080"),
        ("ALLOW_ANONYMOUS", "perhaps"),
    ],
)
def test_a_setting_that_cannot_be_read_is_told_at_the_start(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"RETAILPULSE_API_{name}"):
        load(environ={f"RETAILPULSE_API_{name}": value})


@pytest.mark.parametrize("text", ["true", "True", "1"])
def test_a_switch_may_be_written_in_several_ways(text: str) -> None:
    assert load(environ={"RETAILPULSE_API_ALLOW_ANONYMOUS": text}).settings.api.allow_anonymous
