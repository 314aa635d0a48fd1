"""Pillow, set up to read strangers' bytes: one named format, the first frame, no more pixels than allowed.

Nothing is imported or changed in Pillow before the first picture is decoded.
"""

import io
import logging
import re
import warnings
from functools import cache
from importlib import import_module

from PIL import Image, features

from retailpulse.measure.faults import too_many_pixels

_OF_PILLOW = re.compile(r"PIL\.")


def decode_first_frame(name: str, body: bytes, max_pixels: int) -> None:
    """Decode the first frame of a body by the plugin of this name; raises whatever the plugin raises."""
    load_plugins()
    _hush()
    _raise_bomb_limit(max_pixels)
    with Image.open(io.BytesIO(body), formats=(name,)) as image:
        width, height = image.size
        if width * height > max_pixels:  # the plugin may see another size than our reader did
            raise too_many_pixels(width, height, max_pixels)
        image.draft("L", (width // 8, height // 8))  # only the JPEG plugin listens
        image.load()


@cache
def load_plugins() -> None:
    """Import the plugins we use, so that Pillow does not go and import all of them."""
    missing = [part for part in ("avif", "libtiff", "webp", "zlib") if not features.check(part)]
    if missing:
        raise ImportError(f"this Pillow was built without {', '.join(missing)}")
    for name in ("Bmp", "Gif", "Jpeg", "Png", "Tiff", "WebP"):
        import_module(f"PIL.{name}ImagePlugin")
    Image.preinit()  # which imports one more, otherwise with the first picture
    from PIL import AvifImagePlugin

    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # the worker's threads are parallel enough
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
