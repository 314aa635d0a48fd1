"""Pillow, set up to read strangers' bytes: one named format, the first frame, no more pixels than allowed.

Nothing is imported or changed in Pillow before the first picture is decoded.
"""

import io
import logging
import re
import warnings
from dataclasses import dataclass
from functools import cache

from PIL import Image, features

from retailpulse.analyze import GreyImage, Overview, Picture
from retailpulse.measure.formats.faults import too_many_pixels
from retailpulse.measure.formats.image_format import Size
from retailpulse.measure.formats.libraries import library

_GREY_ONLY = frozenset({"L", "I", "F"})
_REDUCIBLE = frozenset({"RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LA"})
_OF_PILLOW = re.compile(r"PIL\.")


@dataclass(frozen=True)
class Plugin:
    """One of Pillow's plugins: its name for the format, its module, and what must have been built in.

    `also` names modules that it imports itself with some pictures, which a confined process cannot.
    """

    name: str
    module: str
    needs: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    def load(self) -> None:
        """Import it, so that Pillow does not go and import all of them; raises ImportError."""
        _load(self)

    def decode(self, body: bytes, size: Size, max_pixels: int) -> "PillowPicture":
        """The first frame of a body; raises whatever the plugin raises."""
        return PillowPicture(self.decode_image(body, max_pixels), size)

    def decode_image(self, body: bytes, max_pixels: int, scale: int = 1) -> Image.Image:
        """The same as Pillow has it; of a JPEG, 1/2, 1/4 or 1/8 of sides of at least so many pixels."""
        _load(self)
        _hush()
        _raise_bomb_limit(max_pixels)
        with Image.open(io.BytesIO(body), formats=(self.name,)) as image:
            width, height = image.size
            if width * height > max_pixels:  # the plugin may see another size than our reader did
                raise too_many_pixels(width, height, max_pixels)
            if scale > 1:  # only the JPEG plugin listens
                image.draft(None, (max(1, width // scale), max(1, height // scale)))
            image.load()
        return image


class PillowPicture(Picture):
    """A picture that Pillow has decoded, with all its pixels."""

    __slots__ = ("_image", "_reduced", "_scale")

    def __init__(self, image: Image.Image, size: Size) -> None:
        super().__init__()
        self._image = image
        self._reduced: tuple[int, Image.Image] = (1, image)
        # A decoder may see fewer pixels than our reader did, and turns a TIFF: its width may be our height.
        self._scale = max(1, round(max(size.width, size.height) / max(image.size)))

    def _make_grey(self, scale: int) -> GreyImage:
        return grey_of(*self._at(scale))

    def _make_overview(self, scale: int) -> Overview:
        return overview_of(*self._at(scale), scale)

    def _make_colour(self, scale: int) -> Image.Image:
        return colour_of(*self._at(scale))

    def _at(self, scale: int) -> tuple[Image.Image, int]:
        """An image, and the factor that is left to reduce it by; grey and colour of one scale share it."""
        if scale < self._scale:
            raise ValueError(f"this picture is at hand at 1/{self._scale} alone")
        factor = scale // self._scale
        if self._image.mode != "RGB":
            return self._image, factor
        if self._reduced[0] != factor:
            self._reduced = factor, self._image.reduce(factor)
        return self._reduced[1], 1

    def decoded_size(self) -> tuple[int, int]:
        """Width and height of what Pillow decoded."""
        return self._image.size

    def _find_exif(self) -> bytes | None:
        exif: bytes | None = self._image.info.get("exif")
        return exif


def grey_of(image: Image.Image, factor: int) -> GreyImage:
    """A picture in grey, each pixel the mean of `factor` x `factor`.

    Weak: pixels of 32 bits and of fractions are cut off at 255.
    """
    numpy = library("numpy")
    if image.mode.startswith("I;16"):
        image = Image.fromarray((numpy.asarray(image) >> 8).astype(numpy.uint8))
    elif image.mode not in {"L", "RGB", "RGBX"}:
        image = image.convert("L")
    if factor > 1:
        image = image.reduce(factor)
    pixels: GreyImage = numpy.asarray(image if image.mode == "L" else image.convert("L"))
    return pixels


def overview_of(image: Image.Image, factor: int, scale: int) -> Overview:
    """An overview of a picture, each pixel the mean of `factor` x `factor`; in colour if it is all RGB."""
    if image.mode != "RGB":
        return Overview(grey_of(image, factor)[:, :, None], scale)
    return Overview(library("numpy").asarray(image if factor == 1 else image.reduce(factor)), scale)


def colour_of(image: Image.Image, factor: int) -> Image.Image:
    """A picture in colour, each pixel the mean of `factor` x `factor`; what is clear lies on white.

    Of a palette, each pixel is one of them: a mean would take all of it apart first.
    """
    if image.mode in _GREY_ONLY or image.mode.startswith("I;16"):
        return Image.fromarray(grey_of(image, factor)).convert("RGB")
    if factor == 1:
        small = image
    elif image.mode in _REDUCIBLE:
        small = image.reduce(factor)
    else:
        size = -(-image.width // factor), -(-image.height // factor)
        small = image.resize(size, Image.Resampling.NEAREST)
    if small.has_transparency_data:
        clear = small.convert("RGBA")
        small = Image.new("RGBA", clear.size, "white")
        small.alpha_composite(clear)
    return small if small.mode in {"RGB", "RGBX"} else small.convert("RGB")


@cache
def _load(plugin: Plugin) -> None:
    missing = [part for part in plugin.needs if not features.check(part)]
    if missing:
        raise ImportError(f"this Pillow was built without {', '.join(missing)}")
    for module in (plugin.module, *plugin.also):
        library(f"PIL.{module}")
    _prepare()


@cache
def _prepare() -> None:
    Image.preinit()  # it imports some plugins, otherwise with the first picture
    logging.getLogger("PIL").setLevel(logging.CRITICAL)  # it logs what is wrong with each damaged file


def _hush() -> None:
    """Silence Pillow's warnings on damaged files: each other text would stay in memory for ever.

    `catch_warnings` is not safe with threads, so one filter is set permanently; it is looked for each time
    because a caller's `catch_warnings` takes it away again.
    """
    if not any(action == "ignore" and module == _OF_PILLOW for action, _, _, module, _ in warnings.filters):
        warnings.filterwarnings("ignore", module=_OF_PILLOW.pattern)


def _raise_bomb_limit(max_pixels: int) -> None:
    """Raise Pillow's own limit to ours if it is lower; never lower it, other threads may be decoding."""
    if Image.MAX_IMAGE_PIXELS is not None and max_pixels > Image.MAX_IMAGE_PIXELS:
        Image.MAX_IMAGE_PIXELS = max_pixels
