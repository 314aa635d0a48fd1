"""HEIC: HEVC in the container that AVIF has too (`heif`); decoded by libheif."""

from functools import partial
from typing import Any

from PIL import Image

from retailpulse.analyze import GreyImage, Overview, Picture
from retailpulse.domain.images import Format
from retailpulse.measure.formats import heif, hevc_units
from retailpulse.measure.formats.faults import too_many_pixels
from retailpulse.measure.formats.image_format import ImageFormat, Size
from retailpulse.measure.formats.libraries import library
from retailpulse.measure.formats.pillow import colour_of, grey_of, overview_of


def _load() -> None:
    library("pillow_heif").options.DECODE_THREADS = 1  # the worker's threads are parallel enough


class _HeicPicture(Picture):
    __slots__ = ("_image",)

    def __init__(self, image: Any) -> None:
        super().__init__()
        self._image = image

    def _make_grey(self, scale: int) -> GreyImage:
        return grey_of(self._image.to_pillow(), scale)

    def _make_overview(self, scale: int) -> Overview:
        return overview_of(self._image.to_pillow(), scale, scale)

    def _make_colour(self, scale: int) -> Image.Image:
        return colour_of(self._image.to_pillow(), scale)

    def _find_exif(self) -> bytes | None:
        exif: bytes | None = self._image.info.get("exif")
        return exif


def _decode(body: bytes, _: Size, max_pixels: int) -> _HeicPicture:
    _load()
    heif_file = library("pillow_heif").open_heif(body)
    image = heif_file[heif_file.primary_index]
    width, height = image.size
    if width * height > max_pixels:
        raise too_many_pixels(width, height, max_pixels)
    image.load()
    return _HeicPicture(image)


FORMAT = ImageFormat(
    name=Format.HEIC,
    starts=heif.STARTS,
    starts_at=heif.STARTS_AT,
    is_it=partial(heif.is_coded_as, Format.HEIC),
    read_size=partial(heif.read_size, is_padded=True),
    why_no_size=heif.why_no_size,
    check_end=heif.check_end,
    load=_load,
    decode=_decode,
    find_damage=hevc_units.find_damage,
    bytes_per_pixel=6,
    reports_out_of_memory=False,
)
