"""Time, slots and cancels: what is given up, when, and that it leaves nothing behind."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from retailpulse.config.settings import FetchSettings
from retailpulse.domain.images import Cause
from retailpulse.fetch import Downloader
from tests.fetch.conftest import MakeDownloader
from tests.fetch.failing import failure_of
from tests.origin import Origin, Reply

PHOTO = bytes(range(256)) * 40


@pytest.fixture
def never(origin: Origin) -> Reply:
    """A reply that does not come before the origin closes."""
    assert origin.connections == 0
    return Reply(before=threading.Event())


@pytest.fixture
def deaf() -> Iterator[int]:
    """The port of a listener whose queue is full: nothing answers a connection to it."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


async def seen(origin: Origin, condition: Callable[[], bool]) -> None:
    await asyncio.to_thread(origin.wait_until, condition)


async def test_a_transfer_that_falls_silent_is_stalled(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    downloader = make_downloader(stall_seconds=1, tries=1)
    error = await failure_of(downloader.fetch(origin.serve("/a", Reply(body=PHOTO, hang_after=1_000))))
    assert (error.cause, error.detail) == (Cause.STALLED, "stalled after 1000 bytes")


async def test_a_try_that_takes_too_long_is_a_timeout(
    origin: Origin, make_downloader: MakeDownloader, never: Reply
) -> None:
    error = await failure_of(make_downloader(timeout_seconds=0.3, tries=2).fetch(origin.serve("/a", never)))
    assert (error.cause, error.tries) == (Cause.TIMEOUT, 2)


async def test_the_redirects_of_a_try_share_its_time(origin: Origin, make_downloader: MakeDownloader) -> None:
    origin.serve("/a", Reply(status=302, headers={"Location": "/b"}))
    origin.serve("/b", Reply(before=threading.Event()))
    error = await failure_of(make_downloader(timeout_seconds=0.4, tries=1).fetch(origin.url("/a")))
    assert (error.cause, len(origin.requests)) == (Cause.TIMEOUT, 2)


async def test_the_deadline_ends_an_image_that_has_tries_left(
    origin: Origin, make_downloader: MakeDownloader, never: Reply
) -> None:
    downloader = make_downloader(timeout_seconds=0.4, deadline_seconds=0.7, tries=20)
    error = await failure_of(downloader.fetch(origin.serve("/a", never)))
    assert (error.cause, error.tries) == (Cause.TIMEOUT, 2)


async def test_a_host_that_does_not_take_the_connection_is_a_connect_failure(
    make_downloader: MakeDownloader, deaf: int
) -> None:
    downloader = make_downloader(connect_timeout_seconds=0.05, tries=2)
    error = await failure_of(downloader.fetch(f"http://127.0.0.1:{deaf}/"))
    assert (error.cause, error.detail, error.tries) == (Cause.CONNECT, "no connection in time", 2)


async def test_the_connect_limit_is_not_the_limit_of_the_transfer(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    url = origin.serve("/a", held := Reply(body=PHOTO, before=threading.Event()))
    downloader = make_downloader(connect_timeout_seconds=0.2, tls_timeout_seconds=0.1)
    fetching = asyncio.create_task(downloader.fetch(url))
    await seen(origin, lambda: origin.busy == 1)
    await asyncio.wait([fetching], timeout=0.4)
    assert held.before is not None
    held.before.set()
    assert (await fetching).tries == 1


async def test_no_more_transfers_run_at_once_than_one_host_may_have(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    downloader = make_downloader(per_host=3)
    url = origin.serve("/a", Reply(body=PHOTO))
    await asyncio.gather(*(downloader.fetch(url) for _ in range(60)))
    assert (len(origin.requests), origin.connections, origin.most_busy <= 3) == (60, 3, True)


async def test_no_more_transfers_run_at_once_than_the_process_may_have(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    downloader = make_downloader(concurrency=4, per_host=3)
    origin.serve("/a", Reply(body=PHOTO))
    hosts = ("127.0.0.1", "2130706433", "0x7f000001")  # three names of the one server
    urls = [origin.url("/a", host=host) for host in hosts for _ in range(20)]
    await asyncio.gather(*map(downloader.fetch, urls))
    assert (len(origin.requests), origin.most_busy <= 4) == (60, True)


async def test_who_waits_for_a_slow_host_does_not_hold_up_another(make_downloader: MakeDownloader) -> None:
    downloader = make_downloader(concurrency=2, per_host=1)
    with Origin(host="127.0.0.2") as slow, Origin() as quick:
        url = slow.serve("/a", Reply(before=threading.Event()))
        waiting = [asyncio.create_task(downloader.fetch(url)) for _ in range(5)]
        await seen(slow, lambda: slow.busy == 1)
        assert (await downloader.fetch(quick.serve("/b", Reply(body=PHOTO)))).body == PHOTO
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)


async def test_waiting_for_a_slot_counts_against_no_limit(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    downloader = make_downloader(per_host=1, timeout_seconds=0.5, deadline_seconds=0.6, tries=1)
    url = origin.serve(
        "/a", Reply(before=threading.Event()), Reply(before=threading.Event()), Reply(body=PHOTO)
    )
    first, second, third = [asyncio.create_task(downloader.fetch(url)) for _ in range(3)]
    assert (await failure_of(first)).cause is Cause.TIMEOUT
    assert (await failure_of(second)).cause is Cause.TIMEOUT
    assert (await third).tries == 1


async def test_a_cancel_ends_the_transfer_and_frees_its_slot(
    origin: Origin, make_downloader: MakeDownloader, never: Reply
) -> None:
    downloader = make_downloader(concurrency=1, per_host=1)
    url = origin.serve("/a", never, Reply(body=PHOTO))
    fetching = asyncio.create_task(downloader.fetch(url))
    await seen(origin, lambda: origin.busy == 1)
    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching
    assert (await downloader.fetch(url)).body == PHOTO
    assert origin.connections == 2  # the first one was closed with its transfer


async def test_a_cancel_closes_the_socket_at_once(downloader: Downloader) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        fetching = asyncio.create_task(
            downloader.fetch(f"http://127.0.0.1:{listener.getsockname()[1]}/a.jpg")
        )
        connection, _ = await asyncio.to_thread(listener.accept)
        with connection:
            connection.settimeout(20)
            assert await asyncio.to_thread(connection.recv, 65_536)
            fetching.cancel()
            with pytest.raises(asyncio.CancelledError):
                await fetching
            assert await asyncio.to_thread(connection.recv, 1) == b""


async def test_a_cancel_in_the_queue_leaves_the_others_alone(
    origin: Origin, make_downloader: MakeDownloader
) -> None:
    downloader = make_downloader(concurrency=1, per_host=1)
    url = origin.serve("/a", held := Reply(body=PHOTO, before=threading.Event()))
    first, second, third = [asyncio.create_task(downloader.fetch(url)) for _ in range(3)]
    await seen(origin, lambda: origin.busy == 1)
    second.cancel()
    assert held.before is not None
    held.before.set()
    assert (await first).body == (await third).body == PHOTO
    assert second.cancelled()


async def test_closing_cancels_whoever_still_waits(
    origin: Origin, make_downloader: MakeDownloader, never: Reply
) -> None:
    downloader = make_downloader(per_host=1)
    url = origin.serve("/a", never)
    tasks = [asyncio.create_task(downloader.fetch(url)) for _ in range(2)]
    await seen(origin, lambda: origin.busy == 1)
    await downloader.aclose()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for end in ends] == [asyncio.CancelledError, RuntimeError]
    with pytest.raises(RuntimeError):
        await downloader.fetch(url)


async def test_a_request_is_made_only_when_it_is_admitted(origin: Origin) -> None:
    class NotNow(Exception):
        """Stands for a worker that stops."""

    async def refuse() -> None:
        raise NotNow

    downloader = Downloader(
        FetchSettings(allowed_networks="127.0.0.0/8", ports="any", per_host=1), admit=refuse
    )
    for _ in range(2):  # the slot of the first is free for the second
        with pytest.raises(NotNow):
            await downloader.fetch(origin.url("/a"))
    assert origin.connections == 0
    await downloader.aclose()
