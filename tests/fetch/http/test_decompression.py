"""Coded bodies from a real origin: what they come to, and that the event loop never unpacks."""

import asyncio
import gzip
import threading
import zlib
from collections import Counter
from collections.abc import Iterator

import pytest

from retailpulse.domain.images import Cause
from retailpulse.fetch import Downloader
from retailpulse.fetch.http.codings import Decompressor
from retailpulse.fetch.http.decompression import FULL_BYTES, MOST_STEP_BYTES, Decompression
from tests.fetch.conftest import MakeDownloader
from tests.fetch.failing import cause_of, failure_of
from tests.hostile.bodies import nested_gzip
from tests.origin import Origin, Reply

PHOTO = bytes(range(256)) * 4_000
RAW = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
DEFLATED_RAW = RAW.compress(PHOTO) + RAW.flush()


class Steps:
    """What every step of unpacking took and gave, and how many of them ran in which thread."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.given: list[int] = []
        self.threads: Counter[int] = Counter()


@pytest.fixture(autouse=True)
def steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[Steps]:
    """Counts the steps of each test, and sees that none is large and none runs in the loop."""
    counted, step = Steps(), Decompressor.step

    def count(decompressor: Decompressor, data: bytes, most_bytes: int) -> bytes:
        counted.threads[threading.get_ident()] += 1
        counted.taken.append(len(data))
        unpacked = step(decompressor, data, most_bytes)
        counted.given.append(len(unpacked))
        return unpacked

    monkeypatch.setattr(Decompressor, "step", count)
    yield counted
    assert threading.get_ident() not in counted.threads
    assert max(counted.given, default=0) <= MOST_STEP_BYTES
    assert max(counted.taken, default=0) < 2 * FULL_BYTES


def coded(body: bytes, *names: str) -> Reply:
    return Reply(body=body, headers={"Content-Encoding": ", ".join(names)})


def never(_: bytes) -> bool:
    return False


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("gzip", gzip.compress(PHOTO)),
        ("x-gzip", gzip.compress(PHOTO)),
        ("deflate", zlib.compress(PHOTO)),
        ("deflate", DEFLATED_RAW),
    ],
)
async def test_one_coding_is_undone(
    origin: Origin, downloader: Downloader, steps: Steps, name: str, body: bytes
) -> None:
    url = origin.serve("/a", coded(body, name))
    assert (await downloader.fetch(url)).body == PHOTO
    assert sum(steps.given) == len(PHOTO)
    assert (await downloader.fetch_head(url, never)).body == PHOTO


@pytest.mark.parametrize(
    "name", ["base64", "utf-8", "aws-chunked", "binary", "none", "image/jpeg", "x-secret"]
)
async def test_a_name_that_is_no_coding_leaves_the_body_as_it_is(
    origin: Origin, downloader: Downloader, steps: Steps, name: str
) -> None:
    url = origin.serve("/a", coded(PHOTO, name))
    assert (await downloader.fetch(url)).body == PHOTO
    assert (await downloader.fetch_head(url, never)).body == PHOTO
    assert steps.taken == []
    ranges = [seen.headers.get("range") for seen in origin.requests]
    assert ranges == [None, "bytes=0-16383", "bytes=16384-65535", "bytes=65536-"]


async def test_a_head_in_a_coding_is_read_from_the_whole_file(
    origin: Origin, downloader: Downloader, steps: Steps
) -> None:
    url = origin.serve("/a", coded(gzip.compress(PHOTO), "gzip"))
    fetched = await downloader.fetch_head(url, lambda body: len(body) >= 16_384)
    assert PHOTO.startswith(fetched.body)
    assert sum(steps.given) < len(PHOTO)
    assert [seen.headers.get("range") for seen in origin.requests] == ["bytes=0-16383", None]


@pytest.mark.parametrize("is_head", [False, True])
@pytest.mark.parametrize("count", [2, 4, 6])
async def test_codings_in_one_another_are_refused_before_a_byte_is_unpacked(
    origin: Origin, downloader: Downloader, steps: Steps, count: int, *, is_head: bool
) -> None:
    url = origin.serve("/a", coded(nested_gzip(gigabytes=1), *["gzip"] * count))
    error = await failure_of(downloader.fetch_head(url, never) if is_head else downloader.fetch(url))
    assert (error.cause, error.tries) == (Cause.BAD_RESPONSE, 1)
    assert error.detail == f"{count} content codings, one in another"
    assert steps.taken == []


@pytest.mark.parametrize("name", ["br", "zstd", "compress"])
async def test_a_coding_that_was_not_asked_for_is_a_bad_response(
    origin: Origin, downloader: Downloader, name: str
) -> None:
    error = await failure_of(downloader.fetch(origin.serve("/a", coded(PHOTO, name))))
    assert (error.cause, error.detail, error.tries) == (
        Cause.BAD_RESPONSE,
        f"the content coding {name}, which was not asked for",
        1,
    )


async def test_what_comes_out_is_held_to_the_limit(
    origin: Origin, make_downloader: MakeDownloader, steps: Steps
) -> None:
    downloader = make_downloader(max_body_bytes=1_000_000)
    fitting = origin.serve("/a", coded(gzip.compress(bytes(1_000_000)), "gzip"))
    assert (await downloader.fetch(fitting)).body == bytes(1_000_000)
    steps.given.clear()
    bomb = origin.serve("/b", coded(gzip.compress(bytes(50_000_000)), "gzip"))
    error = await failure_of(downloader.fetch(bomb))
    assert (error.cause, error.detail, error.tries) == (Cause.TOO_LARGE, "larger than 1000000 bytes", 1)
    assert sum(steps.given) <= 1_000_000 + MOST_STEP_BYTES


@pytest.mark.parametrize("is_head", [False, True])
async def test_what_comes_in_is_held_to_the_limit_where_nothing_comes_out(
    origin: Origin, make_downloader: MakeDownloader, steps: Steps, *, is_head: bool
) -> None:
    nothing = gzip.compress(b"")[:10] + b"\x00\x00\x00\xff\xff" * 1_000_000
    chunked = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = chunked + b"%x\r\n%b\r\n0\r\n\r\n" % (len(nothing), nothing)
    downloader = make_downloader(max_body_bytes=1_000_000)
    url = origin.serve("/a", Reply(raw=body))
    fetching = downloader.fetch_head(url, never) if is_head else downloader.fetch(url)
    assert await cause_of(fetching) is Cause.TOO_LARGE
    assert sum(steps.given) == 0
    assert sum(steps.taken) <= 1_000_000


@pytest.mark.parametrize("body", [PHOTO, gzip.compress(PHOTO)[:-8] + bytes(8)])
async def test_a_body_that_is_not_in_its_coding_is_a_bad_response(
    origin: Origin, downloader: Downloader, body: bytes
) -> None:
    error = await failure_of(downloader.fetch(origin.serve("/a", coded(body, "gzip"))))
    assert (error.cause, error.detail, error.tries) == (Cause.BAD_RESPONSE, "the body is not valid gzip", 1)


async def test_a_coding_that_breaks_off_is_truncated_and_tried_again(
    origin: Origin, downloader: Downloader
) -> None:
    packed = gzip.compress(PHOTO)
    url = origin.serve("/a", coded(packed[:-100], "gzip"), coded(packed, "gzip"))
    fetched = await downloader.fetch(url)
    assert (fetched.body, fetched.tries) == (PHOTO, 2)


async def test_no_step_is_made_without_room_for_what_it_gives() -> None:
    asked: list[int] = []
    delivered: list[bytes] = []
    arrived = asyncio.Event()

    def find_room(size_bytes: int) -> bool:
        asked.append(size_bytes)
        return len(asked) % 2 == 0

    def deliver(piece: bytes) -> bool:
        delivered.append(piece)
        arrived.set()
        return True

    decompression = Decompression(
        "gzip",
        None,
        find_room=find_room,
        deliver=deliver,
        ready=arrived.set,
        failed=lambda error: pytest.fail(str(error)),
    )
    decompression.feed(gzip.compress(PHOTO))
    finishing = asyncio.create_task(decompression.finish())
    while not finishing.done():
        before = len(delivered)
        decompression.go_on()
        await asyncio.wait({finishing, asyncio.create_task(arrived.wait())}, return_when="FIRST_COMPLETED")
        arrived.clear()
        assert len(delivered) <= before + 1
    assert b"".join(delivered) == PHOTO
    assert len(asked) >= 2 * len(delivered) > 4
    assert all(len(piece) <= size for piece, size in zip(delivered, asked[1::2], strict=False))


async def test_many_coded_bodies_share_the_room_that_there_is(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    photos = {f"/{number}": bytes([number]) * 3_000_000 for number in range(12)}
    downloader = make_downloader(buffer_bytes=4_000_000)
    urls = [origin.serve(path, coded(gzip.compress(body), "gzip")) for path, body in photos.items()]
    fetched = await asyncio.gather(*map(downloader.fetch, urls))
    assert [photo.body[:1] * len(photo.body) for photo in fetched] == list(photos.values())


async def test_a_fetch_that_is_cancelled_while_it_is_unpacked_leaves_the_handle_fit_for_the_next(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    downloader = make_downloader(concurrency=1)
    packed = gzip.compress(PHOTO * 10)
    held = origin.serve(
        "/a", Reply(body=packed, headers={"Content-Encoding": "gzip"}, hang_after=len(packed) - 9)
    )
    fetching = asyncio.create_task(downloader.fetch(held))
    await asyncio.to_thread(origin.wait_until, lambda: origin.busy == 1)
    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching
    assert (await downloader.fetch(origin.serve("/b", Reply(body=PHOTO)))).body == PHOTO
