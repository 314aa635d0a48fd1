"""Reading GIF: the canvas from the screen descriptor, the end by walking over the blocks.

Weak: the few files whose screen is 0 x 0 and whose frames have a size are refused.
"""

import re
import struct

from retailpulse.measure.faults import corrupt, truncated
from retailpulse.measure.size import Size

_SCREEN = struct.Struct("<HHB")
_BLOCK = re.compile(rb"[\x21\x2c\x3b]")  # extension, image, trailer; decoders skip what lies between
_EXTENSION, _IMAGE = 0x21, 0x2C

MAX_BLOCKS = 200_000
"""A frame is two or three blocks."""


def read_size(data: bytes) -> Size | None:
    """Width and height of the canvas, or None where more bytes are needed."""
    if len(data) < 10:
        return None
    width, height = struct.unpack_from("<HH", data, 6)
    return Size(width, height, False)


def check_end(body: bytes) -> None:
    """Raise ImageError `truncated` where no trailer follows the blocks."""
    try:
        _walk(body)
    except IndexError:
        raise truncated("the GIF has no trailer") from None


def _walk(body: bytes) -> None:
    """Step over all blocks up to the trailer; IndexError where the bytes run out first."""
    position = 13 + _table_bytes(body[10])
    for _ in range(MAX_BLOCKS):
        found = _BLOCK.search(body, position)
        if found is None:
            raise IndexError(position)
        position = found.end()
        kind = body[position - 1]
        if kind == _EXTENSION:
            position = _after_sub_blocks(body, position + 1)
        elif kind == _IMAGE:
            position = _after_sub_blocks(body, position + 10 + _table_bytes(body[position + 8]))
        else:
            return
    raise corrupt(f"the GIF has more than {MAX_BLOCKS} blocks")


def _table_bytes(flags: int) -> int:
    """Length of the colour table that a descriptor's flags announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_sub_blocks(body: bytes, position: int) -> int:
    while length := body[position]:
        position += length + 1
    return position + 1
