"""Credentials go to their own origin: the same scheme, host and port, and nowhere else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from retailpulse.domain.credentials import Credential
from retailpulse.domain.errors import ConfigError
from retailpulse.fetch.access.credentials import read_credentials
from retailpulse.fetch.target.urls import parse_target
from tests.fetch.conftest import MakeDownloader
from tests.fetch.failing import failure_of
from tests.fetch.http.test_tls import certificate, needs_openssl
from tests.origin import Origin, Reply

TOKEN = "token-of-the-survey"
SENT = f"Bearer {TOKEN}"


@pytest.fixture
def other() -> Iterator[Origin]:
    with Origin() as server:
        yield server


def credentials(origin: Origin, **fields: Any) -> dict[str, Credential]:
    return {origin.url("").rstrip("/"): Credential(**(fields or {"bearer": TOKEN}))}


def sent(origin: Origin) -> list[str | None]:
    """What each request to an origin had as Authorization."""
    return [seen.headers.get("authorization") for seen in origin.requests]


def to(url: str) -> Reply:
    return Reply(status=302, headers={"Location": url})


async def test_an_origin_gets_its_headers_with_every_request(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    made = make_downloader(
        credentials=credentials(origin, headers={"X-Key": "a", "Authorization": "Basic dXNlcjp3b3Jk"})
    )
    url = origin.serve("/a.jpg", Reply(status=503), Reply(body=b"photo" * 9_000))
    await made.fetch(url)
    await made.fetch_head(url, lambda data: len(data) > 40_000)
    assert {seen.headers["authorization"] for seen in origin.requests} == {"Basic dXNlcjp3b3Jk"}
    assert {seen.headers["x-key"] for seen in origin.requests} == {"a"}
    assert len(origin.requests) == 4


async def test_no_other_origin_gets_them_on_a_handle_that_has_sent_them(
    origin: Origin, other: Origin, make_downloader: MakeDownloader
) -> None:
    made = make_downloader(credentials=credentials(origin), concurrency=1)
    await made.fetch(origin.serve("/a.jpg", Reply()))
    await made.fetch(other.serve("/a.jpg", Reply()))
    await made.fetch(origin.serve("/b.jpg", Reply()))
    by_name = origin.url("/a.jpg", host="localhost")
    await made.fetch(by_name)
    assert sent(origin) == [SENT, SENT, None]
    assert sent(other) == [None]


async def test_a_redirect_within_the_origin_takes_them_along(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    url = origin.serve("/a.jpg", to("/b.jpg"))
    origin.serve("/b.jpg", Reply())
    await make_downloader(credentials=credentials(origin)).fetch(url)
    assert sent(origin) == [SENT, SENT]


async def test_a_redirect_elsewhere_takes_none_along_and_brings_none_back(
    origin: Origin, other: Origin, make_downloader: MakeDownloader
) -> None:
    url = origin.serve("/a.jpg", to(other.serve("/b.jpg", to(origin.serve("/c.jpg", Reply(body=b"photo"))))))
    made = make_downloader(credentials={**credentials(origin), **credentials(other, bearer="of-the-other")})
    assert (await made.fetch(url)).body == b"photo"
    assert sent(origin) == [SENT, None]
    assert sent(other) == [None]


async def test_each_try_begins_with_them_again(
    origin: Origin, other: Origin, make_downloader: MakeDownloader
) -> None:
    url = origin.serve("/a.jpg", to(other.serve("/b.jpg", Reply(status=503))))
    made = make_downloader(credentials=credentials(origin))
    error = await failure_of(made.fetch(url))
    assert error.tries == 3
    assert sent(origin) == [SENT] * 3
    assert sent(other) == [None] * 3


@pytest.mark.parametrize(
    "said", [TOKEN, TOKEN[:9], TOKEN.upper(), f"x.{TOKEN}", f"Bad.{TOKEN[:-3]}", ".".join(TOKEN), TOKEN[::-1]]
)
async def test_a_host_that_may_repeat_a_secret_as_its_code_is_not_quoted(
    origin: Origin, make_downloader: MakeDownloader, said: str
) -> None:
    url = origin.serve("/a.jpg", Reply(status=401, body=b'{"code": "%b"}' % said.encode()))
    made = make_downloader(credentials=credentials(origin))
    assert (await failure_of(made.fetch(url))).detail == "HTTP 401"


@pytest.mark.parametrize("said", ["InvalidToken", "ExpiredToken", "invalid_token"])
async def test_a_code_that_many_hosts_have_is_quoted_beside_any_secret(
    origin: Origin, make_downloader: MakeDownloader, said: str
) -> None:
    url = origin.serve("/a.jpg", Reply(status=401, body=b'{"code": "%b"}' % said.encode()))
    made = make_downloader(credentials=credentials(origin, headers={"X-Tenant": "d"}))
    assert (await failure_of(made.fetch(url))).detail == f"HTTP 401: {said}"


async def test_what_a_host_was_sent_is_not_quoted_of_the_one_it_redirects_to(
    origin: Origin, other: Origin, make_downloader: MakeDownloader
) -> None:
    body = b'{"code": "%b"}' % TOKEN[:9].encode()
    url = origin.serve("/a.jpg", to(other.serve("/b.jpg", Reply(status=401, body=body))))
    made = make_downloader(credentials=credentials(origin))
    assert (await failure_of(made.fetch(url))).detail == "HTTP 401"


async def test_a_credential_that_is_forbidden_is_shown_once(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    """Five tries, as for a rate limiter, may lock an account."""
    made = make_downloader(credentials=credentials(origin))
    await made.fetch(origin.serve("/good.jpg", Reply(body=b"photo")))
    assert (await failure_of(made.fetch(origin.serve("/a.jpg", Reply(status=403))))).tries == 1


@needs_openssl
async def test_a_tunnel_shows_its_proxy_none_of_them(tmp_path: Path, make_downloader: MakeDownloader) -> None:
    context, pem = certificate(tmp_path, "127.0.0.1")
    with Origin(tls=context) as private, Origin() as proxy:
        url = private.serve("/a.jpg", Reply(body=b"photo"))
        made = make_downloader(
            credentials=credentials(private), ca_file=str(pem), proxy=proxy.url("").rstrip("/"), tries=1
        )
        await failure_of(made.fetch(url))
        (asked,) = proxy.requests
        assert asked.method == "CONNECT"
        assert "authorization" not in asked.headers


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("survey.example.com", "https://survey.example.com:443"),
        ("Survey.Example.com:8443", "https://survey.example.com:8443"),
        ("https://survey.example.com/", "https://survey.example.com:443"),
        ("http://survey.example.com", "http://survey.example.com:80"),
        ("[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("bücher.example", "https://xn--bcher-kva.example:443"),
    ],
)
def test_a_host_is_https_unless_plain_http_is_written_out(name: str, key: str) -> None:
    found = read_credentials({name: Credential(bearer=TOKEN)})
    origin = parse_target(f"{key}/").origin
    assert found.of(origin).lines == (f"Authorization: {SENT}",)
    other = "http" if origin.scheme == "https" else "https"
    assert found.of(parse_target(f"{other}://{origin.host}:{origin.port}/").origin).lines == ()
    assert found.of(parse_target(f"{origin.scheme}://{origin.host}:1/").origin).lines == ()


@pytest.mark.parametrize("name", ["", "a/b", "ftp://a", "user@a", "a b", "*.example.com", "a:0", "http://"])
async def test_what_is_no_host_ends_the_start(make_downloader: MakeDownloader, name: str) -> None:
    with pytest.raises(ConfigError, match="RETAILPULSE_FETCH_CREDENTIALS") as refused:
        make_downloader(credentials={name: Credential(bearer=TOKEN)})
    assert TOKEN not in str(refused.value)


async def test_a_host_that_is_there_twice_ends_the_start(make_downloader: MakeDownloader) -> None:
    both = dict.fromkeys(["a.example", "https://a.example:443"], Credential(bearer=TOKEN))
    with pytest.raises(ConfigError, match="twice"):
        make_downloader(credentials=both)


async def test_plain_http_through_a_proxy_ends_the_start(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    with pytest.raises(ConfigError, match="would show them to the proxy"):
        make_downloader(credentials=credentials(origin), proxy="http://127.0.0.1:1")


def test_no_repr_shows_a_secret(origin: Origin) -> None:
    found = read_credentials(credentials(origin, basic="user:word"))
    target = msgspec.structs.replace(
        parse_target(origin.url("/")), headers=found.of(parse_target(origin.url("/")).origin)
    )
    assert target.headers
    assert all(secret not in repr(found) + repr(target) for secret in (TOKEN, "word", "dXNlcjp3b3Jk"))
