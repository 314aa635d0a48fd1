"""Reading TIFF: the first directory of a file, classic or BigTIFF, and the same thing inside EXIF.

Weak: only the first directory counts, so a raw photo of a camera is measured by the preview it puts there.
"""

import operator
import struct
from typing import NamedTuple

from PIL import UnidentifiedImageError
from PIL.Image import Image

from retailpulse.domain.images import Format
from retailpulse.measure.formats.faults import corrupt, truncated, unsupported
from retailpulse.measure.formats.image_format import ImageFormat, Size
from retailpulse.measure.formats.libraries import library
from retailpulse.measure.formats.pillow import PillowPicture, Plugin
from retailpulse.measure.formats.tiff_embedded import CODECS, decode_parts
from retailpulse.measure.formats.work import Work
from retailpulse.measure.formats.zeros import has_zeroed_pages, has_zeros

_WIDTH, _HEIGHT, _ORIENTATION = 256, 257, 274
_STRIPS, _TILES = (273, 279), (324, 325)  # offsets and byte counts
_BITS = 258
_NEEDED = (_BITS, 320, 347)  # bits per sample, colour map, JPEG tables: no decoding without them
_COMPRESSION, _PHOTOMETRIC, _SAMPLES, _STRIP_ROWS, _TILE_SIZE = 259, 262, 277, 278, (322, 323)
_WANTED = frozenset(
    {
        _WIDTH,
        _HEIGHT,
        _ORIENTATION,
        *_STRIPS,
        *_TILES,
        *_NEEDED,
        _COMPRESSION,
        _PHOTOMETRIC,
        _SAMPLES,
        _STRIP_ROWS,
        *_TILE_SIZE,
    }
)
_CODES = {1: "B", 3: "H", 4: "I", 7: "B", 13: "I", 16: "Q", 18: "Q"}

_DECODABLE = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 32771, 32773, 32809, 32946, 34925, 50000})
"""Compressions that the decoder knows, beside those whose parts are files of another format."""
_PHOTOMETRICS = frozenset({0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 32803, 32844, 32845, 34892, 51177, 52527})
"""Meanings of pixels that there are; any other number is damage."""

_RAW, _PACKED = 1, frozenset({5, 8, 32946, 32773, 34925, 50000})
"""Compressions: none; LZW, deflate twice, PackBits, LZMA, Zstandard."""
_LEAST_ZEROS = 1024
_MOST_PACKED = 1032
"""Bytes that deflate makes one of at most: 258 of two bits, which are zeros in flat pictures (RFC 1951)."""

_NUMBERS_PER_STEP = 8
_PART_STEPS = 5
MAX_PARTS = 1_000_000
"""Strips or tiles that are held in memory; a picture of the largest size has far fewer."""


class _Layout(NamedTuple):
    order: str
    head: struct.Struct  # offset of the first directory
    head_at: int
    entries: struct.Struct
    entry: struct.Struct


class _Entry(NamedTuple):
    kind: int
    numbers: int
    field: bytes


_Directory = dict[int, _Entry]


def _layout(order: str, *, big: bool) -> _Layout:
    codes = ("Q", 8, "Q", "HHQ8s") if big else ("I", 4, "H", "HHI4s")
    return _Layout(
        order,
        struct.Struct(order + codes[0]),
        codes[1],
        struct.Struct(order + codes[2]),
        struct.Struct(order + codes[3]),
    )


_LAYOUTS = {
    b"II*\0": _layout("<", big=False),
    b"MM\0*": _layout(">", big=False),
    b"II+\0": _layout("<", big=True),
    b"MM\0+": _layout(">", big=True),
}


def read_size(data: bytes, work: Work) -> Size | None:
    """Width, height and turn, or None if more bytes are needed."""
    layout = _LAYOUTS[data[:4]]
    directory = _read_directory(data, layout, work)
    if directory is None:
        return None
    width, height = (_number(directory.get(tag), layout) for tag in (_WIDTH, _HEIGHT))
    if width is None or height is None:
        raise corrupt("the TIFF does not say its width and height")
    return Size(width, height, _turns(_number(directory.get(_ORIENTATION), layout)))


