"""Draws the photos of the demo and writes them as a phone would: sensor noise, EXIF, an embedded thumbnail.

Which photos there are is `album`'s, what is seen on them `scenes`'. Only JPEG gets a thumbnail.
"""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import pillow_heif
from PIL import Image, ImageChops, ImageOps

from retailpulse.demo.album import Photo, Shot
from retailpulse.demo.dice import Dice
from retailpulse.demo.exif import exif_block
from retailpulse.domain.images import Format

_SCENE_LONG_SIDE = 1512  # drawn at this size and scaled: drawing at 12 MP would take a second a scene
_SCENE_SHORT_SIDE = 1134
_NOISE_SIDE = 509  # a prime, so that the repeats of the tile do not line up with the blocks of a JPEG
_NOISE_SIGMA = 9.0
_THUMBNAIL = (320, 320)
_TURNS = {
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_90,  # shown turned right, so stored turned left
    8: Image.Transpose.ROTATE_270,
}


def draw_album(takes: tuple[Shot, ...], folder: Path) -> Iterator[Photo]:
    """Draw every take and write its photos into `folder`; each photo is named as soon as it is written."""
    noise = Image.effect_noise((_NOISE_SIDE, _NOISE_SIDE), _NOISE_SIGMA)
    pool = ThreadPoolExecutor(max_workers=2)  # Pillow releases the interpreter's lock while it scales
    try:
        for drawn in as_completed([pool.submit(_draw_shot, take, folder, noise) for take in takes]):
            yield from drawn.result()
    finally:
        pool.shutdown(cancel_futures=True)


def encode(photo: Photo, stored: Image.Image) -> bytes:
    """The bytes of a file that holds these stored pixels."""
    exif = exif_block(
        width=photo.width,
        height=photo.height,
        orientation=photo.orientation,
        taken_at=photo.taken_at,
        thumbnail=_thumbnail(stored) if photo.format is Format.JPEG else b"",
    )
    file = io.BytesIO()
    match photo.format:
        case Format.JPEG:
            stored.save(file, "JPEG", quality=85, exif=exif)
        case Format.PNG:
            stored.save(file, "PNG", compress_level=3)
        case Format.WEBP:
            stored.save(file, "WEBP", quality=80, method=1, exif=exif)
        case Format.AVIF:
            stored.save(file, "AVIF", quality=60, speed=9, exif=exif)
        case Format.HEIC:
            picture = pillow_heif.from_pillow(stored)
            picture.save(file, quality=60, exif=exif, enc_params={"preset": "ultrafast"})
        case _:
            raise ValueError(f"the demo draws no {photo.format}")
    return file.getvalue()


def _draw_shot(take: Shot, folder: Path, noise: Image.Image) -> tuple[Photo, ...]:
    sides = (_SCENE_LONG_SIDE, _SCENE_SHORT_SIDE)
    scene = take.scene(sides[::-1] if take.portrait else sides, Dice(take.seed))
    for number, photo in enumerate(take.photos):
        shown = _frame(scene, photo, Dice(take.seed * 100 + number))
        stored = shown.transpose(_TURNS[photo.orientation]) if photo.orientation != 1 else shown
        if photo.format is not Format.HEIC:  # its encoder would take seconds over the noise
            stored = _grain(stored, noise)
        (folder / photo.name).write_bytes(encode(photo, stored))
    return take.photos


def _frame(scene: Image.Image, photo: Photo, dice: Dice) -> Image.Image:
    """The part of the scene that this photo shows, in the size in which it is shown."""
    width, height = photo.displayed
    share = min(scene.width / width, scene.height / height) / photo.zoom
    across, down = width * share, height * share
    left, top = dice.between(0, scene.width - across), dice.between(0, scene.height - down)
    return scene.resize((width, height), Image.Resampling.BICUBIC, box=(left, top, left + across, top + down))


def _grain(picture: Image.Image, noise: Image.Image) -> Image.Image:
    """Noise like that of a small sensor; without it a drawn photo is a tenth of the bytes of a real one."""
    layer = Image.new("L", picture.size)
    for left in range(0, picture.width, noise.width):
        for top in range(0, picture.height, noise.height):
            layer.paste(noise, (left, top))
    return ImageChops.add(picture, Image.merge("RGB", (layer, layer, layer)), scale=1, offset=-128)


def _thumbnail(stored: Image.Image) -> bytes:
    file = io.BytesIO()
    ImageOps.contain(stored.reduce(max(1, stored.width // 800)), _THUMBNAIL).save(file, "JPEG", quality=75)
    return file.getvalue()
