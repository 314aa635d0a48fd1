"""Freed memory stays with a worker, so that the kernel need not clear it again for the next body."""

import os
import platform
import subprocess
import sys

import pytest

ROUNDS = """
import resource, sys

if sys.argv[1] == "kept":
    from retailpulse.worker.memory import keep_freed_memory

    keep_freed_memory()

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def body(size_bytes, pieces):
    return [bytes(size_bytes // pieces) for _ in range(pieces)]

for _ in range(5):  # until all that is kept has been asked for once
    body(10_000_000, 600), body(10_000_000, 1)
before = faults()
for _ in range(20):
    body(10_000_000, 600), body(10_000_000, 1)
print(faults() - before)
"""

BETWEEN = """
import asyncio, contextlib, sys
from retailpulse.metrics.resident_memory import resident_bytes
from retailpulse.worker.memory import keep_freed_memory, return_memory_forever

keep_freed_memory()

async def main():
    returning = asyncio.create_task(return_memory_forever(lambda: int(sys.argv[1])))
    await asyncio.sleep(0)
    bodies = [bytes([number % 256]) * 60_000 for number in range(4_000)]
    kept = bodies[::40]
    del bodies
    full = resident_bytes()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(20 if sys.argv[1] == "0" else 5):
            while resident_bytes() > full / 3:
                await asyncio.sleep(0.1)
    returning.cancel()
    print(full // 1_000_000, resident_bytes() // 1_000_000, len(kept))

asyncio.run(main())
"""


def resident(unfinished_bytes: int) -> list[int]:
    """Megabytes with all bodies, and later with a few of them that lie between."""
    command = [sys.executable, "-c", BETWEEN, str(unfinished_bytes)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [int(word) for word in done.stdout.split()[:2]]


def faults(how: str) -> int:
    command = [sys.executable, "-c", ROUNDS, how]
    # The thresholds that glibc begins with; it raises them as a process frees large blocks.
    thresholds = {"MALLOC_TRIM_THRESHOLD_": "131072", "MALLOC_MMAP_THRESHOLD_": "131072"}
    environment = {**os.environ, **thresholds}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told what to keep")
def test_the_next_body_takes_the_memory_of_the_last_one() -> None:
    assert faults("kept") * 10 < faults("given back")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told what to give back")
def test_memory_between_bodies_goes_back_once_they_are_gone_and_not_before() -> None:
    full, later = resident(unfinished_bytes=0)
    assert later < full / 3
    full, later = resident(unfinished_bytes=100_000_000)
    assert later > full / 2
