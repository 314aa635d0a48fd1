import asyncio
import threading
from collections.abc import Callable, Coroutine

import msgspec
import pycurl
import pytest
import uvloop

from retailpulse.config.settings import FetchSettings
from retailpulse.domain.images import Cause
from retailpulse.fetch import Downloader
from retailpulse.fetch.http.transport import Transport
from tests.fetch.failing import cause_of
from tests.origin import Origin, Reply

Run = Callable[[Coroutine[None, None, None]], None]


async def a_busy_day(origin: Origin) -> None:
    """Whole bodies, heads, failures and cancels, all at once on one downloader; then time-outs."""
    photo = bytes(range(256)) * 400
    good = origin.serve("/good", Reply(body=photo))
    cut = origin.serve("/cut", Reply(body=photo, declared_bytes=200_000))
    never = origin.serve("/never", Reply(before=threading.Event()))
    settings = FetchSettings(allowed_networks="127.0.0.0/8", ports="any", tries=1, per_host=50)
    downloader = Downloader(settings)
    cancelled = [asyncio.create_task(downloader.fetch(never)) for _ in range(5)]
    bodies = [asyncio.create_task(downloader.fetch(good)) for _ in range(100)]
    heads = [asyncio.create_task(downloader.fetch_head(good, bool)) for _ in range(50)]
    cuts = [asyncio.create_task(cause_of(downloader.fetch(cut))) for _ in range(10)]
    assert {fetched.body for fetched in await asyncio.gather(*bodies)} == {photo}
    assert {fetched.body for fetched in await asyncio.gather(*heads)} == {photo[:16_384]}
    for task in cancelled:
        task.cancel()
    assert set(await asyncio.gather(*cuts)) == {Cause.TRUNCATED}
    ends = await asyncio.gather(*cancelled, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ends)
    await downloader.aclose()
    hasty = Downloader(msgspec.structs.replace(settings, timeout_seconds=0.5))
    late = await asyncio.gather(*(cause_of(hasty.fetch(never)) for _ in range(5)))
    assert set(late) == {Cause.TIMEOUT}
    await hasty.aclose()


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_every_end_of_a_transfer_is_told_on_both_loops(run: Run, origin: Origin) -> None:
    run(a_busy_day(origin))


async def test_many_downloads_leave_no_connection_open(origin: Origin) -> None:
    good = origin.serve("/good", Reply(body=b"photo"))
    empty = origin.serve("/empty", Reply(raw=b""))
    downloader = Downloader(FetchSettings(allowed_networks="127.0.0.0/8", ports="any", tries=1))
    for _ in range(3):
        await asyncio.gather(*(downloader.fetch(good) for _ in range(30)))
        await asyncio.gather(*(cause_of(downloader.fetch(empty)) for _ in range(30)))
    await downloader.aclose()
    await asyncio.to_thread(origin.wait_until, lambda: origin.open == 0)


async def test_a_transfer_that_pauses_is_not_idle(origin: Origin) -> None:
    photo = bytes(range(256)) * 40_000
    transport, handle = Transport(idle_connections=8, has_proxy=False), pycurl.Curl()
    paused, pieces = asyncio.Event(), []

    def write(piece: bytes) -> int | None:
        if not paused.is_set():
            paused.set()
            return int(pycurl.WRITEFUNC_PAUSE)
        pieces.append(piece)
        return None

    handle.setopt(pycurl.URL, origin.serve("/photo", Reply(body=photo)))
    handle.setopt(pycurl.WRITEFUNCTION, write)
    done = transport.begin(handle)
    transport.close_idle({("127.0.0.1", 80)})  # the transfer has no socket yet
    await paused.wait()
    transport.close_idle({(handle.getinfo(pycurl.PRIMARY_IP), handle.getinfo(pycurl.PRIMARY_PORT))})
    handle.pause(pycurl.PAUSE_CONT)
    assert await done == (0, "")
    assert b"".join(pieces) == photo
    transport.close()
    handle.close()
