"""Many different photos as people hand them in: shelves with the grain of a sensor, of which a few are bad.

Of a hundred one is out of focus, one dark, one of a wall, and one an earlier photo encoded anew. Weak: the
same scene generator draws all, so that some are more alike than photos of different shelves.
"""

import io
from pathlib import Path

from PIL import Image

from bench.cases import Photo
from retailpulse.demo.dice import Dice
from retailpulse.demo.mishaps import bare_wall, blurred, darkened
from retailpulse.demo.photos import grain
from retailpulse.demo.scenes import shelf

_SCENE = (1512, 1134)
_NOISE_SIDE = 509  # a prime, so that the repeats of the tile do not line up with the blocks of a JPEG
_SEED = 50_000
_PER_HUNDRED = 100
_BLURRED, _DARK, _WALL, _REUSED = 20, 45, 70, 95
_QUALITIES = range(95, 55, -2)
_REUSED_QUALITY = 70


def draw_varied(photo: Photo, count: int, folder: Path) -> list[str]:
    """Draws so many photos of about this size into a folder; returns the names of their files."""
    noise = Image.effect_noise((_NOISE_SIDE, _NOISE_SIDE), 14.0)
    quality = _quality(photo, noise)
    names = []
    for number in range(count):
        names.append(f"{photo.name}-{number}.jpg")
        (folder / names[-1]).write_bytes(_draw(photo, number, noise, quality))
    return names


def _quality(photo: Photo, noise: Image.Image) -> int:
    """The quality at which the first photo comes closest to the size in bytes."""
    return min(_QUALITIES, key=lambda quality: abs(len(_draw(photo, 0, noise, quality)) - photo.size_bytes))


def _draw(photo: Photo, number: int, noise: Image.Image, quality: int) -> bytes:
    place = number % _PER_HUNDRED
    size = photo.width, photo.height
    if place == _WALL:
        return _encode(grain(bare_wall(size, Dice(_SEED + number)), noise), quality)
    if place == _REUSED:
        return _encode(Image.open(io.BytesIO(_draw(photo, number - 1, noise, quality))), _REUSED_QUALITY)
    scene = shelf(_SCENE, Dice(_SEED + number)).resize(size, Image.Resampling.BICUBIC)
    if place == _BLURRED:
        scene = blurred(scene)
    shown = grain(scene, noise)
    return _encode(darkened(shown) if place == _DARK else shown, quality)


def _encode(picture: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return file.getvalue()
