"""The bytes that the tricks send: small photos, damaged ones, bombs; made when first asked for.

Bombs are generators: ten gigabytes take no memory. Weak: the check sum at the end of the gzip bomb is wrong,
which nobody sees who did not read all of it.
"""

import io
import zipfile
import zlib
from collections.abc import Iterator
from functools import cache

from tests.measure.pictures import heic, picture, png, png_chunk, saved

_EMPTY_BLOCK = b"\x00\x00\x00\xff\xff"
"""A stored block of deflate that holds nothing."""
BLOCK_BYTES = 65_536
_GZIP_HEAD = b"\x1f\x8b\x08\0\0\0\0\0\x02\x03"
HTML = b"<!DOCTYPE html>\n<html><head><title>Not found</title></head><body>Please log in.</body></html>\n"
SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"></svg>\n'


@cache
def small_jpeg() -> bytes:
    return saved("JPEG")


@cache
def small_png() -> bytes:
    return saved("PNG")


@cache
def small_webp() -> bytes:
    return saved("WEBP")


@cache
def small_heic() -> bytes:
    return heic()


@cache
def photo() -> bytes:
    """A JPEG of more than 100 kB, so that it can break off in the middle."""
    return saved("JPEG", picture(1600, 1200), quality=95)


def cut_photo() -> bytes:
    """All of a file whose upload broke off."""
    return photo()[: len(photo()) // 2]


@cache
def corrupt_png() -> bytes:
    """A PNG whose pixels were scribbled over."""
    body = bytearray(saved("PNG", picture(800, 600)))
    middle = len(body) // 2
    body[middle : middle + 64] = bytes(64)
    return bytes(body)


@cache
def bomb_png() -> bytes:
    """A PNG whose header says 20,000 x 20,000."""
    return png(20_000, 20_000, png_chunk(b"IDAT", zlib.compress(bytes(20_001))))


@cache
def huge_png() -> bytes:
    """A true PNG of 249 million black pixels in a few hundred kilobytes."""
    width, height = 15_800, 15_760
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(width + 1)) for _ in range(height))
    return png(width, height, png_chunk(b"IDAT", rows + packer.flush()))


@cache
def zip_file() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("photo.txt", "not a photo" * 100)
    return out.getvalue()


def polyglot() -> bytes:
    """A photo for those who read from the start, an archive for those who read from the end."""
    return small_jpeg() + zip_file()


def endless_photo() -> Iterator[bytes]:
    """Begins like a photo and never ends."""
    yield photo()[: len(photo()) // 2]
    block = bytes(range(1, 255)) * (BLOCK_BYTES // 254)
    while True:
        yield block


def nested_gzip(gigabytes: int) -> bytes:
    """A few hundred bytes of gzip in gzip in gzip in gzip: gigabytes of blocks that hold not one byte."""
    head = _GZIP_HEAD
    megabyte = _repeatable(_EMPTY_BLOCK * 200_000)
    middle = _repeatable(megabyte * 1_000) * gigabytes
    return head + _repeatable(head + _repeatable(head + _repeatable(head)) + middle)


def _repeatable(data: bytes) -> bytes:
    """Deflated data that does not refer to what is before it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH)


def gzip_bomb(size_bytes: int) -> Iterator[bytes]:
    """The beginning of a photo and that many zeros by gzip, a thousandth of them in bytes.

    One compressed block comes over and over.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    plain_bytes = 1_048_576
    beginning = packer.compress(small_jpeg()) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(plain_bytes)) + packer.flush(zlib.Z_FULL_FLUSH)
    yield _GZIP_HEAD + beginning
    for _ in range(size_bytes // plain_bytes):
        yield block
    yield packer.flush() + bytes(8)
