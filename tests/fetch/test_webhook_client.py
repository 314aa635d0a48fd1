"""Posting: by the rules that photos are fetched by, once, in a short time, and reading next to nothing."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from retailpulse.config.settings import FetchSettings
from retailpulse.fetch import PostRequest, PostResult, WebhookClient
from retailpulse.fetch.target.dns import PinnedResolver
from tests.origin import Origin, Reply
from tests.running import free_port

POST = PostRequest(body=b'{"type":"x"}', headers=("Content-Type: application/json", "Webhook-Id: msg_1"))
MakePoster = Callable[..., WebhookClient]


@pytest.fixture
async def make_poster() -> AsyncIterator[MakePoster]:
    made: list[WebhookClient] = []

    def make(timeout_seconds: float = 10.0, **settings: Any) -> WebhookClient:
        loopback = {"allowed_networks": "127.0.0.0/8,::1/128", "ports": "any"}
        made.append(WebhookClient(FetchSettings(**{**loopback, **settings}), timeout_seconds=timeout_seconds))
        return made[-1]

    yield make
    for each in made:
        each.close()


async def test_the_body_and_its_headers_arrive_word_for_word(origin: Origin, make_poster: MakePoster) -> None:
    url = origin.serve("/hook", Reply(status=204))
    assert await make_poster().post(url, POST) == PostResult(status=204)
    (seen,) = origin.requests
    assert (seen.method, seen.path, seen.body) == ("POST", "/hook", POST.body)
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["webhook-id"] == "msg_1"
    assert seen.headers["user-agent"].startswith("RetailPulse/")
    assert not {"expect", "authorization", "cookie"} & seen.headers.keys()


async def test_a_long_body_that_is_no_text_arrives_too_without_asking_first(
    origin: Origin, make_poster: MakePoster
) -> None:
    body = bytes(range(256)) * 10_000
    await make_poster().post(origin.serve("/hook", Reply()), PostRequest(body=body, headers=()))
    assert origin.requests[0].body == body
    assert "expect" not in origin.requests[0].headers


@pytest.mark.parametrize("status", [200, 201, 202, 299, 400, 410, 429, 500, 503])
async def test_the_status_is_told_whatever_it_is(
    origin: Origin, make_poster: MakePoster, status: int
) -> None:
    raw = f"HTTP/1.1 {status} Word\r\nContent-Length: 2\r\n\r\nok".encode()
    assert await make_poster().post(origin.serve("/hook", Reply(raw=raw)), POST) == PostResult(status=status)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(origin: Origin, make_poster: MakePoster, status: int) -> None:
    other = origin.serve("/other", Reply())
    url = origin.serve("/hook", Reply(status=status, headers={"Location": other}))
    assert await make_poster().post(url, POST) == PostResult(
        status=status, error="a redirect is not followed"
    )
    assert [seen.path for seen in origin.requests] == ["/hook"]


async def test_the_time_that_a_receiver_asks_for_is_told(origin: Origin, make_poster: MakePoster) -> None:
    url = origin.serve("/hook", Reply(status=503, headers={"Retry-After": "17"}))
    assert await make_poster().post(url, POST) == PostResult(status=503, retry_after_seconds=17.0)


@pytest.mark.parametrize("status", [200, 500])
async def test_of_a_long_answer_only_the_beginning_is_read(
    origin: Origin, make_poster: MakePoster, status: int
) -> None:
    url = origin.serve("/hook", Reply(status=status, body=b"x" * 30_000, hang_after=10_000))
    posting = make_poster(300).post(url, POST)
    assert await asyncio.wait_for(posting, 60) == PostResult(status=status)  # not after all 300 s


async def test_an_answer_whose_body_never_ends_is_still_an_answer(
    origin: Origin, make_poster: MakePoster
) -> None:
    url = origin.serve("/hook", Reply(body=b"x" * 100, hang_after=10))
    assert await make_poster(0.5).post(url, POST) == PostResult(status=200)


async def test_a_receiver_that_never_answers_costs_no_more_than_the_time_of_a_post(
    origin: Origin, make_poster: MakePoster
) -> None:
    url = origin.serve("/hook", Reply(before=threading.Event()))
    posted = await make_poster(0.3).post(url, POST)
    assert posted.status is None
    assert posted.error is not None and posted.error.startswith("timeout: ")
    assert not posted.is_final


async def test_a_receiver_may_think_longer_than_a_photo_may_stall(
    origin: Origin, make_poster: MakePoster
) -> None:
    gate = threading.Event()
    url = origin.serve("/hook", Reply(before=gate))
    posting = asyncio.create_task(make_poster(30, stall_seconds=0.2).post(url, POST))
    await asyncio.wait([posting], timeout=1.0)
    gate.set()
    assert await posting == PostResult(status=200)


async def test_a_receiver_that_is_not_there_may_come_back(make_poster: MakePoster) -> None:
    posted = await make_poster().post(f"http://127.0.0.1:{free_port()}/hook", POST)
    assert posted == PostResult(error="connect: the host refused the connection or is unreachable")


@pytest.mark.parametrize(
    ("url", "settings", "error"),
    [
        ("http://127.0.0.1:{port}/", {"allowed_networks": ""}, "blocked_address: "),
        ("http://localhost:{port}/", {"allowed_networks": ""}, "blocked_address: "),
        ("http://0x7f.1:{port}/", {"allowed_networks": ""}, "blocked_address: "),
        ("http://[::ffff:127.0.0.1]:{port}/", {"allowed_networks": ""}, "blocked_address: "),
        ("http://127.0.0.1:{port}/", {"ports": "80,443"}, "blocked_address: port "),
        ("http://127.0.0.1:{port}/", {"allowed_hosts": "hooks.example"}, "blocked_address: the host "),
        ("http://user:secret@127.0.0.1:{port}/", {}, "bad_url: "),
        ("file:///etc/passwd", {}, "bad_url: "),
        ("gopher://127.0.0.1:{port}/", {}, "bad_url: "),
    ],
)
async def test_whom_photos_are_not_fetched_from_is_not_posted_to(
    origin: Origin, make_poster: MakePoster, url: str, settings: dict[str, str], error: str
) -> None:
    posted = await make_poster(**settings).post(url.format(port=origin.port), POST)
    assert posted.error is not None and posted.error.startswith(error)
    assert posted.is_final
    assert origin.connections == 0


async def test_the_address_is_checked_again_where_it_is_dialled(
    origin: Origin, make_poster: MakePoster, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def rebound(*_: object) -> str:
        return f"+hooks.example:{origin.port}:127.0.0.1"

    monkeypatch.setattr(PinnedResolver, "pin", rebound)  # as if a name had changed after it was looked up
    posted = await make_poster(allowed_networks="").post(f"http://hooks.example:{origin.port}/", POST)
    assert posted == PostResult(
        error="blocked_address: the address of the host is not allowed", is_final=True
    )
    assert origin.connections == 0


async def test_a_header_cannot_smuggle_another_one_in(origin: Origin, make_poster: MakePoster) -> None:
    url = origin.serve("/hook", Reply())
    with pytest.raises(ValueError, match="printable"):
        await make_poster().post(url, PostRequest(body=b"", headers=("A: b\r\nC: d",)))
    assert origin.connections == 0


async def test_posts_that_run_when_it_closes_are_cancelled(origin: Origin, make_poster: MakePoster) -> None:
    url = origin.serve("/hook", Reply(before=threading.Event()))
    closing = make_poster()
    posting = [asyncio.create_task(closing.post(url, POST)) for _ in range(3)]
    await asyncio.to_thread(origin.wait_until, lambda: origin.busy == 3)
    closing.close()
    ends = await asyncio.gather(*posting, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ends)
