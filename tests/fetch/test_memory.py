"""What was fetched is let go of at once: nothing waits for the garbage collector, run seldom in workers."""

import contextlib
import gc
import threading
import tracemalloc
from collections.abc import Iterator

import pytest

from retailpulse.domain.errors import ImageError
from retailpulse.fetch import Downloader
from tests.fetch.conftest import MakeDownloader
from tests.origin import Origin, Reply

BODY = bytes(3_000_000)
ROOM = 4 * len(BODY)  # the origin is in this process and may still be holding some of its own
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(autouse=True)
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    tracemalloc.start()
    yield
    tracemalloc.stop()
    gc.enable()


async def kept_bytes(downloader: Downloader, url: str, *, head: bool = False) -> int:
    """How much more memory is held after nine fetches than after one."""
    sizes = []
    for count in (1, 8):
        for _ in range(count):
            with contextlib.suppress(ImageError, ZeroDivisionError):
                await (downloader.fetch_head(url, never_enough) if head else downloader.fetch(url))
        sizes.append(tracemalloc.get_traced_memory()[0])
    return sizes[1] - sizes[0]


def never_enough(data: bytes) -> bool:
    if len(data) > 1_000_000:
        raise ZeroDivisionError
    return False


REPLIES = {
    "good": Reply(body=BODY),
    "too large": Reply(raw=CHUNKED + b"2dc6c1\r\n" + BODY + b"x\r\n0\r\n\r\n"),
    "truncated": Reply(body=BODY, declared_bytes=len(BODY) + 1),
    "bad chunk": Reply(raw=CHUNKED + b"2dc6c0\r\n" + BODY + b"\r\nnonsense\r\n"),
    "no last chunk": Reply(raw=CHUNKED + b"2dc6c0\r\n" + BODY),
    "late": Reply(body=BODY, hang_after=2_900_000),
    "missing": Reply(body=BODY, status=404),
    "silent": Reply(before=threading.Event()),
}


@pytest.mark.parametrize("name", REPLIES)
async def test_no_body_outlives_its_fetch(origin: Origin, make_downloader: MakeDownloader, name: str) -> None:
    downloader = make_downloader(max_body_bytes=len(BODY), timeout_seconds=0.2, tries=1)
    assert await kept_bytes(downloader, origin.serve(f"/{name}", REPLIES[name])) < ROOM


async def test_no_head_that_its_reader_refuses_outlives_its_fetch(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    url = origin.serve("/head", Reply(body=BODY, knows_ranges=False))
    assert await kept_bytes(make_downloader(), url, head=True) < ROOM
