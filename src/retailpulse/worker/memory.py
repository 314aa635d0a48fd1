"""Keeps the memory of bodies that are done for the next ones.

The C library gives freed memory back to the kernel, which clears it again page by page for the next body: a
quarter of a worker's time where bodies are large. Weak: it works with glibc alone.
"""

import asyncio
import ctypes
import gc
from collections.abc import Callable

from retailpulse.metrics.resident_memory import resident_bytes

KEPT_BYTES = 64_000_000
"""As much as bodies take at once in a worker that is busy; more goes back when it is free."""
COLLECTOR_THRESHOLDS = (50_000, 50, 1_000)
"""The garbage collector looks through every object and finds nothing; at Python's thresholds that took a
fifth of the time at depth `header`."""
_LOOK_SECONDS = 2.0
_GROWTH_BYTES = 4_000_000
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3  # malloc.h


def keep_freed_memory() -> None:
    """Tell the C library of this process to keep what is freed, up to a limit."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, KEPT_BYTES // 2)  # or each body of some size is a mapping of its own
        mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
        mallopt(_M_TOP_PAD, _GROWTH_BYTES)


async def return_memory_forever(unfinished_bytes: Callable[[], int]) -> None:
    """Gives memory back that lies between what is in use, once the bodies that needed it are gone.

    The C library gives back by itself only what lies behind all else. `unfinished_bytes` says how much bodies
    take now.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    usual_bytes = resident_bytes()
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        is_calm = unfinished_bytes() < KEPT_BYTES // 2
        if trim is not None and is_calm and resident_bytes() > usual_bytes + KEPT_BYTES:
            await asyncio.to_thread(trim, KEPT_BYTES // 2)
            usual_bytes = resident_bytes()


def tune_memory() -> None:
    """Has a worker keep freed memory, and collect garbage seldom."""
    keep_freed_memory()
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
