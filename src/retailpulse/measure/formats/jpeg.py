"""JPEG: read by its markers (`jpeg_markers`), decoded by libjpeg-turbo, reduced to an overview.

Decoded strictly first, as damage shows only so; then leniently; then both again without what is beside the
picture (`jpeg_bare`); then by Pillow, which knows more samplings. Each way gives the same scales.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Any

from PIL import Image

from retailpulse.analyze import GreyImage, Overview, Picture, image_of, overview_scale
from retailpulse.domain.images import Format
from retailpulse.measure.formats.damage import damage_of
from retailpulse.measure.formats.faults import MAX_DETAIL, corrupt, is_out_of_memory, truncated, unsupported
from retailpulse.measure.formats.image_format import ImageFormat
from retailpulse.measure.formats.jpeg_bare import without_extras
from retailpulse.measure.formats.jpeg_markers import Frame, check_end, check_end_in_pieces, read_frame
from retailpulse.measure.formats.jpeg_padding import without_padding
from retailpulse.measure.formats.jpeg_scans import (
    Scan,
    find_missing,
    find_zeroed,
    is_single,
    may_be_zeroed,
    read_scans,
)
from retailpulse.measure.formats.libraries import library
from retailpulse.measure.formats.pillow import Plugin, colour_of, grey_of
from retailpulse.measure.formats.work import Work

MAX_SCANS = 100
"""Each scan is a pass over the whole picture, however few bytes it has; encoders write about ten."""

_DECODABLE = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})  # sequential, progressive, both also arithmetic
_COLOUR_COMPONENTS = 3
_PLUGIN = Plugin("JPEG", "JpegImagePlugin", also=("MpoImagePlugin",))


def _load() -> None:
    _PLUGIN.load()
    library("simplejpeg")


class _JpegPicture(Picture):
    __slots__ = ("_body", "_damage", "_frame", "_overview", "_scale", "_scans")

    def __init__(
        self, body: bytes, frame: Frame, scans: Sequence[Scan] | None, overview: Any, damage: str | None
    ) -> None:
        super().__init__()
        self._scans = scans
        self._body = body
        self._frame = frame
        self._overview = overview
        self._scale = overview_scale(frame.width, frame.height)
        self._damage = damage

    def damage(self) -> str | None:
        return self._damage or damage_of(self._body, self._frame, self._find_damage)

    def decoded_size(self) -> tuple[int, int] | None:
        rows, columns, _ = self._overview.shape
        width, height, scale = self._frame.width, self._frame.height, self._scale
        is_whole = (columns, rows) == (-(-width // scale), -(-height // scale))
        return (width, height) if is_whole else (scale * columns, scale * rows)

    def _find_damage(self, body: bytes, frame: Frame, work: Work) -> str | None:
        return _damage_of_scans(body, frame, self._scans, work)

    def _make_grey(self, scale: int) -> GreyImage:
        if scale < self._scale:
            return self._decode_grey(scale)
        return grey_of(image_of(self._overview), scale // self._scale)

    def _make_overview(self, scale: int) -> Overview:
        return Overview(self._overview, scale) if scale == self._scale else super()._make_overview(scale)

    def _make_colour(self, scale: int) -> Image.Image:
        if scale < self._scale:
            return colour_of(image_of(self._decode_colour(scale)), 1)
        return colour_of(image_of(self._overview), scale // self._scale)

    def _decode_grey(self, scale: int) -> GreyImage:
        grey: GreyImage = _decode_at("GRAY", self._body, self._frame, scale, strict=False)[:, :, 0]
        return grey

    def _decode_colour(self, scale: int) -> Any:
        return _decode_colour(self._body, self._frame, scale, strict=False)

    def _find_exif(self) -> bytes | None:
        return None if self._frame.exif is None else self._body[self._frame.exif]


class _RarePicture(_JpegPicture):
    """One that Pillow decodes, at the scales of any other."""

    __slots__ = ("_max_pixels",)

    def __init__(self, body: bytes, frame: Frame, scans: Sequence[Scan] | None, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        overview = _decode_by_pillow(body, overview_scale(frame.width, frame.height), max_pixels)
        super().__init__(body, frame, scans, overview, None)

    def decoded_size(self) -> None:
        """Nothing."""

    def _decode_grey(self, scale: int) -> GreyImage:
        return grey_of(image_of(self._decode_colour(scale)), 1)

    def _decode_colour(self, scale: int) -> Any:
        return _decode_by_pillow(self._body, scale, self._max_pixels)


def _decode(body: bytes, frame: Frame, max_pixels: int) -> Picture:
    if frame.process not in _DECODABLE or frame.sample_bits != 8:
        raise unsupported("this kind of JPEG (lossless, hierarchical or 12 bit) cannot be decoded")
    scans = None if is_single(body, frame) else _scans(body, frame, Work())
    try:
        return _decode_fast(body, frame, scans)
    except ValueError:
        try:
            return _decode_fast(without_extras(body, frame, Work()), frame, scans)
        except ValueError:
            return _RarePicture(body, frame, scans, max_pixels)


def _decode_fast(body: bytes, frame: Frame, scans: Sequence[Scan] | None) -> _JpegPicture:
    """The picture by libjpeg-turbo; raises ValueError if it has none."""
    try:
        return _JpegPicture(body, frame, scans, _decode_overview(body, frame, strict=True), None)
    except ValueError as error:
        return _decode_damaged(str(error), body, frame, scans)


def _scans(body: bytes, frame: Frame, work: Work) -> list[Scan]:
    """The scans; raises ImageError `corrupt` if there are so many that it must be an attack."""
    scans = list(islice(read_scans(body, frame, work), 1 if is_single(body, frame) else MAX_SCANS + 1))
    if len(scans) > MAX_SCANS:
        raise corrupt(f"the JPEG has more than {MAX_SCANS} scans")
    return scans


def find_damage(body: bytes, frame: Frame, work: Work) -> str | None:
    """Which scans are missing or zeroed without libjpeg's noticing, in a few words; None if none are."""
    return _damage_of_scans(body, frame, None, work)


