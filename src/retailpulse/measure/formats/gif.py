"""Reading GIF: the canvas from the screen and the first frame, the end by walking over the blocks.

Browsers make the canvas as large as the first frame needs, and cut the frames behind it, so that a screen
of 0 x 0 is none. Weak: a long comment before the first frame has to be read for the size.
"""

import re
import struct
from collections.abc import Iterator

from retailpulse.domain.images import Format
from retailpulse.measure.formats.faults import truncated
from retailpulse.measure.formats.image_format import ImageFormat, Size
from retailpulse.measure.formats.pillow import Plugin
from retailpulse.measure.formats.work import BYTES_PER_STEP, Work

_FRAME = struct.Struct("<HHHH")
_BLOCK = re.compile(rb"[\x21\x2c\x3b]")  # extension, image, trailer; decoders skip what lies between
_EXTENSION, _IMAGE = 0x21, 0x2C

_BLOCK_STEPS = 6
_SUB_BLOCKS_PER_STEP = 2


def read_size(data: bytes, work: Work) -> Size | None:
    """Width and height of the canvas, or None if more bytes are needed; it may grow until a frame begins."""
    if len(data) < 10:
        return None
    width, height = struct.unpack_from("<HH", data, 6)
    try:
        right, bottom = _first_frame(data, work)
    except IndexError:
        return Size(width, height, False, may_grow=True)
    return Size(max(width, right), max(height, bottom), False)


def check_end(body: bytes, _: Size, work: Work) -> None:
    """Raise ImageError `truncated` if no trailer follows the blocks."""
    try:
        for _block in _blocks(body, work):
            pass
    except IndexError:
        raise truncated("the GIF has no trailer") from None


def _first_frame(data: bytes, work: Work) -> tuple[int, int]:
    """Where the first frame ends, from the left and from the top; IndexError if the bytes run out first."""
    for kind, position in _blocks(data, work):
        if kind == _IMAGE:
            if position + _FRAME.size > len(data):
                raise IndexError(position)
            left, top, width, height = _FRAME.unpack_from(data, position)
            return left + width, top + height
    return 0, 0


def _blocks(body: bytes, work: Work) -> Iterator[tuple[int, int]]:
    """The first byte of each block and the offset behind it, up to the trailer; IndexError without one."""
    position = 13 + _table_bytes(body[10])
    while True:
        position = _after_block_start(body, position, work)
        kind = body[position - 1]
        yield kind, position
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
