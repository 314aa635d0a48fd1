"""Files made to keep a reader busy: small parts without end, in every format, of any length.

None of them holds a picture; what a decoder makes of them is not asked.
"""

import struct
from collections.abc import Callable

from tests.measure.pictures import bmp, boxed, jpeg_segment, png_chunk

FTYP = boxed(b"ftyp", b"heic" + bytes(4) + b"mif1")
PITM = boxed(b"pitm", struct.pack(">IH", 0, 1))
ISPE = boxed(b"ispe", struct.pack(">III", 0, 90, 70))
IPMA = boxed(b"ipma", struct.pack(">IIHBB", 0, 1, 1, 1, 1))
FRAME = jpeg_segment(0xC0, b"\x08\0\x46\0\x5a\x01\x01\x11\0")
SCAN = jpeg_segment(0xDA, b"\x01\x01\0\0\x3f\0")
PNG_HEAD = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 90, 70, 8, 0, 0, 0, 0))
GIF_HEAD = b"GIF89a" + struct.pack("<HHBBB", 90, 70, 0, 0, 0)
NOTHING = struct.pack("<HHII", 0, 3, 1, 0)
"""An entry of a TIFF directory that says nothing."""


def _meta(*boxes: bytes) -> bytes:
    return FTYP + boxed(b"meta", bytes(4) + b"".join(boxes))


def _placed(iloc: bytes) -> bytes:
    return _meta(PITM, boxed(b"iprp", boxed(b"ipco", ISPE) + IPMA), boxed(b"iloc", iloc))


def _webp(chunks: bytes) -> bytes:
    return b"RIFF\xff\xff\xff\x7fWEBPVP8X\x0a\0\0\0\x08\0\0\0\x59\0\0\x45\0\0" + chunks


def _exif(size: int) -> bytes:
    """EXIF whose first directory is as long as one can be, and says no orientation."""
    count = min(size // 12, 65_535)
    return b"II*\0" + struct.pack("<IH", 8, count) + NOTHING * count


def _bigtiff(size: int) -> bytes:
    count = size // 20
    entry = struct.pack("<HHQQ", 0, 3, 1, 0)
    return b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, count) + entry * count + bytes(8)


def _tiff(tags: dict[int, tuple[int, int]], rest: bytes, next_directory: int = 0) -> bytes:
    """A TIFF with these tags, of one number or of a list of so many at a place."""
    entries = (struct.pack("<HHII", tag, 4, *value) for tag, value in sorted(tags.items()))
    return (
        b"II*\0\x08\0\0\0"
        + struct.pack("<H", len(tags))
        + b"".join(entries)
        + struct.pack("<I", next_directory)
        + rest
    )


