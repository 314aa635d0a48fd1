"""Many different photos as people hand them in: shelves with the grain of a sensor, of which a few are bad.

Of a hundred one is out of focus, one dark, one of a wall, and one an earlier photo encoded anew. Weak: the
same scene generator draws all, so that some are more alike than photos of different shelves.
"""

import io
from bisect import bisect_left
from pathlib import Path

from PIL import Image

from bench.cases import Photo
from retailpulse.demo.dice import Dice
from retailpulse.demo.mishaps import bare_wall, blurred, darkened
from retailpulse.demo.photos import grain
from retailpulse.demo.scenes import shelf

_SCENE = (1008, 756)
_NOISE_SIDE = 509  # a prime, so that the repeats of the tile do not line up with the blocks of a JPEG
_SEED = 50_000
PER_HUNDRED = {20: "blurred", 45: "dark", 70: "wall", 95: "reused"}
"""What is wrong with the photo at each of these places of a hundred; a reused one is that of two before."""
_QUALITIES = range(30, 96)
_REUSED_QUALITY = 70


def draw_varied(photo: Photo, count: int, folder: Path) -> list[str]:
    """Draws so many photos of about this size into a folder; returns the names of their files."""
    noise = Image.effect_noise((_NOISE_SIDE, _NOISE_SIDE), 9.0)
    first = _draw(photo, 0, noise)
    quality = _QUALITIES[bisect_left(_QUALITIES[1:], photo.size_bytes, key=lambda q: len(_encode(first, q)))]
    names = []
    for number in range(count):
        names.append(f"{photo.name}-{number}.jpg")
        if PER_HUNDRED.get(number % 100) == "reused":
            with Image.open(folder / names[-3]) as earlier:
                body = _encode(earlier, _REUSED_QUALITY)
        else:
            body = _encode(_draw(photo, number, noise), quality)
        (folder / names[-1]).write_bytes(body)
    return names


def _draw(photo: Photo, number: int, noise: Image.Image) -> Image.Image:
    wrong = PER_HUNDRED.get(number % 100)
    size = photo.width, photo.height
    if wrong == "wall":
        return grain(bare_wall(size, Dice(_SEED + number)), noise)
    scene = shelf(_SCENE, Dice(_SEED + number)).resize(size, Image.Resampling.BICUBIC)
    if wrong == "blurred":
        scene = blurred(scene)
    shown = grain(scene, noise)
    return darkened(shown) if wrong == "dark" else shown


def _encode(picture: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return file.getvalue()
