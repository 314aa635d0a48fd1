"""Vast pictures are decoded one at a time on a machine: by a lock that its holder cannot take along."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator

import pytest
from PIL import Image

from retailpulse.domain.images import Depth
from retailpulse.measure import DecoderPool, MachineLock, new_lock_file
from tests.measure.pictures import FLAVOURS, saved
from tests.measure.process_pool.test_pool import settings
from tests.measure.watching import alive

PHOTO = FLAVOURS["jpeg baseline"].body
HOLDER = """
import asyncio, sys
from retailpulse.measure import MachineLock

async def hold():
    async with MachineLock(int(sys.argv[1])):
        print("held", flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(hold())
"""


@pytest.fixture
def machine_lock() -> MachineLock:
    return MachineLock(new_lock_file())


@pytest.fixture
def holder(machine_lock: MachineLock) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that has the turn until it is told to leave, or killed."""
    fd = machine_lock._fd
    assert fd is not None
    command = [sys.executable, "-c", HOLDER, str(fd)]
    with subprocess.Popen(command, pass_fds=[fd], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


async def hold(machine_lock: MachineLock) -> None:
    async with machine_lock:
        pass


@pytest.mark.parametrize("end", ["leaves", "killed"])
async def test_who_has_the_turn_keeps_others_waiting_until_it_leaves_or_dies(
    machine_lock: MachineLock, holder: subprocess.Popen[bytes], end: str
) -> None:
    taking = asyncio.create_task(hold(machine_lock))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(taking), 0.3)
    if end == "killed":
        holder.kill()
    else:
        assert holder.stdin is not None
        holder.stdin.close()
    await asyncio.wait_for(taking, 20)


async def test_a_vast_picture_waits_for_its_turn_and_no_other_waits_for_it(
    machine_lock: MachineLock, holder: subprocess.Popen[bytes]
) -> None:
    decoders = DecoderPool(settings(), machine_lock=machine_lock)
    vast = saved("PNG", Image.new("L", (11_000, 10_000)), compress_level=1)
    measuring = asyncio.create_task(decoders.measure(vast, Depth.DECODE))
    for _ in range(3):
        assert (await decoders.measure(PHOTO, Depth.DECODE)).suspect is None
    assert not measuring.done()
    assert len(alive()) == 1, "a decoder was made for it"
    holder.kill()
    assert (await measuring).width == 11_000
    await decoders.aclose()


async def test_without_a_file_it_is_always_ones_turn() -> None:
    await hold(MachineLock())
