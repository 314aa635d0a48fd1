import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

from retailpulse.domain.images import Cause
from retailpulse.fetch import Fetched, origin_key
from tests.fetch.conftest import MakeDownloader
from tests.fetch.failing import failure_of
from tests.fetch.http import picky_server
from tests.fetch.http.picky_server import Break, PickyServer, Refuse
from tests.origin import Origin, Reply

BREAKS = [
    picky_server.speak_http_1,
    picky_server.send_garbage,
    picky_server.reset_stream,
    picky_server.go_away,
    picky_server.break_off,
    picky_server.close,
]
REFUSES = [picky_server.reset, picky_server.close, picky_server.wait]
IMPATIENT: dict[str, Any] = {"connect_timeout_seconds": 0.5, "tls_timeout_seconds": 0.5}


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return str(tmp_path / "ca.pem")


@pytest.mark.parametrize("breaks", BREAKS)
async def test_the_last_try_after_http_2_broke_is_made_over_http_1(
    context: ssl.SSLContext, ca_file: str, make_downloader: MakeDownloader, breaks: Break
) -> None:
    downloader = make_downloader(ca_file=ca_file, tries=2)
    with PickyServer(context, breaks=breaks) as server:
        assert await downloader.fetch(server.url) == Fetched(body=b"photo", tries=2)
        assert server.seen["http/1.1"] == 1
        over_http_2 = server.seen["h2"]
        assert over_http_2 > 0
        assert await downloader.fetch(server.url) == Fetched(body=b"photo", tries=1)
        assert server.seen["h2"] == over_http_2  # the host is remembered


async def test_a_body_that_broke_off_over_http_2_is_fetched_over_http_1_next(
    context: ssl.SSLContext, ca_file: str, make_downloader: MakeDownloader
) -> None:
    """A second one over HTTP/2 would end after the same byte, and be the last."""
    with PickyServer(context, breaks=picky_server.break_off_openly) as server:
        assert (await make_downloader(ca_file=ca_file).fetch(server.url)) == Fetched(body=b"photo", tries=2)


@pytest.mark.parametrize("refuses", REFUSES)
async def test_the_last_try_after_a_handshake_failed_has_small_keys(
    context: ssl.SSLContext, ca_file: str, make_downloader: MakeDownloader, refuses: Refuse
) -> None:
    downloader = make_downloader(ca_file=ca_file, **IMPATIENT)
    with PickyServer(context, refuses=refuses) as server:
        assert await downloader.fetch(server.url) == Fetched(body=b"photo", tries=3)
        assert server.seen == {"refused": 2, "http/1.1": 1}
        assert await downloader.fetch(server.url) == Fetched(body=b"photo", tries=1)
        assert server.seen["refused"] == 2


@pytest.mark.parametrize(
    "faults", [{"refuses": picky_server.reset}, {"breaks": picky_server.reset_stream}], ids=["tls", "http2"]
)
async def test_no_image_of_many_fails_at_a_host_that_needs_a_simpler_way(
    context: ssl.SSLContext, ca_file: str, make_downloader: MakeDownloader, faults: dict[str, Any]
) -> None:
    """Its circuit breaker opens before any of them has its last try."""
    downloader = make_downloader(ca_file=ca_file, per_host=20, backoff_seconds=0.5)
    with PickyServer(context, **faults) as server:
        fetched = await asyncio.gather(*(downloader.fetch(f"{server.url}{number}") for number in range(60)))
    assert {one.body for one in fetched} == {b"photo"}


async def test_a_host_that_speaks_http_2_alone_is_served_again_once_it_does(
    context: ssl.SSLContext, ca_file: str, make_downloader: MakeDownloader
) -> None:
    """What it says to HTTP/1.1, which is tried meanwhile, is no HTTP, and would be final."""
    downloader = make_downloader(ca_file=ca_file, per_host=5, tries=20)
    with PickyServer(context, breaks=picky_server.answers_after(20), only_http_2=True) as server:
        fetched = await asyncio.gather(*(downloader.fetch(f"{server.url}{number}") for number in range(30)))
        assert server.seen["http/1.1"] > 0
    assert {one.body for one in fetched} == {b"photo"}


async def test_a_host_that_speaks_http_2_alone_fails_by_what_broke_there(
    context: ssl.SSLContext, ca_file: str, make_downloader: MakeDownloader
) -> None:
    with PickyServer(context, breaks=picky_server.break_off, only_http_2=True) as server:
        error = await failure_of(make_downloader(ca_file=ca_file).fetch(server.url))
        assert server.seen["http/1.1"] == 1
    assert (error.cause, error.tries) == (Cause.TRUNCATED, 3)


@pytest.mark.parametrize("fault", ["untrusted", "another name"])
async def test_a_simpler_way_trusts_no_other_certificate(
    ca_file: str, authority: trustme.CA, make_downloader: MakeDownloader, fault: str
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer, name = (trustme.CA(), "127.0.0.1") if fault == "untrusted" else (authority, "other.example")
    issuer.issue_cert(name).configure_cert(context)
    with PickyServer(context, refuses=picky_server.reset) as server:
        error = await failure_of(make_downloader(ca_file=ca_file, tries=2).fetch(server.url))
        assert server.seen["refused"] == 1
    assert (error.cause, error.tries) == (Cause.TLS, 2)
    assert "the certificate of the host is" in error.detail


async def test_a_simpler_way_takes_no_older_tls(
    context: ssl.SSLContext, ca_file: str, make_downloader: MakeDownloader
) -> None:
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with PickyServer(context) as server:
        error = await failure_of(make_downloader(ca_file=ca_file).fetch(server.url))
        assert server.seen == {}
    assert (error.cause, error.tries) == (Cause.TLS, 3)


async def test_only_the_host_that_needed_it_is_remembered(
    context: ssl.SSLContext, ca_file: str, make_downloader: MakeDownloader, origin: Origin
) -> None:
    downloader = make_downloader(ca_file=ca_file)
    with PickyServer(context, breaks=picky_server.reset_stream) as server:
        url = origin.serve("/a", Reply(status=302, headers={"Location": server.url}))
        assert (await downloader.fetch(url)).tries == 3
        kept = {queue.origin_key for queue in downloader.hosts if queue.fallbacks is not None}
        assert kept == {origin_key(server.url)}
