import socket
from collections.abc import Callable

import pytest

from retailpulse.domain.errors import ConfigError, ImageError
from retailpulse.domain.images import Cause
from retailpulse.fetch import Downloader, Fetched, origin_key
from tests.fetch.conftest import MakeDownloader
from tests.fetch.failing import cause_of, failure_of
from tests.origin import Origin, Reply

PHOTO = bytes(range(256)) * 40


async def test_a_whole_body_is_fetched_in_one_try(origin: Origin, downloader: Downloader) -> None:
    url = origin.serve("/a.jpg", Reply(body=PHOTO))
    assert await downloader.fetch(url) == Fetched(body=PHOTO, tries=1)


async def test_a_body_is_handed_over_in_pieces_which_are_tapped_anew_in_each_try(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    url = origin.serve(
        "/a.jpg", Reply(body=PHOTO * 20, declared_bytes=len(PHOTO) * 21, close=True), Reply(body=PHOTO * 20)
    )
    taps: list[list[bytes]] = []

    def tap() -> Callable[[bytes], None]:
        taps.append([])
        return taps[-1].append

    fetched = await make_downloader(backoff_seconds=0.001).fetch_pieces(url, tap)
    assert fetched.tries == len(taps) == 2
    assert b"".join(fetched.pieces) == b"".join(taps[1]) == PHOTO * 20
    assert len(fetched.pieces) > 1


async def test_an_empty_body_is_handed_over_as_it_is(origin: Origin, downloader: Downloader) -> None:
    assert await downloader.fetch(origin.serve("/a.jpg", Reply())) == Fetched(body=b"", tries=1)


async def test_connections_are_used_again(origin: Origin, downloader: Downloader) -> None:
    url = origin.serve("/a.jpg", Reply(body=PHOTO))
    for _ in range(5):
        await downloader.fetch(url)
    assert origin.connections == 1


async def test_requests_say_who_asks_and_nothing_about_the_machine(
    origin: Origin, make_downloader: MakeDownloader, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    await make_downloader(contact="mailto:ops@example.com").fetch(origin.serve("/a.jpg", Reply(body=PHOTO)))
    headers = origin.requests[0].headers
    assert headers.keys() == {"host", "user-agent", "accept", "accept-encoding"}
    assert headers["user-agent"].startswith("RetailPulse/")
    assert headers["user-agent"].endswith("(+mailto:ops@example.com)")
    assert headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("settings", [{"contact": "a\r\nX-Evil: 1"}, {"ca_file": "/no/such/file.pem"}])
async def test_a_setting_that_could_only_fail_later_is_refused_at_once(
    make_downloader: MakeDownloader, settings: dict[str, str]
) -> None:
    with pytest.raises(ConfigError):
        make_downloader(**settings)


@pytest.mark.parametrize("status", [204, 304, 400, 401, 403, 404, 410, 418, 501])
async def test_a_final_status_is_told_after_one_try(
    origin: Origin, downloader: Downloader, status: int
) -> None:
    error = await failure_of(downloader.fetch(origin.serve("/a.jpg", Reply(status=status))))
    assert (error.cause, error.detail, error.tries) == (Cause.HTTP_STATUS, f"HTTP {status}", 1)


@pytest.mark.parametrize("status", [408, 423, 425, 429, 500, 502, 503, 504, 509, 520, 522, 527, 529, 530])
async def test_a_status_that_may_pass_is_tried_again_until_the_tries_are_used_up(
    origin: Origin, downloader: Downloader, status: int
) -> None:
    error = await failure_of(downloader.fetch(origin.serve("/a.jpg", Reply(status=status))))
    assert (error.cause, error.detail, error.tries) == (Cause.HTTP_STATUS, f"HTTP {status}", 3)
    assert len(origin.requests) == 3


@pytest.mark.parametrize("status", [202, 204, 400, 401, 403, 404, 410])
async def test_a_host_that_names_a_time_is_asked_again_whatever_its_status(
    origin: Origin, downloader: Downloader, status: int
) -> None:
    later = Reply(status=status, headers={"Retry-After": "1"})
    url = origin.serve("/a.jpg", later, Reply(body=PHOTO))
    assert await downloader.fetch(url) == Fetched(body=PHOTO, tries=2)


async def test_403_is_tried_again_where_the_host_answers_others(
    origin: Origin, downloader: Downloader
) -> None:
    url = origin.serve("/a.jpg", Reply(status=403), Reply(body=PHOTO))
    downloader.hosts.lease(str(origin_key(url)), 16)  # or it is forgotten between two images
    await downloader.fetch(origin.serve("/b.jpg", Reply(body=PHOTO)))
    assert await downloader.fetch(url) == Fetched(body=PHOTO, tries=2)


async def test_a_try_that_works_in_the_end_counts_the_ones_before(
    origin: Origin, downloader: Downloader
) -> None:
    url = origin.serve("/a.jpg", Reply(status=503), Reply(status=500), Reply(body=PHOTO))
    assert await downloader.fetch(url) == Fetched(body=PHOTO, tries=3)


async def test_a_host_that_wants_more_time_than_there_is_is_not_asked_again(
    origin: Origin, downloader: Downloader
) -> None:
    url = origin.serve("/a.jpg", Reply(status=503, headers={"Retry-After": "3600"}))
    error = await failure_of(downloader.fetch(url))
    assert (error.detail, error.tries) == ("HTTP 503", 1)


async def test_an_error_page_is_not_read_to_its_end(origin: Origin, make_downloader: MakeDownloader) -> None:
    downloader = make_downloader(stall_seconds=300, timeout_seconds=300)
    url = origin.serve("/a.jpg", Reply(status=404, body=b"x" * 100_000, hang_after=80_000))
    assert (await failure_of(downloader.fetch(url))).detail == "HTTP 404"


async def test_redirects_are_followed_and_count_no_try(origin: Origin, downloader: Downloader) -> None:
    origin.serve("/1", Reply(status=301, headers={"Location": "/2"}))
    origin.serve("/2", Reply(status=307, headers={"Location": origin.url("/ü b")}))
    origin.serve("/%C3%BC%20b", Reply(body=PHOTO))
    assert await downloader.fetch(origin.url("/1")) == Fetched(body=PHOTO, tries=1)


async def test_ten_redirects_are_followed_and_an_eleventh_is_not(
    origin: Origin, downloader: Downloader
) -> None:
    for number in range(11):
        origin.serve(f"/{number}", Reply(status=302, headers={"Location": f"/{number + 1}"}))
    origin.serve("/11", Reply(body=PHOTO))
    assert (await downloader.fetch(origin.url("/1"))).body == PHOTO
    error = await failure_of(downloader.fetch(origin.url("/0")))
    assert (error.cause, error.tries) == (Cause.TOO_MANY_REDIRECTS, 1)


async def test_a_redirect_to_another_scheme_is_refused(origin: Origin, downloader: Downloader) -> None:
    url = origin.serve("/a", Reply(status=302, headers={"Location": "file:///etc/passwd"}))
    error = await failure_of(downloader.fetch(url))
    assert (error.cause, error.tries) == (Cause.BAD_URL, 1)


async def test_a_body_of_just_the_limit_is_taken_and_one_byte_more_is_not(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    downloader = make_downloader(max_body_bytes=len(PHOTO))
    assert (await downloader.fetch(origin.serve("/a", Reply(body=PHOTO)))).body == PHOTO
    error = await failure_of(downloader.fetch(origin.serve("/b", Reply(body=PHOTO + b"x"))))
    assert (error.cause, error.detail, error.tries) == (Cause.TOO_LARGE, "larger than 10240 bytes", 1)


async def test_a_body_without_a_length_is_counted_while_it_comes(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    chunk = b"2800\r\n" + PHOTO + b"\r\n"
    url = origin.serve("/a", Reply(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 3))
    assert await cause_of(make_downloader(max_body_bytes=20_000).fetch(url)) is Cause.TOO_LARGE


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=PHOTO, headers={"X-Long": "x" * 5_000}),
        Reply(body=PHOTO, headers={f"X-{number}": "x" * 40 for number in range(100)}),
        Reply(raw=b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 200),
        Reply(raw=b"SSH-2.0-OpenSSH_9.6\r\n"),
        Reply(raw=b"HTTP/1.1 abc OK\r\n\r\n"),
        Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"),
        Reply(raw=PHOTO),
    ],
)
async def test_an_answer_that_makes_no_sense_is_a_bad_response(
    origin: Origin, make_downloader: MakeDownloader, reply: Reply
) -> None:
    error = await failure_of(make_downloader(max_header_bytes=4_096).fetch(origin.serve("/a", reply)))
    assert (error.cause, error.tries) == (Cause.BAD_RESPONSE, 1)


async def test_an_answer_that_is_shorter_than_it_declared_is_truncated_and_tried_again(
    origin: Origin, downloader: Downloader
) -> None:
    url = origin.serve("/a", Reply(body=PHOTO, declared_bytes=len(PHOTO) + 1))
    error = await failure_of(downloader.fetch(url))
    assert (error.cause, error.tries) == (Cause.TRUNCATED, 3)
    origin.serve("/a", Reply(body=PHOTO, declared_bytes=len(PHOTO) + 1), Reply(body=PHOTO))
    assert await downloader.fetch(url) == Fetched(body=PHOTO, tries=2)


async def test_a_body_may_end_with_its_connection(origin: Origin, downloader: Downloader) -> None:
    url = origin.serve("/a", Reply(raw=b"HTTP/1.0 200 OK\r\n\r\n" + PHOTO))
    assert (await downloader.fetch(url)).body == PHOTO


async def test_an_interim_answer_is_passed_over(origin: Origin, downloader: Downloader) -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLocation: /elsewhere\r\n\r\n"
    url = origin.serve("/a", Reply(raw=interim + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
    assert (await downloader.fetch(url)).body == b"ok"


async def test_a_port_that_nobody_listens_on_is_a_connect_failure(downloader: Downloader) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = await failure_of(downloader.fetch(f"http://127.0.0.1:{port}/"))
    assert (error.cause, error.tries) == (Cause.CONNECT, 3)
    assert "127.0.0.1" not in error.detail


@pytest.mark.parametrize(
    "sent", [b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Type: im"]
)
async def test_a_connection_that_closes_without_an_answer_is_a_connect_failure(
    origin: Origin, downloader: Downloader, sent: bytes
) -> None:
    error = await failure_of(downloader.fetch(origin.serve("/a", Reply(raw=sent))))
    assert (error.cause, error.tries) == (Cause.CONNECT, 3)


async def test_a_name_that_does_not_resolve_is_a_dns_failure(make_downloader: MakeDownloader) -> None:
    error = await failure_of(make_downloader(tries=1).fetch("http://no-such-host.invalid/a.jpg"))
    assert (error.cause, error.tries) == (Cause.DNS, 1)


async def test_a_bad_url_is_told_without_a_request(downloader: Downloader) -> None:
    error = await failure_of(downloader.fetch("ftp://photos.example/a.jpg"))
    assert (error.cause, error.tries) == (Cause.BAD_URL, 0)


async def test_a_body_whose_beginning_is_refused_is_not_read_to_its_end(
    origin: Origin, downloader: Downloader
) -> None:
    looked: list[bytes] = []

    def check(beginning: bytes) -> None:
        looked.append(beginning)
        raise ImageError(Cause.UNSUPPORTED_FORMAT, "a film")

    url = origin.serve("/a.mp4", Reply(body=PHOTO * 200, hang_after=100_000))
    with pytest.raises(ImageError) as caught:
        await downloader.fetch_pieces(url, check=check)
    assert (caught.value.cause, caught.value.tries) == (Cause.UNSUPPORTED_FORMAT, 1)
    ((first),) = looked
    assert 16_384 <= len(first) < 100_000


async def test_a_body_whose_beginning_is_taken_is_looked_at_once(
    origin: Origin, downloader: Downloader
) -> None:
    looked: list[int] = []
    url = origin.serve("/a.jpg", Reply(body=PHOTO * 20))
    fetched = await downloader.fetch_pieces(url, check=lambda beginning: looked.append(len(beginning)))
    assert fetched.joined() == Fetched(body=PHOTO * 20, tries=1)
    assert len(looked) == 1


@pytest.mark.parametrize(
    "path", ["/a%2fb.jpg?s=%3d%3D", "/caf%c3%a9.jpg", "/a/../b.jpg", "/a/./b.jpg", "//a//b.jpg", "/a?"]
)
async def test_the_path_and_the_query_are_asked_for_byte_for_byte(
    origin: Origin, downloader: Downloader, path: str
) -> None:
    origin.serve("/plain", Reply(body=PHOTO))
    for asked in ("/plain", path, "/plain"):
        await downloader.fetch(origin.serve(asked, Reply(body=PHOTO)))
    assert [seen.path for seen in origin.requests] == ["/plain", path, "/plain"]


@pytest.mark.parametrize(
    "lines",
    ["Transfer-Encoding: identity\r\nContent-Length: {}", "Content-Length : {}", "content-length\t:{}"],
)
async def test_a_body_ends_where_its_length_says_also_if_libcurl_reads_on(
    origin: Origin, make_downloader: MakeDownloader, lines: str
) -> None:
    body = PHOTO * 20
    head = f"HTTP/1.1 200 OK\r\n{lines.format(len(body))}\r\n\r\n".encode()
    url = origin.serve("/a.jpg", Reply(raw=head + body))
    downloader = make_downloader(stall_seconds=300, timeout_seconds=300)
    assert await downloader.fetch(url) == Fetched(body=body, tries=1)