def _damage_of_scans(body: bytes, frame: Frame, known: Sequence[Scan] | None, work: Work) -> str | None:
    """The same, with the scans if they are known; of a single one they are read only if there are zeros."""
    if is_single(body, frame) and not may_be_zeroed(body, frame):
        return None
    scans = known or _scans(body, frame, work)
    return find_missing(body, frame, scans) or find_zeroed(body, frame, scans, work)


def _decode_damaged(finding: str, body: bytes, frame: Frame, scans: Sequence[Scan] | None) -> _JpegPicture:
    """The picture in spite of what the strict decoder found; raises ValueError if there is none."""
    if is_out_of_memory(finding):
        raise MemoryError
    if "Premature end of JPEG file" in finding:
        raise truncated("the JPEG's data ends before the picture does")
    for bare in without_padding(finding, body, frame.scan or 0):
        try:
            return _JpegPicture(body, frame, scans, _decode_overview(bare, frame, strict=True), None)
        except ValueError:  # it is damaged besides, or lost an end that was none of padding
            continue
    return _JpegPicture(body, frame, scans, _decode_overview(body, frame, strict=False), finding[:MAX_DETAIL])


def _decode_by_pillow(body: bytes, scale: int, max_pixels: int) -> Any:
    return library("numpy").asarray(colour_of(_PLUGIN.decode_image(body, max_pixels, scale), 1))


def _decode_overview(body: bytes, frame: Frame, *, strict: bool) -> Any:
    # All of the entropy-coded data are decoded at any scale, so that this costs hardly more than grey at 1/8.
    return _decode_colour(body, frame, overview_scale(frame.width, frame.height), strict=strict)


def _decode_colour(body: bytes, frame: Frame, scale: int, *, strict: bool) -> Any:
    """As `_decode_at`, in colour if there is any that the library can convert."""
    if frame.components == _COLOUR_COMPONENTS:
        try:
            return _decode_at("RGBX", body, frame, scale, strict=strict)
        except ValueError as error:
            if "color" not in str(error):  # it is damaged, and not decoded twice for that
                raise
    return _decode_at("GRAY", body, frame, scale, strict=strict)


def _decode_at(colours: str, body: bytes, frame: Frame, scale: int, *, strict: bool) -> Any:
    """Rows of pixels of one or four bytes; raises ValueError, not strict only on what cannot be mended."""
    rows, columns = -(-frame.height // scale), -(-frame.width // scale)
    return library("simplejpeg").decode_jpeg(body, colours, min_height=rows, min_width=columns, strict=strict)


FORMAT = ImageFormat(
    name=Format.JPEG,
    starts=(b"\xff\xd8\xff",),
    least_bytes=3,
    read_size=read_frame,
    check_end=check_end,
    check_end_in_pieces=check_end_in_pieces,
    load=_load,
    decode=_decode,
    find_damage=find_damage,
    bytes_per_pixel=3,  # only a progressive one needs anything
)
