from collections.abc import Callable

import pytest

from retailpulse.domain.errors import ImageError
from retailpulse.domain.hosts import HostLimits
from retailpulse.domain.images import Cause
from retailpulse.fetch import Downloader, Fetched
from retailpulse.fetch.host.range_memory import RangeMemory
from tests.fetch.conftest import MakeDownloader
from tests.fetch.failing import failure_of
from tests.origin import Origin, Reply

PHOTO = bytes(range(256)) * 2_000  # 512 kB
ENOUGH = Callable[[bytes], bool]


def has(size: int, looks: list[int] | None = None) -> ENOUGH:
    """Is satisfied by so many bytes, and notes down how many it was shown."""

    def enough(body: bytes) -> bool:
        if looks is not None:
            looks.append(len(body))
        return len(body) >= size

    return enough


def asked(origin: Origin) -> list[str | None]:
    return [seen.headers.get("range") for seen in origin.requests]


async def test_one_request_for_16_kb_is_enough_for_most(origin: Origin, downloader: Downloader) -> None:
    url = origin.serve("/a", Reply(body=PHOTO))
    assert await downloader.fetch_head(url, has(100)) == Fetched(body=PHOTO[:16_384], tries=1)
    assert asked(origin) == ["bytes=0-16383"]


async def test_more_is_read_until_it_is_enough(origin: Origin, downloader: Downloader) -> None:
    url = origin.serve("/a", Reply(body=PHOTO))
    assert await downloader.fetch_head(url, has(20_000)) == Fetched(body=PHOTO[:65_536], tries=1)
    assert asked(origin) == ["bytes=0-16383", "bytes=16384-65535"]
    assert origin.connections == 1


async def test_the_whole_file_is_read_where_nothing_less_is_enough(
    origin: Origin, downloader: Downloader
) -> None:
    looks: list[int] = []
    url = origin.serve("/a", Reply(body=PHOTO))
    assert (await downloader.fetch_head(url, has(10**9, looks))).body == PHOTO
    assert asked(origin) == ["bytes=0-16383", "bytes=16384-65535", "bytes=65536-"]
    assert looks[:2] == [16_384, 65_536]
    assert looks[-1] == len(PHOTO)
    assert len(looks) <= 5


@pytest.mark.parametrize("size", [0, 1, 16_383, 16_384, 16_385, 65_535, 65_536, 65_537])
@pytest.mark.parametrize("knows_ranges", [True, False])
async def test_a_file_that_ends_before_it_is_enough_is_returned_whole(
    origin: Origin, downloader: Downloader, size: int, knows_ranges: bool
) -> None:
    looks: list[int] = []
    url = origin.serve("/a", Reply(body=PHOTO[:size], knows_ranges=knows_ranges))
    assert await downloader.fetch_head(url, has(10**9, looks)) == Fetched(body=PHOTO[:size], tries=1)
    assert looks[-1] == size
    assert len(looks) == len(set(looks))


async def test_a_server_that_ignores_ranges_is_left_as_soon_as_it_is_enough(
    origin: Origin, downloader: Downloader
) -> None:
    url = origin.serve("/a", Reply(body=PHOTO, knows_ranges=False, hang_after=100_000))
    body = (await downloader.fetch_head(url, has(1))).body
    assert PHOTO.startswith(body)
    assert 16_384 <= len(body) <= 100_000
    assert len(origin.requests) == 1


