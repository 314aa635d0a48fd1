"""Nothing is sent to an address that is refused: the origin listens, and must see no connection."""

import socket

import pytest

from retailpulse.domain.images import Cause
from retailpulse.fetch import Downloader
from tests.fetch.conftest import MakeDownloader
from tests.fetch.failing import failure_of
from tests.origin import Origin, Reply

SPELLINGS = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0177.0.0.1",
    "0x7f000001",
    "0x7f.1",
    "127.0.0.1.",
    "%31%32%37.0.0.1",
    "１２７.0.0.1",
    "127。0。0。1",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "0.0.0.0",
    "0",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
]


@pytest.fixture
async def strict(make_downloader: MakeDownloader) -> Downloader:
    return make_downloader(allowed_networks="")


@pytest.mark.parametrize("host", SPELLINGS)
async def test_an_internal_address_is_refused_however_it_is_spelled(
    origin: Origin, strict: Downloader, host: str
) -> None:
    error = await failure_of(strict.fetch(origin.url("/a.jpg", host=host)))
    assert error.cause is Cause.BLOCKED_ADDRESS
    assert "127" not in error.detail
    assert origin.connections == 0


def has_ipv6() -> bool:
    """Whether this machine listens on the loopback address of IPv6."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="needs IPv6, which this machine has turned off")
async def test_an_ipv6_listener_is_refused_too(strict: Downloader) -> None:
    with Origin(host="::1") as origin:
        error = await failure_of(strict.fetch(origin.url("/a.jpg")))
        assert (error.cause, origin.connections) == (Cause.BLOCKED_ADDRESS, 0)


async def test_a_redirect_to_a_refused_address_is_not_followed(make_downloader: MakeDownloader) -> None:
    downloader = make_downloader(allowed_networks="127.0.0.1/32")
    with Origin() as public, Origin(host="127.0.0.2") as hidden:
        url = public.serve("/a.jpg", Reply(status=302, headers={"Location": hidden.url("/admin")}))
        error = await failure_of(downloader.fetch(url))
        assert (error.cause, error.tries) == (Cause.BLOCKED_ADDRESS, 1)
        assert (public.connections, hidden.connections) == (1, 0)


async def test_reading_a_head_is_held_to_the_same(origin: Origin, strict: Downloader) -> None:
    error = await failure_of(strict.fetch_head(origin.url("/a.jpg"), bool))
    assert (error.cause, origin.connections) == (Cause.BLOCKED_ADDRESS, 0)


async def test_a_name_is_fetched_by_the_one_of_its_addresses_that_is_allowed(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    url = origin.serve("/a.jpg", Reply(body=b"photo"))
    named = url.replace("127.0.0.1", "localhost")
    assert (await make_downloader(allowed_networks="127.0.0.0/8").fetch(named)).body == b"photo"
