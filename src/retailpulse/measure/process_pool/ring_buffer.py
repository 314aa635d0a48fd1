"""The memory that a worker and one of its decoders share: bodies one after another in a ring, and states.

The worker lays bodies down and frees them in the same order; the decoder reads them and writes the states.
Weak: a decoder that a picture has taken over can change what lies here, as it can answer what it likes.
"""

import fcntl
import os
from collections import deque
from collections.abc import Sequence
from itertools import accumulate, pairwise
from mmap import mmap
from typing import NamedTuple

LEAST_ROOM_BYTES = 24_000
"""Room that even a small body gets: its thumbnail comes back in it."""
FILE_ROOM_BYTES = 400_000
"""Room for the thumbnails of a body that is in a file of its own."""
SLOTS = 64
"""States at the beginning of the ring buffer, one byte for each body that is on its way."""
SHELF_BYTES = 8_000_000
HOT_BYTES = 700_000
"""Beyond this offset the ring wraps early if it can: what is in the cache is faster (3 us at 10 kB)."""
MOST_BYTES = SHELF_BYTES - SLOTS
"""The longest body that fits on a ring buffer."""

WAITING, TAKEN, DONE, REVOKED = b"wtdr"
"""A body's states: waiting, taken by the decoder, measured, or cancelled by the worker."""
ANALYZING = 128
"""Plus the place of an analyzer: the body is decoded, and this analyzer works on its picture."""


def is_begun(state: int) -> bool:
    """Whether the decoder is at the body, in whatever way."""
    return state == TAKEN or state >= ANALYZING


class Room(NamedTuple):
    """The part of a ring buffer that is a body's: where it begins, and how many bytes it has."""

    offset: int
    size_bytes: int


class RingBuffer:
    """The worker's end of the ring buffer."""

    def __init__(self) -> None:
        """Raises OSError if there is no more memory or descriptor."""
        self.fd = os.memfd_create("body", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(self.fd, SHELF_BYTES)
            # Were it cut off by a decoder gone mad, the worker would die of writing to it.
            fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
            self.memory = mmap(self.fd, SHELF_BYTES)
        except BaseException:
            os.close(self.fd)
            raise
        self._rooms: deque[Room] = deque()
        self._next = SLOTS

    def lay(self, pieces: Sequence[bytes], size_bytes: int) -> Room | None:
        """Write a body after the last one in a room of so many bytes; returns that, or None if none is left.

        It may be larger than asked for.
        """
        size_bytes = max(size_bytes, LEAST_ROOM_BYTES)
        start = self._find_room(size_bytes)
        if start is None:
            return None
        room = Room(start, size_bytes)
        self._rooms.append(room)
        self._next = start + size_bytes
        for piece in pieces:
            self.memory[start : start + len(piece)] = piece
            start += len(piece)
        return room

    def free_oldest(self, lengths: Sequence[int] = ()) -> list[bytes]:
        """Give the room of the body that was laid down first to others; returns what lies at its beginning.

        That is one thing of each length behind another; nothing if they are longer than the room.
        """
        start, size_bytes = self._rooms.popleft()
        if sum(lengths) > size_bytes:
            return []
        ends = list(accumulate(lengths, initial=start))
        return [self.memory[first:end] for first, end in pairwise(ends)]

    def close(self) -> None:
        """Unmap the memory; the file stays its owner's."""
        self.memory.close()

    def _find_room(self, size_bytes: int) -> int | None:
        """The offset of that many free bytes in one piece, or None; the ring never gets quite full."""
        if not self._rooms:
            return SLOTS if size_bytes <= MOST_BYTES else None
        oldest = self._rooms[0].offset
        if self._next < oldest:  # it has gone round
            return self._next if self._next + size_bytes < oldest else None
        can_go_round = SLOTS + size_bytes < oldest
        if self._next + size_bytes <= SHELF_BYTES and not (can_go_round and self._next > HOT_BYTES):
            return self._next
        return SLOTS if can_go_round else None
