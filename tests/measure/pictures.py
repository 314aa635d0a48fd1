"""Pictures for the tests, made on the spot: every format, and the flavours of it that readers trip over.

Formats that Pillow cannot write the way a test needs them (interlaced PNG, tiled TIFF, BMP of both ages) are
put together by hand here.
"""

import io
import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import pillow_heif
from PIL import Image

from retailpulse.domain.images import Format

WIDTH, HEIGHT = 94, 70  # x265 pads what is odd or under 64; no multiple of a block, strip or tile
LIMIT = 250_000_000
ORIENTATION_TAG = 274


@cache
def picture(width: int = WIDTH, height: int = HEIGHT, mode: str = "RGB") -> Image.Image:
    """A blurred field of colours: compresses like a photo, the same on every run."""
    small = (max(2, width // 8), max(2, height // 8))
    noise = Image.frombytes("RGB", small, random.Random(width * height).randbytes(3 * small[0] * small[1]))
    return noise.resize((width, height), Image.Resampling.BICUBIC).convert(mode)


def saved(image_format: str, image: Image.Image | None = None, **options: object) -> bytes:
    out = io.BytesIO()
    (picture() if image is None else image).save(out, image_format, **options)
    return out.getvalue()


def heic(image: Image.Image | None = None, **options: object) -> bytes:
    out = io.BytesIO()
    pillow_heif.from_pillow(picture() if image is None else image).save(out, **options)
    return out.getvalue()


def exif(orientation: int, thumbnail: bytes = b"") -> bytes:
    """EXIF data with an orientation, and bytes behind it where cameras put a thumbnail."""
    data = Image.Exif()
    data[ORIENTATION_TAG] = orientation
    return data.tobytes() + thumbnail


def boxed(kind: bytes, content: bytes, *, size: int | None = None) -> bytes:
    """A box of an ISO container; `size` makes it lie about its length."""
    return struct.pack(">I", len(content) + 8 if size is None else size) + kind + content


def container(iloc: bytes) -> bytes:
    """A HEIC of one picture without any data, whose places are given."""
    ipco = boxed(b"ipco", boxed(b"ispe", struct.pack(">III", 0, WIDTH, HEIGHT)))
    ipma = boxed(b"ipma", struct.pack(">IIHBB", 0, 1, 1, 1, 1))
    pitm = boxed(b"pitm", struct.pack(">IH", 0, 1))
    meta = boxed(b"meta", bytes(4) + pitm + boxed(b"iprp", ipco + ipma) + boxed(b"iloc", iloc))
    return boxed(b"ftyp", b"heic" + bytes(4) + b"mif1") + meta


def jpeg_segment(marker: int, content: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(content) + 2) + content


def odd_sampling(width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """A JPEG of a sampling that the fast path does not know.

    One flat colour, one table for all components: its data means the same under another sampling.
    """
    odd = bytearray(saved("JPEG", Image.new("RGB", (width, height), (128, 128, 128)), keep_rgb=True))
    odd[odd.index(b"\xff\xc0") + 14] = 0x21
    return bytes(odd)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, chunks: bytes, *, interlace: int = 0) -> bytes:
    """An 8-bit grey PNG of the given chunks between its first and its last."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, interlace)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + chunks + png_chunk(b"IEND", b"")


def interlaced_png() -> bytes:
    """The seven passes of Adam7, each row without a filter."""
    grey = picture(mode="L")
    rows = b""
    for left, top, right, down in (
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ):
        for y in range(top, HEIGHT, down):
            rows += b"\0" + grey.crop((0, y, WIDTH, y + 1)).tobytes()[left::right]
    return png(WIDTH, HEIGHT, png_chunk(b"IDAT", zlib.compress(rows)), interlace=1)


def bmp(width: int, height: int, *, core: bool = False) -> bytes:
    """A 24-bit BMP with the header of OS/2 (`core`) or of Windows; a negative height is stored top down."""
    pixels = bytes((width * 3 + 3) // 4 * 4 * abs(height))
    head = struct.pack("<IHHHH", 12, width, height, 1, 24) if core else b""
    head = head or struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(pixels), 0, 0, 0, 0)
    start = 14 + len(head)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + head + pixels


def tiff(
    order: str = "<", *, big: bool = False, tiled: bool = False, at_end: bool = False, orientation: int = 1
) -> bytes:
    """An uncompressed grey TIFF: strips or tiles, either byte order, its directory first or last."""
    head_bytes, field = (16, "Q") if big else (8, "I")
    field_bytes = struct.calcsize(field)
    parts = _tiles() if tiled else _strips()
    pixels = b"".join(parts)
    tags: dict[int, list[int]] = {
        256: [WIDTH],
        257: [HEIGHT],
        258: [8],
        259: [1],
        262: [1],
        274: [orientation],
    }
    tags |= {277: [1], 278: [16]} | ({322: [16], 323: [16]} if tiled else {})
    places, lengths = (324, 325) if tiled else (273, 279)
    tags |= {places: [0] * len(parts), lengths: [len(part) for part in parts]}
    directory_bytes = (8 if big else 2) + len(tags) * (4 + 2 * field_bytes) + field_bytes
    lists_bytes = 2 * 4 * len(parts)
    first = head_bytes + (len(pixels) if at_end else 0)
    start = head_bytes if at_end else first + directory_bytes + lists_bytes
    tags[places] = [start + sum(map(len, parts[:index])) for index in range(len(parts))]
    entries, lists = b"", b""
    for tag, values in sorted(tags.items()):
        entries += struct.pack(f"{order}HH{field}", tag, 4, len(values))
        if len(values) == 1:
            entries += struct.pack(order + "I", values[0]).ljust(field_bytes, b"\0")
        else:
            entries += struct.pack(order + field, first + directory_bytes + len(lists))
            lists += struct.pack(f"{order}{len(values)}I", *values)
    count = struct.pack(order + ("Q" if big else "H"), len(tags))
    directory = count + entries + bytes(field_bytes) + lists
    head = (b"II" if order == "<" else b"MM") + (
        struct.pack(order + "HHHQ", 43, 8, 0, first) if big else struct.pack(order + "HI", 42, first)
    )
    return head + (pixels + directory if at_end else directory + pixels)


def fax(rows: int = 20_000) -> bytes:
    """A TIFF of bad code words: libtiff writes a line for nearly every row, and gives a picture."""
    data = random.Random(1).randbytes(rows * 4)
    tags = {256: 100, 257: rows, 258: 1, 259: 2, 262: 0, 273: 0, 277: 1, 278: rows, 279: len(data)}
    tags[273] = 8 + 2 + 12 * len(tags) + 4
    directory = struct.pack("<H", len(tags))
    directory += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<I", 8) + directory + bytes(4) + data


def _strips() -> list[bytes]:
    grey = picture(mode="L")
    return [grey.crop((0, y, WIDTH, min(HEIGHT, y + 16))).tobytes() for y in range(0, HEIGHT, 16)]


def _tiles() -> list[bytes]:
    grey = picture(mode="L")
    corners = [(x, y) for y in range(0, HEIGHT, 16) for x in range(0, WIDTH, 16)]
    return [grey.crop((x, y, x + 16, y + 16)).tobytes() for x, y in corners]


@dataclass(frozen=True, kw_only=True)
class Flavour:
    """One way to write a picture of WIDTH x HEIGHT."""

    format: Format
    make: Callable[[], bytes]

    @property
    def body(self) -> bytes:
        return _body(self.make)


@cache
def _body(make: Callable[[], bytes]) -> bytes:
    return make()


def _animation(image_format: str) -> bytes:
    frames = [
        picture().transpose(Image.Transpose.ROTATE_180),
        picture().transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    ]
    return saved(image_format, save_all=True, append_images=frames)


def _flavour(image_format: Format, make: Callable[[], bytes]) -> Flavour:
    return Flavour(format=image_format, make=make)


FLAVOURS = {
    "jpeg baseline": _flavour(Format.JPEG, lambda: saved("JPEG")),
    "jpeg progressive": _flavour(Format.JPEG, lambda: saved("JPEG", progressive=True)),
    "jpeg grey": _flavour(Format.JPEG, lambda: saved("JPEG", picture(mode="L"))),
    "jpeg cmyk": _flavour(Format.JPEG, lambda: saved("JPEG", picture(mode="CMYK"))),
    "jpeg restarts": _flavour(Format.JPEG, lambda: saved("JPEG", restart_marker_blocks=2)),
    "jpeg thumbnail": _flavour(
        Format.JPEG, lambda: saved("JPEG", exif=exif(1, saved("JPEG", picture(16, 12))))
    ),
    "png": _flavour(Format.PNG, lambda: saved("PNG")),
    "png palette": _flavour(Format.PNG, lambda: saved("PNG", picture(mode="P"))),
    "png 16 bit": _flavour(Format.PNG, lambda: saved("PNG", picture(mode="I;16"))),
    "png interlaced": _flavour(Format.PNG, interlaced_png),
    "gif": _flavour(Format.GIF, lambda: saved("GIF")),
    "gif animated": _flavour(Format.GIF, lambda: _animation("GIF")),
    "webp lossy": _flavour(Format.WEBP, lambda: saved("WEBP")),
    "webp lossless": _flavour(Format.WEBP, lambda: saved("WEBP", lossless=True)),
    "webp alpha": _flavour(Format.WEBP, lambda: saved("WEBP", picture(mode="RGBA"), exif=exif(1))),
    "webp animated": _flavour(Format.WEBP, lambda: _animation("WEBP")),
    "bmp": _flavour(Format.BMP, lambda: saved("BMP")),
    "bmp palette": _flavour(Format.BMP, lambda: saved("BMP", picture(mode="P"))),
    "bmp top down": _flavour(Format.BMP, lambda: bmp(WIDTH, -HEIGHT)),
    "bmp os/2": _flavour(Format.BMP, lambda: bmp(WIDTH, HEIGHT, core=True)),
    "tiff strips": _flavour(Format.TIFF, tiff),
    "tiff big-endian": _flavour(Format.TIFF, lambda: tiff(">")),
    "tiff tiles": _flavour(Format.TIFF, lambda: tiff(tiled=True)),
    "tiff directory last": _flavour(Format.TIFF, lambda: tiff(">", tiled=True, at_end=True)),
    "tiff lzw": _flavour(Format.TIFF, lambda: saved("TIFF", compression="tiff_lzw")),
    "bigtiff": _flavour(Format.TIFF, lambda: tiff(big=True)),
    "avif": _flavour(Format.AVIF, lambda: saved("AVIF", speed=10)),
    "avif animated": _flavour(Format.AVIF, lambda: _animation("AVIF")),
    "heic": _flavour(Format.HEIC, heic),
    "heic grid": _flavour(Format.HEIC, lambda: heic(tile_size=64)),
}

_NAMES = {flavour.format: name for name, flavour in reversed(FLAVOURS.items())}
PLAIN = [_NAMES[image_format] for image_format in Format]
"""Of each format the flavour that stands first above."""
