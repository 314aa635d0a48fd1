from typing import Any

import pytest

from retailpulse.config.settings import FetchSettings
from retailpulse.domain.errors import ConfigError, ImageError
from retailpulse.domain.images import Cause
from retailpulse.fetch.target.ssrf_policy import SsrfPolicy, numeric_address
from retailpulse.fetch.target.urls import parse_target
from tests.fetch.conftest import MakeDownloader
from tests.fetch.failing import failure_of
from tests.origin import Origin, Reply


def refusal(url: str, **settings: Any) -> str | None:
    """Why the rules refuse a URL, or None."""
    try:
        SsrfPolicy(FetchSettings(**settings)).check(parse_target(url).origin)
    except ImageError as error:
        assert error.cause is Cause.BLOCKED_ADDRESS
        return error.detail
    return None


@pytest.mark.parametrize("port", ["", ":80", ":443", ":8080", ":8443"])
def test_the_ports_of_the_web_are_fetched_from(port: str) -> None:
    assert refusal(f"http://shop.example{port}/a.jpg") is None


@pytest.mark.parametrize("port", [21, 22, 25, 5432, 6379, 8081, 65535])
def test_any_other_port_is_refused_unless_a_setting_allows_it(port: int) -> None:
    url = f"http://shop.example:{port}/a.jpg"
    assert refusal(url) == f"port {port} is not one that is fetched from"
    assert refusal(url, ports=f"80, {port}") is None
    assert refusal(url, ports="any") is None


@pytest.mark.parametrize("host", ["shop.example", "SHOP.example.", "a.cdn.example", "b.a.cdn.example"])
def test_hosts_on_the_list_are_fetched_from(host: str) -> None:
    assert refusal(f"http://{host}/a.jpg", allowed_hosts="shop.example, *.cdn.example") is None


@pytest.mark.parametrize("host", ["example", "notshop.example", "cdn.example", "evilcdn.example", "8.8.8.8"])
def test_where_there_is_a_list_no_other_host_is(host: str) -> None:
    text = refusal(f"http://{host}/a.jpg", allowed_hosts="shop.example, *.cdn.example")
    assert text == "the host is not one that is fetched from"


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("0x7f00000a", "127.0.0.10"),
        ("0177.0.0.1.", "127.0.0.1"),
        ("[::1]", "::1"),
        ("shop1", None),
        ("1.2.3.4.5", None),
        ("shop.example", None),
    ],
)
def test_numbers_are_told_from_names(host: str, address: str | None) -> None:
    assert numeric_address(host) == address


@pytest.mark.parametrize(
    "settings",
    [
        {"ports": "web"},
        {"ports": "0"},
        {"ports": ""},
        {"ports": "80,70000"},
        {"allowed_hosts": "http://shop.example"},
        {"allowed_hosts": "*"},
        {"proxy": "proxy.internal:3128"},
        {"proxy": "ftp://proxy.internal"},
    ],
)
def test_a_setting_that_cannot_be_used_is_an_error_that_names_it(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"RETAILPULSE_FETCH_{next(iter(settings)).upper()}"):
        SsrfPolicy(FetchSettings(**settings))


async def test_every_hop_of_a_redirect_is_held_to_the_rules(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    with Origin() as other:
        url = origin.serve("/a.jpg", Reply(status=302, headers={"Location": other.serve("/b.jpg", Reply())}))
        error = await failure_of(make_downloader(ports=str(origin.port)).fetch(url))
        assert (error.cause, error.detail) == (
            Cause.BLOCKED_ADDRESS,
            f"port {other.port} is not one that is fetched from",
        )
        named = url.replace("127.0.0.1", "localhost")
        error = await failure_of(make_downloader(allowed_hosts="localhost").fetch(named))
        assert (error.cause, other.connections) == (Cause.BLOCKED_ADDRESS, 0)


async def test_with_a_proxy_everything_goes_through_it_and_internal_numbers_are_still_refused(
    make_downloader: MakeDownloader,
) -> None:
    with Origin() as proxy:
        proxy.serve("http://shop.example/a.jpg", Reply(body=b"photo"))
        downloader = make_downloader(allowed_networks="", proxy=proxy.url(""))
        assert (await downloader.fetch("http://shop.example/a.jpg")).body == b"photo"
        for host in ("10.0.0.1", "0x7f.1", "[::1]"):
            error = await failure_of(downloader.fetch(f"http://{host}/a.jpg"))
            assert error.cause is Cause.BLOCKED_ADDRESS
        assert len(proxy.requests) == 1


async def test_a_proxy_of_the_environment_is_ignored(
    origin: Origin, make_downloader: MakeDownloader, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Origin() as proxy:
        for name in ("http_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url(""))
        url = origin.serve("/a.jpg", Reply(body=b"photo"))
        assert (await make_downloader().fetch(url)).body == b"photo"
        assert proxy.connections == 0
