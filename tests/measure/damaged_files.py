"""Pictures with texture, files of them with zeroed parts, and HEIC files put together in other ways."""

import random
import struct
from functools import cache
from itertools import pairwise

from PIL import Image

HOLE_BYTES = 4096


@cache
def textured(width: int = 480, height: int = 360, mode: str = "RGB") -> Image.Image:
    """Soft shapes under grain as of a sensor: no part is flat, so no coder has honest zeros in a row."""
    dice = random.Random(width * height)
    soft = Image.frombytes("RGB", (24, 18), dice.randbytes(3 * 24 * 18)).resize((width, height))
    grain = Image.frombytes("RGB", (width, height), dice.randbytes(3 * width * height))
    picture = Image.blend(soft, grain, 0.3)
    if mode == "RGBA":
        picture.putalpha(grain.convert("L"))
    return picture


def holed(body: bytes, at: int, length: int = HOLE_BYTES) -> bytes:
    """The body with a zeroed part."""
    return body[:at] + bytes(length) + body[at + length :]


def zeroed_from(body: bytes, at: int) -> bytes:
    """The body with zeros from an offset to its end."""
    return body[:at] + bytes(len(body) - at)


def heif_rebuilt(body: bytes, *, extents: int = 1, in_idat: bool = False, padding: int = 0) -> bytes:
    """A HEIC or AVIF of one item again, its data in several extents with gaps, or inside the meta box.

    `padding` is how many zeros follow the data inside the item.
    """
    boxes = _boxes(body, 0, len(body))
    meta, mdat = boxes[b"meta"], boxes[b"mdat"]
    data = body[mdat.start : mdat.stop] + bytes(padding)
    item = struct.unpack_from(">H", body, _boxes(body, meta.start + 4, meta.stop)[b"pitm"].start + 4)[0]
    cuts = [len(data) * place // extents for place in range(extents + 1)]
    parts = [data[start:stop] for start, stop in pairwise(cuts)]
    gap = b"" if extents == 1 else b"\xff" * 10
    base = 0
    for _ in range(2):  # the second time around it is known where the data begin
        iloc = struct.pack(">IBBHHHHH", 1 << 24, 0x44, 0, 1, item, int(in_idat), 0, extents)
        for place, part in enumerate(parts):
            iloc += struct.pack(">II", base + cuts[place] + place * len(gap), len(part))
        stored = gap.join(parts)
        inner = b"".join(
            body[box.start - 8 : box.stop]
            for kind, box in _boxes(body, meta.start + 4, meta.stop).items()
            if kind != b"iloc"
        )
        inner += _box(b"iloc", iloc) + (_box(b"idat", stored) if in_idat else b"")
        start = body[: meta.start - 8] + _box(b"meta", bytes(4) + inner)
        base = 0 if in_idat else len(start) + 8
    return start + (b"" if in_idat else _box(b"mdat", stored))


def _boxes(body: bytes, start: int, end: int) -> dict[bytes, slice]:
    found = {}
    while start < end:
        length, kind = struct.unpack_from(">I4s", body, start)
        found[kind] = slice(start + 8, start + length)
        start += length
    return found


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content
