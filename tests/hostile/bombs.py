"""Pictures made to cost their decoder time and memory: a few bytes, hundreds of megapixels, all true.

Put together by hand where an encoder would need as much memory as the decoder. Weak: none of them finds a
fault in a decoder; they only use it as far as the limits go.
"""

import struct
import zlib
from functools import cache

from tests.measure.pictures import jpeg_segment, png_chunk

WIDTH, HEIGHT = 15_800, 15_760
"""249 million pixels: just under what is allowed."""
_BANDS = 63
_LONGEST_RUN = 32_767


@cache
def colour_png() -> bytes:
    """A PNG in colour: a gigabyte where it is held as four bytes a pixel."""
    packer = zlib.compressobj(1)
    rows = b"".join(packer.compress(bytes(WIDTH * 3 + 1)) for _ in range(HEIGHT)) + packer.flush()
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")
    )


@cache
def lossless_webp() -> bytes:
    """A lossless WebP whose codes have one symbol each: no pixel takes a single bit."""
    fields = [(0x2F, 8), (WIDTH - 1, 14), (HEIGHT - 1, 14), (0, 1), (0, 3)]
    fields += [(0, 1), (0, 1), (0, 1)]  # no transform, no cache of colours, one group of codes
    fields += [(1, 1), (0, 1), (1, 1), (0, 8)] * 5  # simple, one symbol, of eight bits, which is 0
    number = length = 0
    for value, bits in fields:
        number |= value << length
        length += bits
    data = number.to_bytes(-(-length // 8) + 8, "little")
    chunk = b"VP8L" + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


@cache
def jpeg_of_scans(bands: int = _BANDS, *, width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """A progressive JPEG of one scan for each band of frequencies: a pass over all blocks for 200 bytes."""
    blocks = -(-width // 8) * -(-height // 8)
    head = jpeg_segment(0xDB, b"\0" + bytes([1]) * 64)
    head += jpeg_segment(0xC2, struct.pack(">BHHB", 8, height, width, 1) + b"\1\x11\0")
    head += jpeg_segment(0xC4, b"\0" + bytes([1, *[0] * 15]) + b"\0")  # DC: the code 0 says no change
    head += jpeg_segment(0xC4, b"\x10" + bytes([1, *[0] * 15]) + b"\xe0")  # AC: the code 0 is a long run
    first = jpeg_segment(0xDA, b"\1\1\0\0\0\0") + bytes(-(-blocks // 8))
    runs = -(-blocks // _LONGEST_RUN)
    bits = "0" + f"{_LONGEST_RUN - 16_384:014b}"
    data = (bits * runs).ljust(-(-len(bits) * runs // 8) * 8, "0")
    packed = int(data, 2).to_bytes(len(data) // 8, "big").replace(b"\xff", b"\xff\0")
    scans = (
        jpeg_segment(0xDA, b"\1\1\0" + bytes([band % _BANDS + 1] * 2) + b"\0") + packed
        for band in range(bands)
    )
    return b"\xff\xd8" + head + first + b"".join(scans) + b"\xff\xd9"


@cache
def cut_into_scans() -> bytes:
    """A small JPEG of more scans than any encoder writes."""
    return jpeg_of_scans(500, width=80, height=80)