def check_end(body: bytes, _: Size, work: Work) -> None:
    """Raise ImageError `truncated` if a strip, a tile or a needed list lies beyond the end of the file."""
    layout = _LAYOUTS[body[:4]]
    directory = _read_directory(body, layout, work) or {}
    for tag in _NEEDED:
        _numbers(body, directory.get(tag), layout, work)
    for offsets_tag, lengths_tag in (_STRIPS, _TILES):
        offsets = _numbers(body, directory.get(offsets_tag), layout, work)
        lengths = _numbers(body, directory.get(lengths_tag), layout, work)
        last = max(map(operator.add, offsets, lengths), default=max(offsets, default=0))
        if last > len(body):
            raise truncated(f"the TIFF ends after {len(body)} of at least {last} bytes")


def find_damage(body: bytes, size: Size, work: Work) -> str | None:
    """Whether a strip or a tile was zeroed, in a few words; None if none was."""
    layout = _LAYOUTS[body[:4]]
    directory = _read_directory(body, layout, work) or {}
    places, (width, height) = _parts(body, directory, layout, size, work)
    compression, samples = (_number(directory.get(tag), layout) or 1 for tag in (_COMPRESSION, _SAMPLES))
    if compression == _RAW and places:
        start, end = min(start for start, _ in places), max(start + length for start, length in places)
        return "a page of the TIFF's pixels was zeroed" if has_zeroed_pages(body, start, end, work) else None
    if compression not in _PACKED:
        return None
    bits = max(_numbers(body, directory.get(_BITS), layout, work), default=1)
    least = _LEAST_ZEROS + width * height * samples * bits // 8 // _MOST_PACKED
    left = len(body)
    for start, length in places:
        work.spend(_PART_STEPS)
        left -= length
        if left < 0:  # they share their data
            break
        if has_zeros(body, start, start + length, least):
            return "the packed data of the TIFF have a run of zeros that no picture makes"
    return None


