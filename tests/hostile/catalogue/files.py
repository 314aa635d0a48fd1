"""Hosts that serve files made to keep readers and decoders busy: endless small parts, too many pixels.

The swollen files are those that tests of the readers use; they are sent in gzip, as who attacks would.
"""

import gzip
from collections.abc import Callable
from functools import cache, partial

from retailpulse.domain.images import Cause
from tests.hostile.bombs import colour_png, cut_into_scans, jpeg_of_scans, lossless_webp
from tests.hostile.responses import gives
from tests.hostile.trick import MEASURED, Expected, Trick
from tests.measure.pictures import fax
from tests.measure.swollen import SWOLLEN

_SWOLLEN_BYTES = 4_000_000
_GIVEN_UP = (Cause.CORRUPT, "more parts than any picture needs")


_TOLD_OTHERWISE: dict[str, tuple[Expected, str]] = {
    "heif brands": (Cause.CORRUPT, "main one"),
    "gif blocks that break off": (Cause.TRUNCATED, ""),  # by the header, or for want of a trailer
    "png exif": (Cause.CORRUPT, "cannot be decoded"),
    "webp exif": (Cause.TRUNCATED, "ends after"),
    "jpeg exif": (Cause.TRUNCATED, "no end marker"),
    "jpeg without an end": (Cause.TRUNCATED, "no end marker"),
    "tiff entries": (Cause.CORRUPT, "width and height"),
    "bigtiff entries": (Cause.CORRUPT, ""),  # given up, where its beginning was read several times
    "tiff in a circle": (Cause.TRUNCATED, "ends before"),
    "bmp": (MEASURED, ""),
}
"""What is not given up: there is a bound in what it is made of, and it is judged by what it says."""
_TELLS_ITS_SIZE = frozenset(
    {
        "heif parts without bytes",
        "heif items",
        "gif images",
        "png data chunks",
        "png exif",
        "webp exif",
        "jpeg exif",
        "jpeg without an end",
        "tiff parts",
        "tiff in a circle",
    }
)
"""What begins like a picture: its size is read before its many parts are."""


@cache
def _swollen(name: str, size_bytes: int = _SWOLLEN_BYTES) -> bytes:
    return gzip.compress(SWOLLEN[name](size_bytes), 1)


def _entries_of_heif() -> bytes:
    """16 million properties of one picture, in a few kilobytes of gzip."""
    return _swollen("heif property entries", 48_000_000)


def _swollen_trick(name: str) -> Trick:
    expected, detail = _TOLD_OTHERWISE.get(name, _GIVEN_UP)
    return Trick(
        name=f"file-{name.replace(' ', '-').replace('/', '')}",
        about=f"{_SWOLLEN_BYTES / 1e6:g} MB of {name}",
        answer=gives(partial(_swollen, name), Content_Encoding="gzip"),
        expected=expected,
        detail=detail,
        of_head=MEASURED if name in _TELLS_ITS_SIZE else None,
    )


def _bomb(
    name: str, about: str, make: Callable[[], bytes], expected: Expected = MEASURED, detail: str = ""
) -> Trick:
    return Trick(
        name=f"bomb-{name}",
        about=about,
        answer=gives(make),
        expected=expected,
        detail=detail,
        of_head=MEASURED,
        heavy=True,
    )


FILES = (
    *map(_swollen_trick, SWOLLEN),
    Trick(
        name="file-heif-16-million-entries",
        about="48 MB of HEIF property entries in gzip",
        answer=gives(_entries_of_heif, Content_Encoding="gzip"),
        expected=Cause.CORRUPT,
        detail=_GIVEN_UP[1],
        heavy=True,
    ),
    Trick(
        name="file-jpeg-scans",
        about="a small JPEG in 500 scans",
        answer=gives(cut_into_scans),
        expected=Cause.CORRUPT,
        detail="scans",
        of_head=MEASURED,
    ),
    Trick(
        name="file-tiff-fax",
        about="a TIFF of which the decoder has 20,000 complaints, and a picture",
        answer=gives(cache(fax)),
        detail="the decoder says",
        of_head=MEASURED,
    ),
    _bomb(
        "png-colour",
        "a PNG of 249 million pixels in colour",
        colour_png,
        Cause.TOO_MANY_PIXELS,
        "does not fit into memory",
    ),
    _bomb("jpeg-scans", "a JPEG of 249 million pixels in 64 scans", jpeg_of_scans),
    _bomb(
        "webp-lossless",
        "a lossless WebP of 249 million pixels in 42 bytes",
        lossless_webp,
        Cause.TOO_MANY_PIXELS,
        "does not fit into memory",
    ),
)
