"""Many bodies on their way to one decoder: who is to blame, who waits for whom, what the ring holds."""

import asyncio
import hashlib
import os
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from retailpulse.domain.images import Cause, Depth
from retailpulse.measure import DecoderPool
from retailpulse.measure.process_pool import handle
from retailpulse.schema import Measurement
from tests.measure.pictures import FLAVOURS, jpeg_segment, saved
from tests.measure.process_pool.test_pool import failure, replaced, settings
from tests.measure.watching import alive, until
from tests.processes import is_gone

PHOTO = FLAVOURS["jpeg baseline"].body
MANY = 70
"""More than two batches."""
GARBAGE = "cos\\nsystem\\n(S'true'\\ntR."

DECODER = f"""if True:
    import os, time
    def decode_jpeg(body, *_, **__):
        if b"fatal" in body: os.kill(os.getpid(), 11)
        if b"endless" in body: time.sleep(1000)
        if b"slow" in body: time.sleep(1)
        if b"mad" in body:
            for fd in range(3, 30):
                try: os.write(fd, b"{GARBAGE}")
                except OSError: pass
"""


def photo(number: int, note: bytes = b"", body: bytes = PHOTO) -> bytes:
    """A photo like no other, with a note for the decoder."""
    return body[:2] + jpeg_segment(0xFE, b"%d " % number + note) + body[2:]


@pytest.fixture
def obeying(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """DecoderPool that do what a photo's note says, in place of faults that no known photo brings about."""
    replaced(monkeypatch, tmp_path, "simplejpeg", DECODER)


@pytest.fixture
async def decoders() -> AsyncIterator[DecoderPool]:
    made = DecoderPool(settings())
    yield made
    await made.aclose()


async def measured(decoders: DecoderPool, bodies: list[bytes]) -> list[Measurement | BaseException]:
    """All at once, in their order."""
    measuring = (decoders.measure(body, Depth.DECODE) for body in bodies)
    return await asyncio.gather(*measuring, return_exceptions=True)


def sums(bodies: list[bytes]) -> list[str]:
    return [hashlib.sha256(body).hexdigest() for body in bodies]


def found_sums(found: list[Measurement | BaseException]) -> list[str | None]:
    return [one.sha256 if isinstance(one, Measurement) else None for one in found]


def large_files() -> list[str]:
    """The files of bodies that did not fit on a ring buffer, as this process holds them."""
    links = [fd for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink()]
    return [str(fd.readlink()) for fd in links if "memfd:large" in str(fd.readlink())]


@pytest.mark.parametrize(
    ("note", "told"),
    [
        (b"fatal", "decoder_crashed: the decoder was killed by signal 11 (segmentation fault)"),
        (b"mad", "decoder_crashed: the decoder gave no answer that makes sense"),
    ],
)
@pytest.mark.parametrize("bad", [{0}, {17}, {31, 32}, {5, 6, 40, MANY - 1}])
@pytest.mark.usefixtures("obeying")
async def test_in_a_batch_the_bad_ones_fail_and_no_other(
    decoders: DecoderPool, bad: set[int], note: bytes, told: str
) -> None:
    bodies = [photo(number, note if number in bad else b"") for number in range(MANY)]
    found = await measured(decoders, bodies)
    expected = [None if number in bad else one for number, one in enumerate(sums(bodies))]
    assert found_sums(found) == expected
    assert {str(one) for one in found if isinstance(one, BaseException)} == {told}


@pytest.mark.usefixtures("obeying")
async def test_a_body_of_a_batch_that_takes_too_long_fails_alone() -> None:
    decoders = DecoderPool(settings(timeout_seconds=0.1))
    bodies = [photo(number, b"endless" if number == 9 else b"") for number in range(MANY)]
    found = await measured(decoders, bodies)
    assert [number for number, one in enumerate(found) if not isinstance(one, Measurement)] == [9]
    assert str(found[9]) == "timeout: not decoded within 2 s"
    await decoders.aclose()


@pytest.mark.usefixtures("obeying")
async def test_photos_behind_endless_ones_go_to_other_decoders(decoders: DecoderPool) -> None:
    endless = [asyncio.create_task(decoders.measure(photo(n, b"endless"), Depth.DECODE)) for n in range(2)]
    bodies = [photo(number) for number in range(MANY)]
    assert found_sums(await measured(decoders, bodies)) == sums(bodies)
    assert [task.done() for task in endless] == [False, False]
    assert len(alive()) == 3
    for pid in alive()[:2]:
        os.kill(pid, signal.SIGKILL)
    for error in await asyncio.gather(*endless, return_exceptions=True):
        assert str(error) == "decoder_crashed: the decoder was killed by signal 9 (killed)"
    assert found_sums(await measured(decoders, bodies)) == sums(bodies)
    assert len(alive()) == 1


@pytest.mark.usefixtures("obeying")
async def test_decoders_that_are_no_longer_needed_are_ended(decoders: DecoderPool) -> None:
    slow = asyncio.create_task(decoders.measure(photo(0, b"slow"), Depth.DECODE))
    await measured(decoders, [photo(1)])
    assert len(alive()) == 2
    await slow
    await until(lambda: len(alive()) == 1)


@pytest.mark.usefixtures("obeying")
async def test_a_photo_that_is_cancelled_while_it_waits_is_not_measured(
    decoders: DecoderPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handle, "SLOW_SECONDS", 1000)
    bodies = [photo(0, b"slow"), photo(1, b"fatal"), photo(2)]
    tasks = [asyncio.create_task(decoders.measure(body, Depth.DECODE)) for body in bodies]
    await until(alive)
    pids = alive()
    tasks[1].cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(one, Measurement) for one in found] == [True, False, True]
    assert alive() == pids


