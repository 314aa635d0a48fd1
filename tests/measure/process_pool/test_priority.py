"""Bodies that take much CPU time: their decoders take what others leave, and never have the last one.

Times are CPU times, and the clock only where a process stands still: how busy the machine is changes nothing.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from retailpulse.domain.images import Depth
from retailpulse.measure import DecoderPool
from retailpulse.measure.process_pool import handle
from retailpulse.measure.process_pool import pool as module
from retailpulse.measure.process_pool.cpu_clock import CpuClock
from retailpulse.measure.process_pool.fork_server import LOWEST_NICENESS
from retailpulse.measure.process_pool.pool import SPARE
from tests.measure.process_pool.test_batches import MANY, PHOTO, found_sums, measured, photo, sums
from tests.measure.process_pool.test_pool import replaced, settings
from tests.measure.watching import alive, endless, fork_server, until, until_busy
from tests.processes import is_gone, stat

LONG = (5_000, 4_000)
"""Pixels of a picture that is decoded for far longer than makes it dear, and is not big."""
BURNING = """if True:
    def decode_jpeg(body, *_, **__):
        while b"burning" in body: pass
"""


@pytest.fixture
async def decoders() -> AsyncIterator[DecoderPool]:
    made = DecoderPool(settings())
    yield made
    await made.aclose()


def is_lowered(pid: int) -> bool:
    """Whether a process that is there has the lowest priority; what runs the tests has a higher one."""
    try:
        return os.getpriority(os.PRIO_PROCESS, pid) == LOWEST_NICENESS
    except ProcessLookupError:
        return False


def lowered() -> list[int]:
    return [pid for pid in alive() if is_lowered(pid)]


async def test_a_decoder_at_a_dear_picture_is_lowered_and_then_replaced(decoders: DecoderPool) -> None:
    dear = asyncio.create_task(decoders.measure(endless(*LONG), Depth.DECODE))
    await until(lowered)
    (pid,) = lowered()
    assert (await decoders.measure(PHOTO, Depth.DECODE)).suspect is None
    assert (await dear).width == LONG[0]
    await until(lambda: is_gone(pid))
    assert (await decoders.measure(PHOTO, Depth.DECODE)).suspect is None
    assert lowered() == []
    assert decoders.crashes == 0


async def test_many_cheap_photos_do_not_make_a_decoder_dear(decoders: DecoderPool) -> None:
    await decoders.measure(PHOTO, Depth.DECODE)
    (pid,) = alive()
    clock = CpuClock(pid)
    while clock.seconds() < 3 * handle.EXPENSIVE_SECONDS:
        await asyncio.gather(*(decoders.measure(PHOTO, Depth.DECODE) for _ in range(MANY)))
        assert alive() == [pid]
    assert not is_lowered(pid)


async def test_a_vast_picture_is_decoded_by_a_lowered_one_from_the_start(
    decoders: DecoderPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "VAST_BYTES", 0)
    monkeypatch.setattr(handle, "EXPENSIVE_SECONDS", 1000)
    dear = asyncio.create_task(decoders.measure(endless(*LONG), Depth.DECODE))
    await until(lowered)
    assert (await dear).width == LONG[0]


async def test_a_picture_that_is_starved_of_cpu_time_does_not_fail() -> None:
    decoders = DecoderPool(settings(timeout_seconds=3))
    starved = asyncio.create_task(decoders.measure(endless(), Depth.DECODE))
    await until(alive)
    (pid,) = alive()
    await until_busy(pid)
    os.kill(pid, signal.SIGSTOP)
    await until(lambda: stat(pid)[0] == "T")
    began = time.monotonic()
    await until(lambda: time.monotonic() > began + 4)
    os.kill(pid, signal.SIGCONT)
    assert (await starved).width == 4000
    await decoders.aclose()


async def test_dear_pictures_never_have_the_last_decoder(
    decoders: DecoderPool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    replaced(monkeypatch, tmp_path, "simplejpeg", BURNING)
    burning = [
        asyncio.create_task(decoders.measure(photo(n, b"burning"), Depth.DECODE)) for n in range(SPARE + 3)
    ]
    await until(lambda: len(lowered()) == SPARE)
    bodies = [photo(number) for number in range(MANY)]
    assert found_sums(await measured(decoders, bodies)) == sums(bodies)
    assert not any(task.done() for task in burning)
    await until(lambda: len(lowered()) <= SPARE)  # one that was put off may still be dying
    for task in burning:
        task.cancel()
    await asyncio.wait(burning)


async def test_all_dear_pictures_are_measured_in_the_end(
    decoders: DecoderPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handle, "EXPENSIVE_SECONDS", 0.02)
    body = endless(3_000, 2_500)
    dear = await asyncio.gather(*(decoders.measure(body, Depth.DECODE) for _ in range(SPARE + 2)))
    assert [found.width for found in dear] == [3_000] * len(dear)
    assert decoders.crashes == 0


async def test_only_the_session_of_a_dear_decoder_is_lowered(
    decoders: DecoderPool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    replaced(monkeypatch, tmp_path, "simplejpeg", BURNING)
    dear = asyncio.create_task(decoders.measure(photo(0, b"burning"), Depth.DECODE))
    await until(lowered)
    (pid,) = lowered()
    assert os.getsid(pid) == pid
    ours, theirs = (Path(f"/proc/{one}/autogroup") for one in (fork_server(os.getpid()), pid))
    if theirs.exists() and theirs.read_text():  # the kernel shares out cores by session
        lowest = f" nice {LOWEST_NICENESS}\n"
        await until(lambda: theirs.read_text().endswith(lowest))
        assert not ours.read_text().endswith(lowest)
    assert not dear.done()
    dear.cancel()
    await asyncio.wait([dear])
