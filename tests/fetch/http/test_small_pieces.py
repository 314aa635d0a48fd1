"""Bodies that arrive in tiny pieces, and many at once: objects, work in one call of libcurl, and turns."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count

import pycurl
import pytest

from retailpulse.fetch import Downloader
from retailpulse.fetch.failures import TryFailed
from retailpulse.fetch.http import transport
from retailpulse.fetch.http.body_reader import MOST_SMALL, SMALL_BYTES, BodyReader
from retailpulse.fetch.http.exchange import Exchange
from retailpulse.fetch.http.transport import MOST_DECISIONS, Transport
from tests.fetch.conftest import MakeDownloader
from tests.origin import Origin, Reply

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
PHOTO = bytes(range(256)) * 300


def chunks(body: bytes, *sizes: int) -> Reply:
    """A body in chunks of these sizes, round and round."""
    parts, at = [CHUNKED], 0
    while at < len(body):
        size = sizes[len(parts) % len(sizes)]
        part = body[at : at + size]
        parts.append(b"%x\r\n%b\r\n" % (len(part), part))
        at += size
    return Reply(raw=b"".join([*parts, b"0\r\n\r\n"]))


class Work:
    """How often libcurl gave a piece of a body within each of its calls."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    @property
    def total(self) -> int:
        return sum(self.calls)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    counted, on_body = Work(), Exchange._on_body
    act, read_on = Transport._act, Exchange.read_on

    def give(exchange: Exchange, piece: bytes) -> int | None:
        told = on_body(exchange, piece)
        counted.calls[-1] += told != pycurl.WRITEFUNC_PAUSE
        return told

    def begin_act(driver: Transport, fd: int, events: int) -> None:
        counted.calls.append(0)
        act(driver, fd, events)

    def begin_read_on(exchange: Exchange) -> None:
        counted.calls.append(0)
        read_on(exchange)

    monkeypatch.setattr(Exchange, "_on_body", give)
    monkeypatch.setattr(Exchange, "read_on", begin_read_on)
    monkeypatch.setattr(Transport, "_act", begin_act)
    yield counted
    assert max(counted.calls) <= MOST_DECISIONS


@pytest.mark.parametrize("sizes", [(1,), (2,), (1, 5_000), (700, 3, 1_024, 20_000), (SMALL_BYTES - 1,)])
async def test_small_pieces_are_joined_in_their_order(
    origin: Origin, downloader: Downloader, work: Work, sizes: tuple[int, ...]
) -> None:
    tapped: list[bytes] = []
    url = origin.serve("/a", chunks(PHOTO, *sizes))
    fetched = await downloader.fetch_pieces(url, lambda: tapped.append)
    assert b"".join(fetched.pieces) == PHOTO
    assert tapped == fetched.pieces
    assert len(fetched.pieces) <= 2 * len(PHOTO) // SMALL_BYTES + 1
    assert PHOTO.startswith((await downloader.fetch_head(url, lambda data: len(data) >= 70_000)).body)
    assert work.total > len(fetched.pieces)


def test_tiny_pieces_are_taken_so_far_and_no_further() -> None:
    reader = BodyReader(max_bytes=50_000_000)
    reader.begin_whole()
    most = next(number for number in count() if not reader.feed(b"ab"))
    assert MOST_SMALL < most < 1.1 * MOST_SMALL
    with pytest.raises(TryFailed, match="bad_response: the body comes in pieces of a few bytes"):
        reader.raise_failure()
    assert len(reader.pieces) == 2 * most // 16_384


def test_a_large_body_may_come_in_small_pieces() -> None:
    reader = BodyReader(max_bytes=50_000_000)
    reader.begin_whole()
    assert all(reader.feed(bytes(64)) for _ in range(2 * MOST_SMALL))


@pytest.mark.parametrize("turn_seconds", [0.01, 0.0])
async def test_many_bodies_in_tiny_pieces_all_arrive(
    origin: Origin,
    make_downloader: MakeDownloader,
    work: Work,
    monkeypatch: pytest.MonkeyPatch,
    turn_seconds: float,
) -> None:
    monkeypatch.setattr(transport, "_TURN_SECONDS", turn_seconds)
    downloader = make_downloader(per_host=32)
    url = origin.serve("/a", chunks(PHOTO[:20_000], 1))
    fetched = await asyncio.gather(*(downloader.fetch(url) for _ in range(30)))
    assert all(photo.body == PHOTO[:20_000] for photo in fetched)
    assert len(work.calls) > work.total // MOST_DECISIONS > 10


async def test_a_fetch_that_is_cancelled_while_it_waits_for_its_turn_leaves_nothing_behind(
    origin: Origin, make_downloader: MakeDownloader, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = asyncio.Event()
    monkeypatch.setattr(Transport, "go_on_later", lambda _driver, _go_on: waits.set())
    downloader = make_downloader(concurrency=1)
    fetching = asyncio.create_task(downloader.fetch(origin.serve("/a", chunks(PHOTO, 1))))
    await asyncio.wait_for(waits.wait(), 20)
    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching
    assert (await downloader.fetch(origin.serve("/b", Reply(body=PHOTO)))).body == PHOTO


async def test_sockets_that_are_left_when_a_turn_is_over_have_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport, "_TURN_SECONDS", 0.0)
    acts: list[int] = []
    monkeypatch.setattr(Transport, "_act", lambda _driver, fd, _events: acts.append(fd))
    driver = Transport(idle_connections=1, has_proxy=False)
    with ExitStack() as stack:
        pairs = [map(stack.enter_context, socket.socketpair()) for _ in range(5)]
        fds = set()
        for ours, theirs in pairs:
            theirs.send(b"x")
            fds.add(ours.fileno())
            driver._sockets.want(pycurl.POLL_IN, ours.fileno())
        for _ in range(12):  # in two of them it is seen that none is left
            driver._on_ready()
    driver.close()
    assert len(acts) == 10
    assert set(acts[:5]) == set(acts[5:]) == fds
