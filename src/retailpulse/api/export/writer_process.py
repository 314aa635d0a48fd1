"""Files of rows by a process of its own for each: rows of JSON go in, pieces of the file come out.

What writes Parquet holds the interpreter while it works, and XLSX costs Python time per row: both would stop
every other request. A process also gives its memory back, and waits for a slow client without a thread. Weak:
clients that read slowly can hold all places.
"""

import asyncio
import contextlib
import sys
from asyncio import StreamWriter
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

from anyio import CancelScope

from retailpulse.web.quotas import Quota, QuotaSlot

MAX_EXPORTS, MAX_EXPORTS_OF_CALLER = 16, 8
"""Exports at once in one API process, of all and of one caller: each has a process of its own."""
END_SECONDS = 10.0
"""How long a process may take to end, before it is killed."""
_PIECE_BYTES = 256 * 1024


class Exports:
    """What the exports of one API process share: their number at once, and the folder for temporary files."""

    def __init__(self, folder: str | None) -> None:
        self.folder = folder
        self._quota = Quota(MAX_EXPORTS, MAX_EXPORTS_OF_CALLER, "exports of one API process")

    def acquire(self, caller: str) -> QuotaSlot:
        """A place for one export; raises RateLimited or Busy."""
        return self._quota.acquire(caller)


async def written_by(
    program: str, layout: str, lines: AsyncIterator[bytes], slot: QuotaSlot
) -> AsyncGenerator[bytes]:
    """The file in pieces that a program of this folder writes from blocks of lines, each a JSON object.

    `layout` is what the program is told of the columns. Gives `slot` back at the end. Raises RuntimeError if
    the process fails, after which the answer breaks off.
    """
    path = Path(__file__).with_name(program)
    # A session of its own: Ctrl-C is for the API, which ends what it has begun.
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", str(path), layout, stdin=PIPE, stdout=PIPE, start_new_session=True
    )
    rows, file = process.stdin, process.stdout
    if rows is None or file is None:
        raise RuntimeError("a process was begun without pipes")
    feeding = asyncio.create_task(_feed(process, rows, lines))
    try:
        while piece := await file.read(_PIECE_BYTES):
            yield piece
        await feeding
        if status := await process.wait():
            raise RuntimeError(f"{path.stem} ended with {status}")
    finally:
        feeding.cancel()
        slot.release()
        # An answer whose client left is cancelled again at every await that is not shielded.
        with CancelScope(shield=True):
            await asyncio.gather(feeding, _end(process), return_exceptions=True)


async def _end(process: Process) -> None:
    """Ends a process, which may remove its temporary files first, but not for ever."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(END_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def _feed(process: Process, rows: StreamWriter, lines: AsyncIterator[bytes]) -> None:
    try:
        async for block in lines:
            rows.write(block)
            await rows.drain()
    except BaseException:
        # What has broken off must not look like a whole file: the process may see no end of its rows.
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        raise
    finally:
        rows.close()
