"""Bodies that can be sent more than once: files as they are, all else by way of a temporary file.

So a request that broke off is sent again byte for byte, which is what makes it one job, and a slow or
endless source holds no connection open. Memory is bounded, whatever the size.
"""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any, BinaryIO

from retailpulse.client.errors import BadInput

BLOCK_BYTES = 256 * 1024
_MEMORY_BYTES = 4 * 1024 * 1024

Sent = Callable[[int, int], None]
"""Told how many bytes are sent, of how many."""


class Body:
    """The bytes of a request, from the file's position to its end."""

    def __init__(self, file: IO[bytes], sent: Sent | None) -> None:
        self._file = file
        self._sent = sent
        self._start = file.tell()
        self.size_bytes = file.seek(0, os.SEEK_END) - self._start

    def blocks(self) -> Iterator[bytes]:
        """The whole body from its start, in blocks of bytes."""
        self._file.seek(self._start)
        left = self.size_bytes
        # What a file has grown by in the meantime is not sent: its size was promised.
        while left and (block := self._file.read(min(BLOCK_BYTES, left))):
            yield block
            left -= len(block)
            if self._sent is not None:
                self._sent(self.size_bytes - left, self.size_bytes)

    def content(self) -> bytes:
        """The whole body in memory, for a transport that cannot stream."""
        return b"".join(self.blocks())


@contextmanager
def body_of_file(source: "str | os.PathLike[str] | IO[Any]", sent: Sent | None = None) -> Iterator[Body]:
    """The body that a file holds; one that was opened by the caller stays open. Raises BadInput."""
    with _opened(source) as file:
        yield from _of_open(file, sent)


@contextmanager
def body_of_blocks(blocks: Iterable[bytes], sent: Sent | None = None) -> Iterator[Body]:
    """A body made of these blocks, kept in a temporary file meanwhile."""
    with tempfile.SpooledTemporaryFile(max_size=_MEMORY_BYTES) as spool:
        for block in blocks:
            spool.write(block)
        spool.seek(0)
        yield Body(spool, sent)


def _opened(source: "str | os.PathLike[str] | IO[Any]") -> AbstractContextManager[IO[Any]]:
    if not isinstance(source, str | os.PathLike):
        return nullcontext(source)
    try:
        return Path(source).open("rb")
    except OSError as error:
        raise BadInput(f"{os.fspath(source)} cannot be read: {error.strerror}") from error


def _of_open(file: IO[Any], sent: Sent | None) -> Iterator[Body]:
    if _is_binary(file) and file.seekable():
        yield Body(file, sent)
    else:
        with body_of_blocks(_blocks_of(file), sent) as body:
            yield body


def _is_binary(file: IO[Any]) -> bool:
    return isinstance(file.read(0), bytes)


def _blocks_of(file: "IO[Any] | BinaryIO") -> Iterator[bytes]:
    while block := file.read(BLOCK_BYTES):
        yield block if isinstance(block, bytes) else block.encode()
