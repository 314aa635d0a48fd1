"""Reading GIF: the canvas from the screen descriptor, the end by walking over the blocks.

Weak: the few files whose screen is 0 x 0 and whose frames have a size are refused.
"""

import re
import struct

from retailpulse.domain.images import Format
from retailpulse.measure.formats.faults import truncated
from retailpulse.measure.formats.image_format import ImageFormat, Size
from retailpulse.measure.formats.pillow import Plugin
from retailpulse.measure.formats.work import BYTES_PER_STEP, Work

_SCREEN = struct.Struct("<HHB")
_BLOCK = re.compile(rb"[\x21\x2c\x3b]")  # extension, image, trailer; decoders skip what lies between
_EXTENSION, _IMAGE = 0x21, 0x2C

_BLOCK_STEPS = 6
_SUB_BLOCKS_PER_STEP = 2


def read_size(data: bytes, _: Work) -> Size | None:
    """Width and height of the canvas, or None if more bytes are needed."""
    if len(data) < 10:
        return None
    width, height = struct.unpack_from("<HH", data, 6)
    return Size(width, height, False)


def check_end(body: bytes, _: Size, work: Work) -> None:
    """Raise ImageError `truncated` if no trailer follows the blocks."""
    try:
        _walk(body, work)
    except IndexError:
        raise truncated("the GIF has no trailer") from None


def _walk(body: bytes, work: Work) -> None:
    """Step over all blocks up to the trailer; IndexError if the bytes run out first."""
    position = 13 + _table_bytes(body[10])
    while True:
        position = _after_block_start(body, position, work)
        kind = body[position - 1]
        if kind == _EXTENSION:
            position = _after_sub_blocks(body, position + 1, work)
        elif kind == _IMAGE:
            position = _after_sub_blocks(body, position + 10 + _table_bytes(body[position + 8]), work)
        else:
            return


def _table_bytes(flags: int) -> int:
    """Length of the colour table that a descriptor's flags announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_block_start(body: bytes, position: int, work: Work) -> int:
    """Behind the next byte that begins a block; IndexError if there is none."""
    work.spend(_BLOCK_STEPS)
    found = _BLOCK.search(body, position, position + BYTES_PER_STEP * (work.left + 1))
    if found is not None:
        work.spend((found.start() - position) // BYTES_PER_STEP)
        return found.end()
    work.spend((len(body) - position) // BYTES_PER_STEP)
    raise IndexError(position)


def _after_sub_blocks(body: bytes, position: int, work: Work) -> int:
    """Behind the empty sub-block that ends a block; IndexError if the bytes run out first."""
    count, most = 0, _SUB_BLOCKS_PER_STEP * (work.left + 1)
    try:
        for count in range(1, most + 1):  # noqa: B007 - counted for whatever way there is out of here
            length = body[position]
            position += length + 1
            if not length:
                break
    finally:
        work.spend(count // _SUB_BLOCKS_PER_STEP)
    return position


_PLUGIN = Plugin("GIF", "GifImagePlugin")
FORMAT = ImageFormat(
    name=Format.GIF,
    starts=(b"GIF87a", b"GIF89a"),
    read_size=read_size,
    check_end=check_end,
    load=_PLUGIN.load,
    decode=_PLUGIN.decode,
)
