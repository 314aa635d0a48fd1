"""The kinds of files that are damaged: each way of coding a picture, and what draws and damages it.

Weak: pictures are drawn, with grain everywhere; what flat pictures may honestly hold is the tests' to say.
"""

import io
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import pillow_heif
from PIL import Image

from bench.cases import Photo
from bench.photos import grain, soft_picture

HOLE_BYTES = 4096
SIZES = ((640, 480), (1280, 960), (2000, 1500), (4000, 3000))
QUALITIES = (50, 65, 80, 95)
GRAINS = (0.05, 0.2)

Encode = Callable[[Image.Image, int], bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A way of coding a picture; `is_wanted` says that at least 99% of zeroed parts must be found in it."""

    name: str
    encode: Encode
    has_quality: bool = True
    is_wanted: bool = True


_WITH_QUALITY = frozenset({"JPEG", "AVIF", "WEBP"})


def _by_pillow(image_format: str, **options: object) -> Encode:
    def encode(picture: Image.Image, quality: int) -> bytes:
        out = io.BytesIO()
        qualities = {"quality": quality} if image_format in _WITH_QUALITY else {}
        picture.save(out, image_format, **{**qualities, **options})
        return out.getvalue()

    return encode


_FAST = {"preset": "ultrafast"}
"""Of x265: a tenth of the time, and larger files."""


def _by_libheif(**options: object) -> Encode:
    def encode(picture: Image.Image, quality: int) -> bytes:
        out = io.BytesIO()
        pillow_heif.from_pillow(picture).save(out, quality=quality, enc_params=_FAST, **options)
        return out.getvalue()

    return encode


KINDS = (
    Kind(name="JPEG", encode=_by_pillow("JPEG")),
    Kind(name="JPEG, own tables", encode=_by_pillow("JPEG", optimize=True)),
    Kind(name="JPEG, progressive", encode=_by_pillow("JPEG", progressive=True)),
    Kind(name="PNG", encode=_by_pillow("PNG"), has_quality=False),
    Kind(name="GIF", encode=_by_pillow("GIF"), has_quality=False),
    Kind(name="HEIC", encode=_by_libheif()),
    Kind(name="HEIC, tiles of 512", encode=_by_libheif(tile_size=512)),
    Kind(name="AVIF", encode=_by_pillow("AVIF", speed=10)),
    Kind(name="WebP", encode=_by_pillow("WEBP")),
    Kind(
        name="WebP, lossless",
        encode=_by_pillow("WEBP", lossless=True, quality=0, method=0),
        has_quality=False,
        is_wanted=False,
    ),
    Kind(
        name="TIFF, LZW",
        encode=_by_pillow("TIFF", compression="tiff_lzw"),
        has_quality=False,
        is_wanted=False,
    ),
    Kind(
        name="TIFF, deflate",
        encode=_by_pillow("TIFF", compression="tiff_adobe_deflate"),
        has_quality=False,
        is_wanted=False,
    ),
)


@cache
def draw(width: int, height: int, strength: float) -> Image.Image:
    """Soft shapes under grain; the same on every run."""
    photo = Photo(name="damaged", width=width, height=height, size_bytes=0)
    return Image.blend(soft_picture(photo), grain(photo), strength)


def files(kind: Kind, sizes: tuple[tuple[int, int], ...]) -> Iterator[bytes]:
    """Whole files of a kind: each size in each strength of grain, and each quality where there is such."""
    for width, height in sizes:
        for strength in GRAINS:
            for quality in QUALITIES if kind.has_quality else QUALITIES[:1]:
                yield kind.encode(draw(width, height, strength), quality)


def _hole(body: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(body) // 10, len(body) - HOLE_BYTES)
    return body[:at] + bytes(HOLE_BYTES) + body[at + HOLE_BYTES :]


def _zeroed_tail(body: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(body) // 10, len(body) - HOLE_BYTES)
    return body[:at] + bytes(len(body) - at)


def _zeroed_end(body: bytes, _dice: random.Random) -> bytes:
    return body[:-HOLE_BYTES] + bytes(HOLE_BYTES)


DAMAGES: Mapping[str, Callable[[bytes, random.Random], bytes]] = {
    "a hole of 4 kB": _hole,
    "zeros from somewhere on": _zeroed_tail,
    "the last 4 kB": _zeroed_end,
}
"""What becomes of files, by the words of the table; no part of a file's first tenth is touched."""
