"""Freed memory stays with a worker, so that the kernel need not clear it again for the next body."""

import platform
import subprocess
import sys

import pytest

ROUNDS = """
import resource, sys
from retailpulse.worker.memory import keep_freed_memory

if sys.argv[1] == "kept":
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


def faults(how: str) -> int:
    command = [sys.executable, "-c", ROUNDS, how]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told what to keep")
def test_the_next_body_takes_the_memory_of_the_last_one() -> None:
    assert faults("kept") * 10 < faults("given back")
