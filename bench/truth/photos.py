"""The photos that are damaged: shelves drawn as the demo draws them, or those of a folder.

Weak: drawn photos are drawn at 3 MP and enlarged, with grain of the full size.
"""

from collections.abc import Iterator
from pathlib import Path

import pillow_heif
from PIL import Image, ImageOps, UnidentifiedImageError

from retailpulse.demo.dice import Dice
from retailpulse.demo.scenes import aisle, fridge, promotion, shelf

_DRAWN_SIZE = (2016, 1512)
_SIZE = (4032, 3024)
_GRAIN = 9.0


def drawn(count: int) -> Iterator[Image.Image]:
    """Photos of 12 MP, no two alike."""
    for number in range(count):
        scene = (shelf, fridge, aisle, promotion)[number % 4](_DRAWN_SIZE, Dice(number))
        photo = scene.convert("RGB").resize(_SIZE, Image.Resampling.BICUBIC)
        grain = Image.effect_noise((_SIZE[0], _SIZE[1]), _GRAIN).convert("RGB")
        yield Image.blend(photo, grain, 0.05)


def numbered(count: int) -> Iterator[tuple[str, Image.Image]]:
    """The same, each with a name of one letter, in turn."""
    return ((f"{chr(97 + number % 26)}", photo) for number, photo in enumerate(drawn(count)))


def of_folder(folder: Path, count: int, least: int) -> Iterator[Image.Image]:
    """The photos of a folder that decode, upright, at most 4,032 pixels long; others are passed over."""
    return (photo for _, photo in named(folder, count, least))


def named(folder: Path, count: int, least: int) -> Iterator[tuple[str, Image.Image]]:
    """The photos of `of_folder`, each with the name of its file without the ending."""
    pillow_heif.register_heif_opener()
    left = count
    for path in sorted(folder.rglob("*")):
        try:
            with Image.open(path) as opened:
                photo = ImageOps.exif_transpose(opened).convert("RGB")
        except (OSError, UnidentifiedImageError, ValueError, SyntaxError):
            continue
        if min(photo.size) < least or left == 0:
            continue
        left -= 1
        photo.thumbnail((_SIZE[0], _SIZE[0]), Image.Resampling.LANCZOS)
        yield path.stem, photo