def exif_turns(data: bytes, start: int, end: int, work: Work) -> bool:
    """Whether the EXIF data between two positions asks viewers to swap width and height.

    EXIF is an extra: whatever is wrong with it, the picture counts as not turned; but raises
    ImageError `corrupt` if the work is used up.
    """
    layout = _LAYOUTS.get(data[start : start + 4])
    end = min(end, len(data))
    if layout is None or layout.head_at != 4 or start + 8 > end:
        return False
    first = start + layout.head.unpack_from(data, start + 4)[0]
    if first + 2 > end:
        return False
    count = min(layout.entries.unpack_from(data, first)[0], (end - first - 2) // 12)
    work.spend(count)
    for tag, kind, number, field in layout.entry.iter_unpack(data[first + 2 : first + 2 + 12 * count]):
        if tag == _ORIENTATION:
            return _turns(_number(_Entry(kind, number, field), layout))
    return False


def _turns(orientation: int | None) -> bool:
    return orientation is not None and 5 <= orientation <= 8


def _read_directory(data: bytes, layout: _Layout, work: Work) -> _Directory | None:
    if len(data) < layout.head_at + layout.head.size:
        return None
    first = layout.head.unpack_from(data, layout.head_at)[0]
    if first < layout.head_at + layout.head.size:
        raise corrupt("the TIFF has no first directory")
    entries = first + layout.entries.size
    if len(data) < entries:
        return None
    count = layout.entries.unpack_from(data, first)[0]
    if count == 0:
        raise corrupt("the first directory of the TIFF is empty")
    work.spend(count)
    end = entries + count * layout.entry.size
    if len(data) < end:
        return None
    found: _Directory = {}
    for tag, *rest in layout.entry.iter_unpack(data[entries:end]):
        if tag in _WANTED and tag not in found:  # of a repeated tag the first counts
            found[tag] = _Entry(*rest)
    return found


def _number(entry: _Entry | None, layout: _Layout) -> int | None:
    """The value of an entry that holds one number inside itself, or None."""
    if entry is None or entry.numbers != 1 or entry.kind not in _CODES:
        return None
    number: int = struct.unpack_from(layout.order + _CODES[entry.kind], entry.field.ljust(8, b"\0"))[0]
    return number


def _numbers(body: bytes, entry: _Entry | None, layout: _Layout, work: Work) -> tuple[int, ...]:
    """All values of an entry, wherever they are."""
    if entry is None:
        return ()
    if entry.kind not in _CODES or entry.numbers > MAX_PARTS:
        raise corrupt("the TIFF has a list of an unknown kind or an impossible length")
    work.spend(entry.numbers // _NUMBERS_PER_STEP)
    array = struct.Struct(f"{layout.order}{entry.numbers}{_CODES[entry.kind]}")
    if array.size <= len(entry.field):
        return array.unpack_from(entry.field)
    start = layout.head.unpack(entry.field)[0]
    if start + array.size > len(body):
        raise truncated("the TIFF ends before one of its lists does")
    return array.unpack_from(body, start)


class _TiffPicture(PillowPicture):
    __slots__ = ("_body",)

    def __init__(self, image: Image, size: Size, body: bytes) -> None:
        super().__init__(image, size)
        self._body = body

    def _find_exif(self) -> bytes:
        return self._body


def _decode(body: bytes, size: Size, max_pixels: int) -> _TiffPicture:
    if body.startswith(b"MM\0+"):  # Pillow 13 takes it for a classic one
        raise unsupported("a big-endian BigTIFF cannot be decoded")
    layout, work = _LAYOUTS[body[:4]], Work()  # the end check went over the same entries
    directory = _read_directory(body, layout, work) or {}
    compression = _number(directory.get(_COMPRESSION), layout) or 1
    if compression in CODECS:
        places, part = _parts(body, directory, layout, size, work)
        return _TiffPicture(decode_parts(body, size, CODECS[compression], places, part), size, body)
    if compression not in _DECODABLE:
        raise unsupported(f"a TIFF of compression {compression} cannot be decoded")
    try:
        return _TiffPicture(_PLUGIN.decode_image(body, max_pixels), size, body)
    except UnidentifiedImageError:
        kind = _number(directory.get(_PHOTOMETRIC), layout) or 0
        bits = _numbers(body, directory.get(_BITS), layout, work) or (1,)
        if kind in _PHOTOMETRICS and not _is_decodable(kind, bits):
            said = f"photometric interpretation {kind}, {bits[0]} bits a sample"
            raise unsupported(f"this kind of TIFF ({said}) cannot be decoded") from None
        raise


def _parts(
    body: bytes, directory: _Directory, layout: _Layout, size: Size, work: Work
) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """Offsets and lengths of the strips or tiles, and the size of one."""
    if _TILES[0] in directory:
        offsets_tag, lengths_tag = _TILES
        width, height = (_number(directory.get(tag), layout) or 0 for tag in _TILE_SIZE)
    else:
        offsets_tag, lengths_tag = _STRIPS
        width = size.width
        height = min(size.height, _number(directory.get(_STRIP_ROWS), layout) or size.height)
    offsets = _numbers(body, directory.get(offsets_tag), layout, work)
    lengths = _numbers(body, directory.get(lengths_tag), layout, work)
    return list(zip(offsets, lengths, strict=False)), (width, height)


def _is_decodable(kind: int, bits: tuple[int, ...]) -> bool:
    """Whether the decoder knows pictures of this kind and so many bits, if nothing else is wrong."""
    known = library("PIL.TiffImagePlugin").OPEN_INFO
    return any(key[1] == kind and key[4] == bits for key in known)


_PLUGIN = Plugin("TIFF", "TiffImagePlugin", needs=("libtiff", "zlib"))
FORMAT = ImageFormat(
    name=Format.TIFF,
    starts=tuple(_LAYOUTS),
    read_size=read_size,
    check_end=check_end,
    load=_PLUGIN.load,
    decode=_decode,
    find_damage=find_damage,
)
