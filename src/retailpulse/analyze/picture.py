"""A decoded picture as analyzers see it: what its decoder has in hand, and what it makes of that on request.

Nothing here costs anything until an analyzer asks. How each decoder answers is in `measure.formats`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

from retailpulse.analyze.overview import GreyImage, Overview

if TYPE_CHECKING:
    from PIL import Image

SCALES = (8, 4, 2, 1)
OVERVIEW_SIDE = 240
"""Pixels that the shorter side of an overview has at least, if the picture has as many."""


def overview_scale(width: int, height: int) -> int:
    """The scale of `Picture.grey` at which the shorter side is as long as an overview wants it."""
    for scale in SCALES:
        if min(width, height) // scale >= OVERVIEW_SIDE:
            return scale
    return 1


def _find_nothing() -> str | None:
    return None


class Picture(ABC):
    """A picture that could be decoded. A second request for the same thing returns the same object."""

    __slots__ = ("_exif", "_greys", "_overview_made", "printed", "search", "was_asked")

    def __init__(self) -> None:
        self.printed = ""
        """The first line that libraries printed while they decoded it; empty if they printed none."""
        self.was_asked = False
        """Whether an analyzer asked for pixels or EXIF, so that libraries may have printed more."""
        self.search: Callable[[], str | None] = _find_nothing
        """Looks for damage in the body that the picture was decoded from."""
        self._greys: dict[int, GreyImage] = {}
        self._overview_made: Overview | None = None
        self._exif: bytes | None = None

    def grey(self, scale: int = 8) -> GreyImage:
        """The picture in grey, (rows, columns), as it is stored: not turned.

        Each pixel is the mean of `scale` x `scale` stored ones: 8, 4, 2 or 1; at the right and lower edge, of
        those that are there. A JPEG has its overview in hand, and is decoded again for more pixels; the other
        formats have all pixels in hand and are reduced. Raises ValueError if there is no such scale.
        """
        if scale not in SCALES:
            raise ValueError(f"a picture has no scale of 1/{scale}")
        self.was_asked = True
        if scale not in self._greys:
            made = self._make_grey(scale)
            made.flags.writeable = False
            self._greys[scale] = made
        return self._greys[scale]

    def overview(self, width: int, height: int) -> Overview:
        """The picture of this stored size as most analyzers want it, not turned; made once.

        At 1/8 if its decoder offers no other scale.
        """
        if self._overview_made is None:
            self.was_asked = True
            try:
                self._overview_made = self._make_overview(overview_scale(width, height))
            except ValueError:
                self._overview_made = self._make_overview(8)
        return self._overview_made

    def colour(self, scale: int = 8) -> "Image.Image":
        """The picture in colour, of mode RGB or RGBX, as it is stored: not turned; what is clear is white.

        Scales as those of `grey`; at the scale of the overview it is made of the same pixels, and costs
        little beside it. It is not kept, and may share memory: it is not to be changed. Raises ValueError if
        there is no such scale.
        """
        if scale not in SCALES:
            raise ValueError(f"a picture has no scale of 1/{scale}")
        self.was_asked = True
        return self._make_colour(scale)

    def exif(self) -> bytes | None:
        """The EXIF data of the file from its byte order on ("II" or "MM"), or None if there is none.

        For a TIFF it is the whole file: its first directory is what EXIF calls IFD0.
        """
        self.was_asked = True
        if self._exif is None:
            self._exif = (self._find_exif() or b"").removeprefix(b"Exif\0\0")
        return self._exif or None

    def damage(self) -> str | None:
        """What looks damaged in a few words, or None: by its decoder, by checksums, or by its coded data."""
        return self.search()

    def decoded_size(self) -> tuple[int, int] | None:
        """Width and height as the decoder sees them, stored or displayed; None if it does not say."""
        return None

    def _make_overview(self, scale: int) -> Overview:
        return Overview(self.grey(scale)[:, :, None], scale)

    @abstractmethod
    def _make_grey(self, scale: int) -> GreyImage: ...

    @abstractmethod
    def _make_colour(self, scale: int) -> "Image.Image": ...

    @abstractmethod
    def _find_exif(self) -> bytes | None: ...