def _tiff_of_parts(size: int) -> bytes:
    """A TIFF whose seven lists all are the same numbers, as many as fit."""
    start = 8 + 2 + 9 * 12 + 4
    lists = dict.fromkeys((258, 273, 279, 320, 324, 325, 347), (min(size // 4, 1_000_000), start))
    return _tiff({256: (1, 90), 257: (1, 70), **lists}, bytes(size))


def _tiff_in_a_circle(_: int) -> bytes:
    """A TIFF whose first directory names itself as the next, and as those of EXIF, GPS and others."""
    inner = dict.fromkeys((330, 34_665, 34_853), (1, 8))
    return _tiff({256: (1, 90), 257: (1, 70), 273: (1, 8), 279: (1, 4), **inner}, b"", next_directory=8)


SWOLLEN: dict[str, Callable[[int], bytes]] = {
    "heif property entries": lambda size: _meta(
        PITM,
        boxed(b"iprp", boxed(b"ipco", ISPE) + boxed(b"ipma", struct.pack(">II", 0, size // 3) + bytes(size))),
    ),
    "heif property entries in many boxes": lambda size: _meta(
        PITM,
        boxed(
            b"iprp",
            boxed(b"ipco", ISPE)
            + boxed(b"ipma", struct.pack(">II", 0, 9000) + bytes(27_000)) * (size // 27_016),
        ),
    ),
    "heif empty property boxes": lambda size: _meta(
        PITM, boxed(b"iprp", boxed(b"ipma", bytes(8)) * (size // 16))
    ),
    "heif properties": lambda size: _meta(
        PITM, boxed(b"iprp", boxed(b"ipco", boxed(b"irot", b"") * (size // 8)))
    ),
    "heif properties of one item": lambda size: _meta(
        PITM,
        boxed(
            b"iprp",
            boxed(b"ipco", ISPE)
            + boxed(b"ipma", struct.pack(">IIHB", 0, 1, 9, 255) + bytes(255)) * (size // 274),
        ),
    ),
    "heif brands": lambda size: boxed(b"ftyp", bytes(4_080) + b"mif1") + boxed(b"meta", bytes(size)),
    "heif boxes": lambda size: FTYP + boxed(b"free", b"") * (size // 8),
    "heif boxes in meta": lambda size: _meta(boxed(b"free", b"") * (size // 8), PITM),
    "heif long boxes": lambda size: FTYP + struct.pack(">I4sQ", 1, b"free", 16) * (size // 16),
    "heif parts without bytes": lambda size: _placed(
        struct.pack(">IHH", 0, 0, size // 6) + struct.pack(">HHH", 1, 0, 0xFFFF) * (size // 6)
        if size // 6 < 0xFFFF
        else struct.pack(">IHH", 0, 0, 0xFFFF) + struct.pack(">HHH", 1, 0, 0xFFFF) * (size // 6)
    ),
    "heif items": lambda size: _placed(
        struct.pack(">IHI", 2 << 24, 0, size // 10) + bytes(10) * (size // 10)
    ),
    "gif one-byte blocks": lambda size: GIF_HEAD + b"!\xff" + b"\x01a" * (size // 2) + b"\0;",
    "gif blocks that break off": lambda size: GIF_HEAD + b"!\xff" + b"\x01a" * min(size // 2, 4_000),
    "gif short blocks": lambda size: GIF_HEAD + (b"!\xff" + b"\x01a" * 40 + b"\0") * (size // 83) + b";",
    "gif empty blocks": lambda size: GIF_HEAD + b"!\xff\0" * (size // 3) + b";",
    "gif images": lambda size: GIF_HEAD + (b"," + bytes(9) + b"\x02\0") * (size // 12) + b";",
    "gif garbage": lambda size: GIF_HEAD + bytes(size) + b";",
    "png chunks": lambda size: PNG_HEAD + png_chunk(b"tIME", b"") * (size // 12),
    "png data chunks": lambda size: (
        PNG_HEAD + png_chunk(b"IDAT", b"") * (size // 12) + png_chunk(b"IEND", b"")
    ),
    "png exif": lambda size: PNG_HEAD + png_chunk(b"eXIf", _exif(size)) + png_chunk(b"IEND", b""),
    "webp chunks": lambda size: _webp(b"JUNK\0\0\0\0" * (size // 8)),
    "webp exif": lambda size: _webp(b"EXIF" + struct.pack("<I", len(_exif(size))) + _exif(size)),
    "jpeg segments": lambda size: b"\xff\xd8" + jpeg_segment(0xFE, b"") * (size // 4) + FRAME,
    "jpeg segments behind the frame": lambda size: (
        b"\xff\xd8" + FRAME + jpeg_segment(0xFE, b"") * (size // 4) + SCAN
    ),
    "jpeg bare markers": lambda size: b"\xff\xd8\xff\x01" + b"\xff\xd0" * (size // 2) + FRAME,
    "jpeg fill bytes": lambda size: b"\xff\xd8" + b"\xff" * size + FRAME,
    "jpeg escaped bytes": lambda size: b"\xff\xd8\xff\x01" + b"\xff\0" * (size // 2) + FRAME,
    "jpeg garbage between segments": lambda size: (
        b"\xff\xd8" + (jpeg_segment(0xFE, b"") + bytes(60)) * (size // 64) + FRAME
    ),
    "jpeg exif": lambda size: (
        b"\xff\xd8" + jpeg_segment(0xE1, b"Exif\0\0" + _exif(65_000)) * (size // 65_000) + FRAME
    ),
    "jpeg without an end": lambda size: b"\xff\xd8" + FRAME + SCAN + bytes(size),
    "tiff entries": lambda size: b"II*\0\x08\0\0\0\xff\xff" + NOTHING * min(size // 12, 65_535) + bytes(4),
    "bigtiff entries": _bigtiff,
    "tiff parts": _tiff_of_parts,
    "tiff in a circle": _tiff_in_a_circle,
    "bmp": lambda size: bmp(90, 70)[:54] + bytes(size),
}
