"""Decoding in processes of their own: the same answers, and what dies, hangs or swells costs only itself."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import uvloop
from PIL import Image

from retailpulse.config.settings import MeasureSettings, ReviewPictures
from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause, Depth
from retailpulse.domain.process_exit import how_it_ended
from retailpulse.measure import DecoderPool, measure_body
from retailpulse.measure.process_pool import handle
from retailpulse.measure.process_pool.child import KEPT_BYTES
from tests.measure.pictures import FLAVOURS, LIMIT, heic, saved
from tests.measure.watching import (
    alive,
    endless,
    fork_server,
    fork_servers,
    ring_bytes,
    until,
    until_busy,
)
from tests.processes import is_gone, stat

PHOTO = FLAVOURS["jpeg baseline"].body
type_of_loop = pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])


def settings(
    *, decoders: int = 1, timeout_seconds: float = 30, memory_bytes: int = 2_000_000_000
) -> MeasureSettings:
    return MeasureSettings(
        decoders=decoders,
        timeout_seconds=timeout_seconds,
        memory_bytes=memory_bytes,
        max_pixels=LIMIT,
        thumbnails=False,
        review_pictures=ReviewPictures.OFF,
    )


@pytest.fixture
async def decoders() -> AsyncIterator[DecoderPool]:
    """One of them, closed in the end."""
    made = DecoderPool(settings())
    yield made
    await made.aclose()


async def failure(decoders: DecoderPool, body: bytes) -> ImageError:
    with pytest.raises(ImageError) as caught:
        await decoders.measure(body, Depth.DECODE)
    return caught.value


def replaced(monkeypatch: pytest.MonkeyPatch, folder: Path, module: str, source: str) -> None:
    """Lets the processes that are started from here find another library under a name."""
    (folder / f"{module}.py").write_text(source)
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)


# The same answers


@pytest.mark.parametrize("depth", list(Depth))
async def test_every_flavour_measures_the_same_as_without_a_process(
    decoders: DecoderPool, depth: Depth
) -> None:
    for flavour in FLAVOURS.values():
        assert await decoders.measure(flavour.body, depth) == measure_body(flavour.body, depth, LIMIT)


async def test_a_damaged_picture_fails_the_same_as_without_a_process(decoders: DecoderPool) -> None:
    for body in (flavour.body[:kept] for flavour in FLAVOURS.values() for kept in (3, 20, 700)):
        with pytest.raises(ImageError) as expected:
            measure_body(body, Depth.DECODE, LIMIT)
        assert str(await failure(decoders, body)) == str(expected.value)


@type_of_loop
def test_many_pictures_at_once_share_two_decoders(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    bodies = [flavour.body for flavour in FLAVOURS.values()]
    bodies = (bodies * (200 // len(bodies) + 1))[:200]

    async def measure_all() -> None:
        decoders = DecoderPool(settings(decoders=2))
        found = await asyncio.gather(*(decoders.measure(body, Depth.DECODE) for body in bodies))
        assert len(alive()) == 2
        assert [one.size_bytes for one in found] == [len(body) for body in bodies]
        await decoders.aclose()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(measure_all())


async def test_a_body_of_50_mb_is_measured_and_its_memory_given_back(
    decoders: DecoderPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handle, "EXPENSIVE_SECONDS", 1000)  # one that is lowered ends with its body
    body = saved("BMP", Image.new("RGB", (4100, 4100)))
    assert len(body) > 50_000_000
    assert await decoders.measure(body, Depth.DECODE) == measure_body(body, Depth.DECODE, LIMIT)
    (pid,) = alive()
    assert ring_bytes(pid) == KEPT_BYTES
    assert (await decoders.measure(PHOTO, Depth.DECODE)).size_bytes == len(PHOTO)


async def test_big_pictures_are_decoded_one_at_a_time() -> None:
    decoders = DecoderPool(settings(decoders=2))
    big = saved("JPEG", Image.new("L", (8000, 6500)))
    await asyncio.gather(*(decoders.measure(big, Depth.DECODE) for _ in range(3)))
    assert len(alive()) == 1
    await decoders.aclose()


async def test_no_process_is_started_for_what_the_first_bytes_tell(decoders: DecoderPool) -> None:
    assert (await decoders.measure(PHOTO, Depth.HEADER)).width
    assert (await failure(decoders, b"<html>" * 100)).cause is Cause.UNSUPPORTED_FORMAT
    assert fork_servers(os.getpid()) == []


# What a picture can do to its decoder


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
async def test_a_decoder_that_is_killed_costs_its_picture_and_no_other(number: signal.Signals) -> None:
    decoders = DecoderPool(settings(decoders=2))
    unlucky = asyncio.create_task(decoders.measure(endless(), Depth.DECODE))
    await until(alive)
    (pid,) = alive()
    await until_busy(pid)
    neighbour = asyncio.create_task(decoders.measure(endless(), Depth.DECODE))
    await until(lambda: len(alive()) == 2)
    os.kill(pid, number)
    with pytest.raises(ImageError) as caught:
        await unlucky
    assert caught.value.cause is Cause.DECODER_CRASHED
    assert caught.value.detail == f"the decoder {how_it_ended(-number)}"
    assert (await neighbour).width == 4000
    assert (await decoders.measure(PHOTO, Depth.DECODE)).suspect is None
    await decoders.aclose()


async def test_a_hundred_crashes_leave_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = "import os\ndef decode_jpeg(*_, **__): os.kill(os.getpid(), 11)\n"
    replaced(monkeypatch, tmp_path, "simplejpeg", source)
    decoders = DecoderPool(settings(decoders=2))
    counts = []
    for _ in range(2):
        errors = await asyncio.gather(*(failure(decoders, PHOTO) for _ in range(50)))
        assert {error.detail for error in errors} == {
            "the decoder was killed by signal 11 (segmentation fault)"
        }
        assert (await decoders.measure(FLAVOURS["png"].body, Depth.DECODE)).suspect is None
        assert len(alive()) == 1
        folders = [Path("/proc/self/fd"), Path(f"/proc/{fork_server(os.getpid())}/fd")]
        counts.append([len(list(folder.iterdir())) for folder in folders])
    assert counts[0] == counts[1]
    await decoders.aclose()


async def test_a_picture_that_takes_too_long_ends_its_decoder_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handle, "OVERDUE_SECONDS", 1000)
    decoders = DecoderPool(settings(timeout_seconds=0.4))
    error = await failure(decoders, endless(8_000, 6_000))
    assert (error.cause, error.detail) == (Cause.TIMEOUT, "not decoded within 0.4 s of CPU time")
    assert (await decoders.measure(PHOTO, Depth.DECODE)).suspect is None
    await decoders.aclose()


async def test_a_decoder_that_even_its_alarm_cannot_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    decoders = DecoderPool(settings(timeout_seconds=0.2))
    await decoders.measure(PHOTO, Depth.DECODE)
    monkeypatch.setattr(handle, "OVERDUE_SECONDS", 0.1)
    (pid,) = alive()
    os.kill(pid, signal.SIGSTOP)
    await until(lambda: stat(pid)[0] == "T")
    assert (await failure(decoders, PHOTO)).cause is Cause.TIMEOUT
    await until(lambda: is_gone(pid))
    assert (await decoders.measure(PHOTO, Depth.DECODE)).suspect is None
    await decoders.aclose()


def large() -> Image.Image:
    return Image.new("RGB", (3000, 2000))


LARGE = {
    "jpeg progressive": lambda: saved("JPEG", large(), progressive=True, subsampling=0),
    "png": lambda: saved("PNG", large()),
    "webp": lambda: saved("WEBP", large(), method=0),
    "tiff": lambda: saved("TIFF", large(), compression="tiff_lzw"),
    "avif": lambda: saved("AVIF", large(), speed=10),
    "heic": lambda: heic(large(), quality=10, enc_params={"preset": "ultrafast"}),
}


@pytest.mark.parametrize("make", LARGE.values(), ids=LARGE.keys())
async def test_a_picture_that_does_not_fit_into_memory_has_too_many_pixels(make: Callable[[], bytes]) -> None:
    decoders = DecoderPool(settings(memory_bytes=75_000_000))  # without a picture it has 59 MB
    error = await failure(decoders, make())
    assert error.cause is Cause.TOO_MANY_PIXELS
    assert error.detail.startswith("the picture does not fit into memory")
    assert (await decoders.measure(PHOTO, Depth.DECODE)).suspect is None
    await decoders.aclose()


async def test_a_decoder_that_a_picture_has_taken_over_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = """if True:
        import os
        def decode_jpeg(*_, **__):
            for fd in range(3, 20):
                try: os.write(fd, b"cos\\nsystem\\n(S'true'\\ntR.")
                except OSError: pass
    """
    replaced(monkeypatch, tmp_path, "simplejpeg", source)
    decoders = DecoderPool(settings())
    await decoders.measure(FLAVOURS["png"].body, Depth.DECODE)
    (pid,) = alive()
    error = await failure(decoders, PHOTO)
    assert (error.cause, error.detail) == (
        Cause.DECODER_CRASHED,
        "the decoder gave no answer that makes sense",
    )
    await until(lambda: is_gone(pid))
    await decoders.aclose()


# What is no fault of the picture


@pytest.mark.parametrize("program", ["/nonexistent", "/bin/false"])
async def test_decoders_that_cannot_start_raise_and_are_tried_again(
    monkeypatch: pytest.MonkeyPatch, decoders: DecoderPool, program: str
) -> None:
    with monkeypatch.context() as context:
        context.setattr(sys, "executable", program)
        with pytest.raises(OSError):
            await decoders.measure(PHOTO, Depth.DECODE)
    assert (await decoders.measure(PHOTO, Depth.DECODE)).suspect is None


async def test_a_decoder_that_dies_idle_costs_no_picture(decoders: DecoderPool) -> None:
    await decoders.measure(PHOTO, Depth.DECODE)
    os.kill(alive()[0], signal.SIGKILL)
    while alive():  # without the loop, so that the decoders have not heard of it
        pass
    assert (await decoders.measure(PHOTO, Depth.DECODE)).suspect is None


async def test_a_lost_fork_server_costs_no_picture(decoders: DecoderPool) -> None:
    measuring = asyncio.create_task(decoders.measure(endless(), Depth.DECODE))
    await until(alive)
    pids = [*alive(), fork_server(os.getpid())]
    await until_busy(pids[0])
    for pid in reversed(pids):
        os.kill(pid, signal.SIGKILL)
    assert (await measuring).width == 4000


async def test_a_cancelled_picture_does_not_answer_for_the_next_one(decoders: DecoderPool) -> None:
    measuring = asyncio.create_task(decoders.measure(endless(), Depth.DECODE))
    await until(alive)
    (pid,) = alive()
    await until_busy(pid)
    measuring.cancel()
    await asyncio.wait({measuring})
    assert await decoders.measure(PHOTO, Depth.DECODE) == measure_body(PHOTO, Depth.DECODE, LIMIT)
    await until(lambda: is_gone(pid))


# The end


async def test_signals_that_are_meant_for_the_worker_change_nothing(decoders: DecoderPool) -> None:
    await decoders.measure(PHOTO, Depth.DECODE)
    pids = [fork_server(os.getpid()), *alive()]
    for pid in pids:
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(pid, number)
    await decoders.measure(PHOTO, Depth.DECODE)
    assert [fork_server(os.getpid()), *alive()] == pids


async def test_closing_ends_all_processes_and_whoever_waits(decoders: DecoderPool) -> None:
    waiting = [asyncio.create_task(decoders.measure(endless(), Depth.DECODE)) for _ in range(3)]
    await until(alive)
    pids = [fork_server(os.getpid()), *alive()]
    await until_busy(pids[1])
    await decoders.aclose()
    assert all(is_gone(pid) for pid in pids)
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(one) for one in found] == [RuntimeError] * 3
    with pytest.raises(RuntimeError):
        await decoders.measure(PHOTO, Depth.DECODE)


OWNER = """if True:
    import asyncio, sys
    from retailpulse.config.settings import MeasureSettings
    from retailpulse.domain.images import Depth
    from retailpulse.measure import DecoderPool
    async def main():
        decoders = DecoderPool(MeasureSettings())
        body = open(sys.argv[1], "rb").read()
        await asyncio.gather(*(decoders.measure(body, Depth.DECODE) for _ in range(2)))
    asyncio.run(main())
"""


async def test_no_process_outlives_a_killed_owner(tmp_path: Path) -> None:
    (tmp_path / "endless.jpg").write_bytes(endless())
    owner = await asyncio.create_subprocess_exec(sys.executable, "-c", OWNER, str(tmp_path / "endless.jpg"))
    await until(lambda: len(alive(owner.pid)) == 2)
    pids = [fork_server(owner.pid), *alive(owner.pid)]
    await until_busy(pids[-1])
    os.kill(pids[-1], signal.SIGSTOP)  # it sees no end of its channel and no alarm
    owner.kill()
    await owner.wait()
    await until(lambda: all(is_gone(pid) for pid in pids))
