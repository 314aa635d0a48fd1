"""A redirect may set a cookie that its target wants; nobody else ever gets it."""

import pytest

from retailpulse.domain.images import Cause
from retailpulse.fetch import Downloader
from retailpulse.fetch.http.cookies import CookieJar
from retailpulse.fetch.http.messages import Response
from retailpulse.fetch.target.urls import Origin as Target
from tests.fetch.conftest import MakeDownloader
from tests.fetch.failing import failure_of
from tests.origin import Origin, Reply

PHOTO = bytes(range(256)) * 40
SHOP = Target.of("http", "shop.example", 80)
SECURE_SHOP = Target.of("https", "shop.example", 443)
OTHER = Target.of("http", "other.example", 80)


def jar_of(*cookies: str, origin: Target = SHOP) -> CookieJar:
    jar = CookieJar()
    head = "HTTP/1.1 302 Found\r\n" + "".join(f"Set-Cookie: {cookie}\r\n" for cookie in cookies)
    jar.update(origin, Response(302, head.encode("latin-1"), 0))
    return jar


def cookies(origin: Origin) -> list[str | None]:
    return [seen.headers.get("cookie") for seen in origin.requests]


async def test_the_target_of_a_redirect_gets_the_cookie_that_came_with_it(
    origin: Origin, downloader: Downloader
) -> None:
    origin.serve("/b", Reply(body=PHOTO))
    url = origin.serve("/a", Reply(status=302, headers={"Location": "/b", "Set-Cookie": "pass=1; Path=/"}))
    assert (await downloader.fetch(url)).body == PHOTO
    assert cookies(origin) == [None, "pass=1"]


async def test_the_next_image_and_the_next_try_get_none(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    downloader = make_downloader(backoff_seconds=0.001)
    origin.serve("/b", Reply(status=503), Reply(body=PHOTO))
    url = origin.serve("/a", Reply(status=302, headers={"Location": "/b", "Set-Cookie": "pass=1"}))
    assert (await downloader.fetch(url)).tries == 2
    await downloader.fetch(origin.serve("/c", Reply(body=PHOTO)))
    assert cookies(origin) == [None, "pass=1", None, "pass=1", None]


async def test_another_host_gets_none(origin: Origin, downloader: Downloader) -> None:
    with Origin(host="127.0.0.2") as other:
        target = other.serve("/b", Reply(body=PHOTO))
        headers = {"Location": target, "Set-Cookie": "pass=1; Domain=127.0.0.2"}
        await downloader.fetch(origin.serve("/a", Reply(status=302, headers=headers)))
        assert cookies(other) == [None]


async def test_a_loop_of_redirects_ends_with_cookies_too(origin: Origin, downloader: Downloader) -> None:
    url = origin.serve("/a", Reply(status=302, headers={"Location": "/a", "Set-Cookie": "n=1"}))
    assert (await failure_of(downloader.fetch(url))).cause is Cause.TOO_MANY_REDIRECTS


@pytest.mark.parametrize(
    ("set_cookies", "sent"),
    [
        (["a=1", "b=2; HttpOnly"], "a=1; b=2"),
        (["a=1", "a=2"], "a=2"),
        (["a=1", "a=; Max-Age=0"], ""),
        (["a=1", "a=; max-age=-1; Path=/"], ""),
        (["a=1; Max-Age=09"], "a=1"),
        (["a=1; Secure"], ""),
        (["a=1; SameSite=None; securely"], "a=1"),
        (["a=1\tb"], ""),
        (["a=\xe4"], ""),
        (["a=" + "x" * 5_000], ""),
        ([f"c{number}=1" for number in range(100)], "; ".join(f"c{number}=1" for number in range(20))),
    ],
)
def test_what_is_kept_is_what_can_be_sent(set_cookies: list[str], sent: str) -> None:
    assert jar_of(*set_cookies).header(SHOP) == sent


def test_a_secure_cookie_goes_over_tls_alone() -> None:
    jar = jar_of("a=1; Secure", "b=2", origin=SECURE_SHOP)
    assert jar.header(SECURE_SHOP) == "a=1; b=2"
    assert jar.header(SHOP) == "b=2"
    assert jar.header(OTHER) == ""
