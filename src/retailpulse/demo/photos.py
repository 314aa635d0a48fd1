"""Draws single photos and writes them as a phone would: sensor noise, EXIF, an embedded thumbnail.

Which photos there are is `album`'s, what is seen on them `scenes`'. Only JPEG gets a thumbnail.
"""

import io
from pathlib import Path

import pillow_heif
from PIL import Image, ImageChops, ImageOps

from retailpulse.demo.album import Photo
from retailpulse.demo.dice import Dice
from retailpulse.demo.exif import Capture, exif_block
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


def sensor_noise() -> Image.Image:
    """A square of noise like that of a small sensor, in grey around 128, for `grain`."""
    return Image.effect_noise((_NOISE_SIDE, _NOISE_SIDE), _NOISE_SIGMA)


def draw_photo(photo: Photo, folder: Path, noise: Image.Image) -> None:
    """Draw a photo and write it into `folder`."""
    sides = (_SCENE_LONG_SIDE, _SCENE_SHORT_SIDE)
    width, height = photo.framed or photo.displayed
    scene = photo.scene(sides if width > height else sides[::-1], Dice(photo.seed))
    shown = _frame(scene, photo, (width, height))
    if photo.capture is None:  # it is made of a photo that had its noise already
        shown = grain(shown, noise)
    if photo.mishap:
        shown = photo.mishap(shown)
    stored = shown.transpose(_TURNS[photo.orientation]) if photo.orientation != 1 else shown
    if photo.capture and photo.format is not Format.HEIC:  # its encoder would take seconds over the noise
        stored = grain(stored, noise)
    (folder / photo.name).write_bytes(encode(photo, stored))


def encode(photo: Photo, stored: Image.Image) -> bytes:
    """The bytes of a file that holds these stored pixels."""
    exif = _exif(photo, photo.capture, stored) if photo.capture else b""
    file = io.BytesIO()
    match photo.format:
        case Format.JPEG:
            stored.save(file, "JPEG", quality=photo.quality, exif=exif)
        case Format.PNG:
            stored.save(file, "PNG", compress_level=3)
        case Format.WEBP:
            stored.save(file, "WEBP", quality=80, method=1, exif=exif)
        case Format.AVIF:
            stored.save(file, "AVIF", quality=60, speed=9, exif=exif)
        case Format.HEIC:
            picture = pillow_heif.from_pillow(stored)
            picture.save(file, quality=60, exif=exif or None, enc_params={"preset": "ultrafast"})
        case _:
            raise ValueError(f"the demo draws no {photo.format}")
    return file.getvalue()


def grain(picture: Image.Image, noise: Image.Image) -> Image.Image:
    """The picture with noise; without it a drawn photo is a tenth of the bytes of a real one."""
    layer = Image.new("L", picture.size)
    for left in range(0, picture.width, noise.width):
        for top in range(0, picture.height, noise.height):
            layer.paste(noise, (left, top))
    return ImageChops.add(picture, Image.merge("RGB", (layer, layer, layer)), scale=1, offset=-128)


def _frame(scene: Image.Image, photo: Photo, size: tuple[int, int]) -> Image.Image:
    """The part of the scene that this photo shows, the same for each photo of a seed, zoom and shape."""
    width, height = size
    share = min(scene.width / width, scene.height / height) / photo.zoom
    across, down = width * share, height * share
    dice = Dice(photo.seed * 100)
    left, top = dice.between(0, scene.width - across), dice.between(0, scene.height - down)
    return scene.resize(size, Image.Resampling.BICUBIC, box=(left, top, left + across, top + down))


def _exif(photo: Photo, capture: Capture, stored: Image.Image) -> bytes:
    return exif_block(
        width=photo.width,
        height=photo.height,
        orientation=photo.orientation,
        capture=capture,
        thumbnail=_thumbnail(stored) if photo.format is Format.JPEG else b"",
    )


def _thumbnail(stored: Image.Image) -> bytes:
    file = io.BytesIO()
    ImageOps.contain(stored.reduce(max(1, stored.width // 800)), _THUMBNAIL).save(file, "JPEG", quality=75)
    return file.getvalue()
