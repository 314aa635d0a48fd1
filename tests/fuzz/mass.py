"""Reads the headers of millions of damaged pictures: `python -m tests.fuzz --headers --cases 10000000`.

Without Hypothesis, which takes a hundred times as long for a case: nothing is made smaller that is found, but
its bytes are kept. Only readers of our own are tried here; decoders have a process to lose, see `examiner`.
"""

import os
import random
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Header
from retailpulse.measure import Work, read_header
from tests.measure.damage import DAMAGES
from tests.measure.pictures import FLAVOURS
from tests.measure.working import cause_of, look

LIMIT = 1_000_000
MOST_SECONDS = 0.05
"""The CPU time that nothing in the loop of a worker may take longer than."""
BATCH_CASES = 20_000
_FIRST_PARTS = (100, 1_000, 16_384)


def run(cases: int, seed: int) -> int:
    """Tries so many pictures on all cores; gives the exit code."""
    began_at, told, slowest = time.monotonic(), Counter[str](), 0.0
    batches = [
        (seed + number, min(BATCH_CASES, cases - start))
        for number, start in enumerate(range(0, cases, BATCH_CASES))
    ]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        running = [pool.submit(examine, *batch) for batch in batches]
        for batch in as_completed(running):
            found, seconds, kinds = batch.result()
            told.update(kinds)
            slowest = max(slowest, seconds)
            passed = time.monotonic() - began_at
            print(f"\r{told.total():,} of {cases:,} headers, {passed:.0f} s", end="", flush=True)
            if found:
                pool.shutdown(cancel_futures=True)
                print(f"\n{found}")
                return 1
    kinds_told = ", ".join(f"{count:,} {kind}" for kind, count in told.most_common())
    print(f"\n{kinds_told}; the slowest took {1_000 * slowest:.1f} ms of CPU time; the first seed was {seed}")
    return 0


def examine(seed: int, cases: int) -> tuple[str, float, Counter[str]]:
    """What is wrong with one of so many pictures, the CPU time of the slowest, and how all ended."""
    dice, told, slowest = random.Random(seed), Counter[str](), 0.0
    flavours = list(FLAVOURS.values())
    for _ in range(cases):
        body = dice.choice(flavours).body
        for _ in range(dice.randint(1, 3)):
            body = dice.choice(DAMAGES)(body, dice) if body else body
        began = time.thread_time()
        try:
            kind = _kind(body)
        except Exception as error:
            return f"{type(error).__name__}: {error}: {_kept(body)}", slowest, told
        seconds = time.thread_time() - began
        if seconds > MOST_SECONDS:
            return f"{1_000 * seconds:.0f} ms of CPU time: {_kept(body)}", seconds, told
        slowest = max(slowest, seconds)
        told[kind] += 1
    return "", slowest, told


def _kind(body: bytes) -> str:
    """How a picture ends; a first part of it must say the same or nothing."""
    whole = _header_or_cause(body)
    for end in _FIRST_PARTS:
        part = _header_or_cause(body[:end])
        if part is not None and end < len(body) and part != whole:
            raise AssertionError(f"the first {end} bytes say {part}, the whole {whole}")
    return cause_of(lambda: look(body, Work())).partition(":")[0]


def _header_or_cause(body: bytes) -> Header | str | None:
    try:
        return read_header(body, LIMIT)
    except ImageError as error:
        return str(error.cause)


def _kept(body: bytes) -> Path:
    with tempfile.NamedTemporaryFile(prefix="retailpulse-header-", suffix=".bin", delete=False) as file:
        file.write(body)
    return Path(file.name)