@pytest.mark.usefixtures("obeying")
async def test_photos_do_not_wait_behind_a_big_one(
    decoders: DecoderPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handle, "SLOW_SECONDS", 1000)
    big_body = photo(0, b"endless", saved("JPEG", Image.new("L", (8000, 6500))))
    big = asyncio.create_task(decoders.measure(big_body, Depth.DECODE))
    await until(alive)
    bodies = [photo(number) for number in range(MANY)]
    assert found_sums(await measured(decoders, bodies)) == sums(bodies)
    assert not big.done()
    big.cancel()
    await until(lambda: len(alive()) == 1)


@pytest.mark.usefixtures("obeying")
async def test_a_cancelled_photo_answers_for_none_of_its_batch(
    decoders: DecoderPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handle, "SLOW_SECONDS", 1000)  # on a busy machine others would take over
    bodies = [photo(number, b"endless" if number == 3 else b"") for number in range(20)]
    tasks = [asyncio.create_task(decoders.measure(body, Depth.DECODE)) for body in bodies]
    await until(lambda: len(alive()) == 1)  # one that the test before ended may not be buried yet
    (pid,) = alive()
    for number in (3, 7, 8, 19):
        tasks[number].cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    lost = {3, 7, 8, 19}
    assert found_sums(found) == [None if n in lost else one for n, one in enumerate(sums(bodies))]
    await until(lambda: alive() != [pid] or not is_gone(pid))


async def test_the_shelf_goes_round_many_times(decoders: DecoderPool) -> None:
    dice = random.Random(1)
    bodies = [PHOTO + dice.randbytes(dice.choice((10, 40_000, 700_000, 3_000_000))) for _ in range(120)]
    assert sum(map(len, bodies)) > 60_000_000
    assert found_sums(await measured(decoders, bodies)) == sums(bodies)


@pytest.mark.parametrize("size_bytes", [7_999_935, 7_999_936, 7_999_937, 20_000_000])
async def test_bodies_that_fill_the_shelf_or_do_not_fit_are_measured_among_others(
    decoders: DecoderPool, size_bytes: int
) -> None:
    small = [photo(number) for number in range(MANY)]
    large = [photo(number).ljust(size_bytes, b"\1") for number in range(3)]
    bodies = [*small[:40], *large, *small[40:]]
    assert found_sums(await measured(decoders, bodies)) == sums(bodies)
    assert large_files() == []


@pytest.mark.usefixtures("obeying")
async def test_a_large_body_that_kills_its_decoder_costs_only_itself(decoders: DecoderPool) -> None:
    large = photo(0, b"fatal").ljust(9_000_000, b"\1")
    others = [photo(number) for number in range(MANY)]
    found = await measured(decoders, [*others[:30], large, *others[30:]])
    assert found_sums(found) == [*sums(others[:30]), None, *sums(others[30:])]
    assert (await failure(decoders, large)).cause is Cause.DECODER_CRASHED
    assert found_sums(await measured(decoders, [PHOTO])) == sums([PHOTO])
