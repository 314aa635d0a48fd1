"""Takes in the body of a request within what memory and disk allow, also if it comes compressed."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import IO

from retailpulse.domain.errors import Busy, InvalidRequest
from retailpulse.web.errors import TooLarge, UnsupportedMediaType
from retailpulse.web.rechunk import rechunked

WRITE_BYTES = 1 << 20
"""A body on its way to disk is written in pieces of this size, in a thread."""

STEP_BYTES = 64 * 1024
"""So much is unpacked in one step of the event loop; what has more in it is unpacked in a thread."""
QUOTE_BYTES = 32
"""What half a text of JSON weighs as an object, beside its characters."""


class BodyBudget:
    """The bodies that are in memory, or on disk, at once; one alone always has room."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._used_bytes = 0

    @asynccontextmanager
    async def reading(
        self, blocks: AsyncIterator[bytes], expected_bytes: int, most_bytes: int
    ) -> AsyncIterator["BodyInMemory"]:
        """A body, which counts as long as the block runs; raises Busy if there is no room for it.

        Of one with more than `most_bytes` it is the beginning, and the rest is still to be read.
        """
        with self._hold(min(expected_bytes, most_bytes)) as held:
            parts, size_bytes = [], 0
            async for block in blocks:
                parts.append(block)
                size_bytes += len(block)
                held.grow(size_bytes)
                if held.is_refused:
                    parts.clear()  # read to its end all the same: a client that is cut off reads no answer
                elif size_bytes > most_bytes:
                    break
            held.check()
            yield BodyInMemory(b"".join(parts), held, is_whole=size_bytes <= most_bytes)

    @asynccontextmanager
    async def spooling(
        self, blocks: AsyncIterator[bytes], expected_bytes: int, file: IO[bytes], tap: Callable[[bytes], None]
    ) -> AsyncIterator[None]:
        """Writes a body to a file, which counts as long as the block runs; `tap` gets every piece too.

        Raises Busy if there is no room for it.
        """
        with self._hold(expected_bytes) as held:
            size_bytes = 0
            async for piece in rechunked(blocks, WRITE_BYTES):
                size_bytes += len(piece)
                held.grow(size_bytes)
                if not held.is_refused:
                    await asyncio.to_thread(_write, piece, file, tap)
            held.check()
            file.seek(0)
            yield

    @contextmanager
    def _hold(self, expected_bytes: int) -> Iterator["_Held"]:
        held = _Held(self, expected_bytes)
        try:
            yield held
        finally:
            held.release()

    def acquire(self, size_bytes: int, held_bytes: int) -> bool:
        """Counts more bytes for one that holds some already; False if there is no room."""
        if self._used_bytes > held_bytes and self._used_bytes + size_bytes > self._most_bytes:
            return False
        self._used_bytes += size_bytes
        return True

    def release(self, size_bytes: int) -> None:
        """Gives back bytes of the budget."""
        self._used_bytes -= size_bytes


class _Held:
    """What one body has of the budget."""

    def __init__(self, budget: BodyBudget, expected_bytes: int) -> None:
        self._budget = budget
        self._bytes = 0
        self.is_refused = False
        self.grow(expected_bytes)

    def grow(self, size_bytes: int) -> None:
        """Reserves at least `size_bytes`; if there is no room, `check` raises Busy."""
        more = size_bytes - self._bytes
        if more > 0 and not self.is_refused:
            self.is_refused = not self._budget.acquire(more, self._bytes)
            self._bytes += 0 if self.is_refused else more

    def check(self) -> None:
        """Raises Busy if there was no room."""
        if self.is_refused:
            raise Busy("too many large submits at once; submit this job again later")

    def release(self) -> None:
        """Gives back all that was reserved."""
        self._budget.release(self._bytes)


class BodyInMemory:
    """A body that is in memory, or its beginning."""

    def __init__(self, content: bytes, held: _Held, *, is_whole: bool) -> None:
        self.content = content
        self.is_whole = is_whole
        self._held = held

    def weigh(self) -> None:
        """Counts what it weighs once it is read: each text in it is an object. Raises Busy."""
        self._held.grow(len(self.content) + QUOTE_BYTES * self.content.count(b'"'))
        self._held.check()


def _write(piece: bytes, file: IO[bytes], tap: Callable[[bytes], None]) -> None:
    file.write(piece)
    tap(piece)


async def unpacked(blocks: AsyncIterator[bytes], encoding: str, most_bytes: int) -> AsyncIterator[bytes]:
    """A body without its Content-Encoding, which may be gzip.

    Raises UnsupportedMediaType for others, TooLarge if more than `most_bytes` come out.
    """
    if encoding.strip().lower() in {"", "identity"}:
        async for block in blocks:
            yield block
        return
    if encoding.strip().lower() not in {"gzip", "x-gzip"}:
        await drain(blocks)
        raise UnsupportedMediaType(f"Content-Encoding: {encoding[:100]!r} is not read; send gzip, or plain")
    size_bytes = 0
    try:
        async for piece in _gunzipped(blocks):
            size_bytes += len(piece)
            if size_bytes > most_bytes:
                raise TooLarge(f"the body is larger than {most_bytes} bytes once it is unpacked")
            yield piece
    except InvalidRequest:
        await drain(blocks)
        raise


async def _gunzipped(blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Unpacks one or more gzip members; no piece is larger than what one step may unpack."""
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
    is_fresh = True
    try:
        async for block in _cut(blocks):
            left = block
            while left:
                if unpacking.eof:
                    unpacking, is_fresh = zlib.decompressobj(zlib.MAX_WBITS | 16), True
                if left is block:
                    yield unpacking.decompress(left, STEP_BYTES)
                else:  # more comes out than goes in
                    yield await asyncio.to_thread(unpacking.decompress, left, WRITE_BYTES)
                is_fresh = False
                left = unpacking.unused_data if unpacking.eof else unpacking.unconsumed_tail
    except zlib.error as error:
        raise InvalidRequest("the body is not gzip, as its Content-Encoding says") from error
    if not unpacking.eof or is_fresh:
        raise InvalidRequest("the body ends before its gzip does")


async def _cut(blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces of which each is looked through in no time."""
    async for block in blocks:
        for start in range(0, len(block), STEP_BYTES):
            yield block[start : start + STEP_BYTES]


async def drain(blocks: AsyncIterator[bytes]) -> None:
    """Reads a body to its end: a client that is cut off while it sends would never read why."""
    async for _ in blocks:
        pass
