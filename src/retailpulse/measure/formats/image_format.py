"""The description of an image format: the module of each format exports one, as `FORMAT`.

Sniffing, reading, checking, decoding and loading loop over them (`formats.ALL`); no other code knows any.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from retailpulse.analyze import Picture
from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Format
from retailpulse.measure.formats.damage import FindDamage, find_nothing
from retailpulse.measure.formats.work import Work

SNIFF_BYTES = 12
"""The fewest bytes that tell most formats; BMP and the ISO containers take a few more."""


class Size(msgspec.Struct, gc=False):
    """The size of a picture, as the reader of a format finds it; checking it is `header`'s.

    Stored width and height in pixels; `turned` says whether viewers show the picture with both swapped, None
    if more bytes are needed to tell. `may_grow` says that more bytes may show a larger picture, `shown` how
    much of it viewers show if that is not all, before the turn. A format may add what its end check and its
    decoder need.
    """

    width: int
    height: int
    turned: bool | None
    may_grow: bool = False
    shown: tuple[int, int] | None = None


S = TypeVar("S", bound=Size)


def _always(_data: bytes, _work: Work) -> bool:
    return True


def _ended_early(_body: bytes, _work: Work) -> None:
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageFormat(Generic[S]):
    """A format: how it is told, read, checked and decoded.

    Its functions raise ImageError; those that take Work spend from it.
    """

    name: Format

    starts: tuple[bytes, ...]
    """The magic bytes: a file of this format has one of these at `starts_at`."""
    starts_at: int = 0
    least_bytes: int = SNIFF_BYTES
    """A file with fewer bytes is not told to be of this format yet."""
    is_it: Callable[[bytes, Work], bool | None] = _always
    """Whether a file with these magic bytes is of this format; None if more bytes are needed to tell."""

    read_size: Callable[[bytes, Work], S | None]
    """The size by the first bytes, or None if more of them are needed."""
    why_no_size: Callable[[bytes, Work], ImageError | None] = _ended_early
    """What is wrong with a whole body whose size cannot be read, if not that it ends too early."""
    check_end: Callable[[bytes, S, Work], None]
    """Raises ImageError `truncated` if a whole body ends before its picture does."""
    check_end_in_pieces: Callable[[bytes, Sequence[bytes], S, Work], bool] | None = None
    """The same for a body in pieces, given its beginning, if it need not be joined for that.

    False if the beginning does not tell enough.
    """

    load: Callable[[], None]
    """Imports the libraries that `decode` uses; raises ImportError."""
    decode: Callable[[bytes, S, int], Picture]
    """Decodes the first picture of a whole body of at most so many pixels.

    May raise any exception on a damaged body, and ImportError if a library is missing.
    """
    find_damage: FindDamage = find_nothing
    """Finds damage that `decode` passes; asked for once a picture has decoded."""
    bytes_per_pixel: int = 4
    """Memory that `decode` needs at most, measured."""
    reports_out_of_memory: bool = True
    """Whether its decoder says that it ran out of memory; others name some other failure, or none."""
