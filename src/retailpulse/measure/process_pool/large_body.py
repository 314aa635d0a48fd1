"""A body that does not fit on a ring buffer: a file in memory, which a decoder is handed."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

SLICE_BYTES = 1_000_000
"""Written at a time to a file; between two slices the loop does other work."""


@asynccontextmanager
async def written(pieces: Sequence[bytes]) -> AsyncIterator[int]:
    """The descriptor of a file with all of a body, for as long as a decoder may be handed it."""
    file = os.memfd_create("large")
    try:
        for piece in pieces:
            with memoryview(piece) as view:
                for start in range(0, len(view), SLICE_BYTES):
                    os.write(file, view[start : start + SLICE_BYTES])
                    await asyncio.sleep(0)
        yield file
    finally:
        os.close(file)