async def test_a_head_past_the_limit_is_too_large_but_a_big_file_has_a_head(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    downloader = make_downloader(max_body_bytes=100_000)
    for path, knows_ranges in (("/a", True), ("/b", False)):
        url = origin.serve(path, Reply(body=PHOTO, knows_ranges=knows_ranges))
        assert PHOTO.startswith((await downloader.fetch_head(url, has(1))).body)
        error = await failure_of(downloader.fetch_head(url, has(10**9)))
        assert (error.cause, error.detail) == (Cause.TOO_LARGE, "larger than 100000 bytes")


@pytest.mark.parametrize("knows_ranges", [True, False])
async def test_what_enough_raises_is_passed_on_with_the_tries(
    origin: Origin, downloader: Downloader, knows_ranges: bool
) -> None:
    def enough(body: bytes) -> bool:
        raise ImageError(Cause.CORRUPT, f"no picture in {len(body) > 0}")

    url = origin.serve("/a", Reply(status=503), Reply(body=PHOTO, knows_ranges=knows_ranges))
    error = await failure_of(downloader.fetch_head(url, enough))
    assert (error.cause, error.detail, error.tries) == (Cause.CORRUPT, "no picture in True", 2)


@pytest.mark.parametrize("knows_ranges", [True, False])
async def test_a_mistake_in_enough_is_not_hidden(
    origin: Origin, downloader: Downloader, knows_ranges: bool
) -> None:
    url = origin.serve("/a", Reply(body=PHOTO, knows_ranges=knows_ranges))
    with pytest.raises(IndexError):
        await downloader.fetch_head(url, lambda body: body[10**9] == 0)


@pytest.mark.parametrize(
    ("content_range", "size"),
    [
        (None, 100),
        ("bytes 5-104/500", 100),
        ("bytes 5-104/500", 105),
        ("bytes 0-99/*, 200-299/*", 100),
        ("bytes 0-16383/20000", 100),
        ("bytes 0-99/500", 200),
        ("bytes 0-99/500", 20_000),
        ("bytes 0-99/50", 100),
    ],
)
async def test_for_a_part_that_was_not_asked_for_comes_the_whole(
    origin: Origin, downloader: Downloader, content_range: str | None, size: int
) -> None:
    headers = {"Content-Range": content_range} if content_range else {}
    part = Reply(status=206, body=PHOTO[:size], headers=headers)
    url = origin.serve("/a", part, Reply(body=PHOTO, knows_ranges=False))
    fetched = await downloader.fetch_head(url, has(20_000))
    assert fetched.body == PHOTO[: len(fetched.body)]
    assert fetched.tries == 1
    assert asked(origin) == ["bytes=0-16383", None]


async def test_a_part_that_does_not_end_where_it_should_is_left(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    headers = {"Content-Range": f"bytes 0-16383/{len(PHOTO)}"}
    part = Reply(status=206, body=PHOTO, headers=headers, hang_after=50_000)
    url = origin.serve("/a", part, Reply(body=PHOTO[:20_000], knows_ranges=False))
    downloader = make_downloader(stall_seconds=300, timeout_seconds=300)
    assert (await downloader.fetch_head(url, has(20_000))).body == PHOTO[:20_000]


async def test_one_that_sends_parts_for_everything_is_given_up(
    origin: Origin, downloader: Downloader
) -> None:
    url = origin.serve(
        "/a", Reply(status=206, body=PHOTO[:100], headers={"Content-Range": "bytes 5-104/500"})
    )
    error = await failure_of(downloader.fetch_head(url, has(1)))
    assert (error.cause, error.detail, error.tries) == (Cause.HTTP_STATUS, "HTTP 206", 1)
    assert asked(origin) == ["bytes=0-16383", None]


async def test_a_part_that_nobody_asked_for_is_not_taken_for_the_file(
    origin: Origin, downloader: Downloader
) -> None:
    url = origin.serve("/a", Reply(status=206, body=b"x", headers={"Content-Range": "bytes 0-0/9"}))
    assert (await failure_of(downloader.fetch(url))).detail == "HTTP 206"


async def test_a_file_that_changes_between_two_parts_is_read_anew(
    origin: Origin, downloader: Downloader
) -> None:
    url = origin.serve("/a", Reply(body=PHOTO), Reply(body=PHOTO[:70_000]), Reply(body=PHOTO[:20_000]))
    assert await downloader.fetch_head(url, has(20_000)) == Fetched(body=PHOTO[:20_000], tries=2)


async def test_a_server_that_forgets_ranges_half_way_is_read_from_the_start(
    origin: Origin, downloader: Downloader
) -> None:
    url = origin.serve("/a", Reply(body=PHOTO), Reply(body=PHOTO[:20_000], knows_ranges=False))
    assert await downloader.fetch_head(url, has(20_000)) == Fetched(body=PHOTO[:20_000], tries=1)


@pytest.mark.parametrize("status", [400, 403, 405, 416, 500, 501])
async def test_a_server_that_refuses_ranges_is_asked_for_the_whole(
    origin: Origin, downloader: Downloader, status: int
) -> None:
    url = origin.serve("/a", Reply(status=status), Reply(body=PHOTO[:20_000]))
    assert await downloader.fetch_head(url, has(10**9)) == Fetched(body=PHOTO[:20_000], tries=1)
    assert asked(origin) == ["bytes=0-16383", None]


async def test_further_parts_are_asked_for_where_the_redirects_ended(
    origin: Origin, downloader: Downloader
) -> None:
    origin.serve("/b", Reply(body=PHOTO))
    url = origin.serve("/a", Reply(status=302, headers={"Location": "/b"}))
    await downloader.fetch_head(url, has(20_000))
    assert [seen.path for seen in origin.requests] == ["/a", "/b", "/b"]


async def test_a_head_that_is_not_there_says_so(origin: Origin, downloader: Downloader) -> None:
    error = await failure_of(downloader.fetch_head(origin.url("/nothing"), has(1)))
    assert (error.cause, error.detail, error.tries) == (Cause.HTTP_STATUS, "HTTP 404", 1)


@pytest.mark.parametrize(("before", "asks_for_a_range"), [("rrr", False), ("rrgr", True), ("rr", True)])
async def test_a_host_that_refuses_ranges_in_a_row_is_asked_for_the_whole_at_once(
    origin: Origin, downloader: Downloader, before: str, asks_for_a_range: bool
) -> None:
    queue = downloader.hosts.queue(origin.url("").removesuffix("/"))
    queue.adopt(HostLimits(cap=8, ceiling=16))  # a host that is remembered
    for number, end in enumerate(before):
        refused = [Reply(status=405)] if end == "r" else []
        await downloader.fetch_head(origin.serve(f"/{number}", *refused, Reply(body=PHOTO)), has(100))
    await downloader.fetch_head(origin.serve("/last", Reply(body=PHOTO)), has(100))
    assert (asked(origin)[-1] is not None) == asks_for_a_range


def test_what_is_known_of_ranges_is_believed_for_some_minutes() -> None:
    memory = RangeMemory()
    for now in (0.0, 1.0, 2.0):
        assert not memory.are_refused(now)
        memory.refused(now)
    assert memory.are_refused(600.0)
    assert not memory.are_refused(603.0)
