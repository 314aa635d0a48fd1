"""Draws the photos: soft shapes of several sizes with a gradient over them and grain as of a sensor.

The same bytes every time on the same Pillow. Weak: drawn grain is evener than a real photo's, so a decoder
finds the large photo about as hard as a real one of its size, but no two real ones are alike.
"""

import io
import random
from pathlib import Path

from PIL import Image

from bench.cases import Photo

QUALITY = 85
_CLOSE_ENOUGH = 0.02
_STEPS = 12
_SHAPES_ACROSS = (240, 60, 12, 3)  # the large ones last, so that they rule as in a real photo
_SMALLEST_SHAPE_PIXELS = 16


def draw_photo(photo: Photo, folder: Path) -> None:
    """Draws a photo into a file; the strength of its grain is set so that the file has the size asked for."""
    soft, noise = soft_picture(photo), grain(photo)
    low, high = 0.0, 1.0
    data = b""
    for _ in range(_STEPS):
        strength = (low + high) / 2
        data = _encode(Image.blend(soft, noise, strength))
        if abs(len(data) - photo.size_bytes) < _CLOSE_ENOUGH * photo.size_bytes:
            break
        low, high = (strength, high) if len(data) < photo.size_bytes else (low, strength)
    (folder / photo.file_name).write_bytes(data)


def soft_picture(photo: Photo) -> Image.Image:
    """Soft shapes of several sizes with a gradient over them."""
    size = (photo.width, photo.height)
    picture = Image.linear_gradient("L").resize(size).convert("RGB")
    for across in _SHAPES_ACROSS:
        if photo.width < across * _SMALLEST_SHAPE_PIXELS:
            continue
        shapes = _noise("RGB", across, max(2, across * 3 // 4)).resize(size, Image.Resampling.BICUBIC)
        picture = Image.blend(picture, shapes, 0.4)
    return picture


def grain(photo: Photo) -> Image.Image:
    """Grey noise for each pixel of a photo."""
    return _noise("L", photo.width, photo.height).convert("RGB")


def _noise(mode: str, width: int, height: int) -> Image.Image:
    dice = random.Random(f"{mode} {width} {height}")
    return Image.frombytes(mode, (width, height), dice.randbytes(width * height * len(mode)))


def _encode(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()
