"""Photos put together from tiles that were encoded once: thousands of different ones at the cost of copying.

Between two restart markers the coded data of a JPEG depend on nothing else (ITU-T T.81, E.1.4), so pieces of
pictures that share tables may stand in any order. Only baseline JPEG with a chroma of half the size; what is
seen on tiles is `gondolas`'.
"""

import io
import re
from collections.abc import Iterator, Sequence

from PIL import Image

UNIT = 16
"""Pixels along each side of a unit of such a JPEG: sides of tiles are multiples of it."""

_QUALITY = 85
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_MARKERS = tuple(bytes((0xFF, 0xD0 + number)) for number in range(8))
_FRAME, _SCAN, _END = b"\xff\xc0", b"\xff\xda", b"\xff\xd9"


def encoded(tile: Image.Image, interval: int) -> bytes:
    """The tile as a JPEG with a restart marker after every `interval` units."""
    file = io.BytesIO()
    tile.save(file, "JPEG", quality=_QUALITY, subsampling="4:2:0", restart_marker_blocks=interval)
    return file.getvalue()


class Tiles:
    """Tiles of one size, each `across` intervals wide and `down` units high."""

    def __init__(self, jpegs: Sequence[bytes], *, across: int) -> None:
        scan = jpegs[0].index(_SCAN)
        self._scan_at = scan + 2 + int.from_bytes(jpegs[0][scan + 2 : scan + 4])
        self._head = jpegs[0][2 : self._scan_at]
        self._pieces = [_RESTART.split(jpeg[self._scan_at : -len(_END)]) for jpeg in jpegs]
        self._across = across
        self._down = len(self._pieces[0]) // across

    def photo(
        self, grid: Sequence[Sequence[int]], *, width: int, height: int, left: int, top: int, exif: bytes
    ) -> bytes:
        """A JPEG of this size; `grid` has the numbers of its tiles, rows from the top.

        It begins `left` intervals and `top` units inside of the first tile, and ends where its size says.
        """
        rows = -(-height // UNIT)
        columns = self._width_in_intervals(width)
        parts: list[bytes] = [b"\xff\xd8", _segment(b"\xff\xe1", exif), _resized(self._head, width, height)]
        for number, piece in enumerate(self._cut(grid, rows, columns, left, top)):
            parts += (piece, _MARKERS[number % 8])
        parts[-1] = _END
        return b"".join(parts)

    def _width_in_intervals(self, width: int) -> int:
        restart = self._head.index(b"\xff\xdd\x00\x04")
        return -(-width // UNIT) // int.from_bytes(self._head[restart + 4 : restart + 6])

    def _cut(
        self, grid: Sequence[Sequence[int]], rows: int, columns: int, left: int, top: int
    ) -> Iterator[bytes]:
        for row in range(top, top + rows):
            tiles, inside = grid[row // self._down], row % self._down * self._across
            for column in range(left, left + columns):
                yield self._pieces[tiles[column // self._across]][inside + column % self._across]


def _resized(head: bytes, width: int, height: int) -> bytes:
    frame = head.index(_FRAME) + 5
    return head[:frame] + height.to_bytes(2) + width.to_bytes(2) + head[frame + 4 :]


def _segment(marker: bytes, data: bytes) -> bytes:
    return marker + (len(data) + 2).to_bytes(2) + data
