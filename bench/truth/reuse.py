"""What is done to a photo to hand it in again: what apps and messengers do to any, and what hides that.

Each is drawn by the photo and its number, so that a table can be made again.
"""

import io
import math
from collections.abc import Callable, Mapping
from random import Random
from typing import TypeAlias

from PIL import Image, ImageDraw, ImageEnhance, ImageFont

Change: TypeAlias = Callable[[Image.Image, int], Image.Image]

_LINES = ("2026-11-20 10:31:07", "Store 4711, Bengaluru", "12.9716 N 77.5946 E")
_SCREEN = (1080, 2340)
_LIGHT, _DARK = (255, 255, 255), (0, 0, 0)


def _encoded(quality: int) -> Change:
    def encode(photo: Image.Image, _number: int) -> Image.Image:
        file = io.BytesIO()
        photo.save(file, "JPEG", quality=quality)
        return Image.open(file).convert("RGB")

    return encode


def _resized(scale: float) -> Change:
    return lambda photo, _: photo.resize(
        (round(photo.width * scale), round(photo.height * scale)), Image.Resampling.LANCZOS
    )


def _captioned(count: int) -> Change:
    """Lines of text; several stand on a black bar of a fifth of the height."""

    def draw_lines(photo: Image.Image, _number: int) -> Image.Image:
        captioned, size = photo.copy(), max(8, photo.height // 24)
        draw, font, step = ImageDraw.Draw(captioned), ImageFont.load_default(size), int(size * 1.4)
        top = photo.height - step * count - size // 2
        if count > 1:
            draw.rectangle((0, top - size // 3, photo.width, photo.height), fill=_DARK)
        for place, line in enumerate(_LINES[:count]):
            draw.text((size // 2, top + place * step), line, fill=(255, 220, 0), font=font)
        return captioned

    return draw_lines


def _cut(share: float, *, corner: bool = False) -> Change:
    """Without this share of width and height, half of it on either side, or all at one corner."""

    def cut(photo: Image.Image, _number: int) -> Image.Image:
        across, along = round(photo.width * share), round(photo.height * share)
        left, upper = (across, along) if corner else (across // 2, along // 2)
        return photo.crop((left, upper, left + photo.width - across, upper + photo.height - along))

    return cut


def _rotated(degrees: float) -> Change:
    """Rotated, and cut to where there is picture."""

    def rotate(photo: Image.Image, number: int) -> Image.Image:
        angle, (width, height) = math.radians(degrees), photo.size
        sine, cosine = math.sin(angle), math.cos(angle)
        kept = min(width / (width * cosine + height * sine), height / (width * sine + height * cosine))
        return _cut(1 - kept)(photo.rotate(degrees, resample=Image.Resampling.BICUBIC), number)

    return rotate


def _letterboxed(photo: Image.Image, number: int) -> Image.Image:
    size = int(photo.width * 1.3), int(photo.height * 1.7)
    frame = Image.new("RGB", size, Random(number).choice((_LIGHT, _DARK)))
    frame.paste(photo, ((size[0] - photo.width) // 2, (size[1] - photo.height) // 2))
    return frame


def _screenshot(*, chat: bool) -> Change:
    """As a gallery shows it, over the whole width; or as a chat does, with rounded corners and text."""

    def frame(photo: Image.Image, number: int) -> Image.Image:
        (width, height), font = _SCREEN, ImageFont.load_default(40)
        ground, ink = Random(number).choice(((_LIGHT, _DARK), (_DARK, _LIGHT)))
        screen = Image.new("RGB", _SCREEN, ground)
        draw = ImageDraw.Draw(screen)
        draw.text((50, 25), f"{number % 24}:{number % 60:02}", fill=ink, font=font)
        for icon in range(4):
            draw.rectangle((width - 60 - icon * 70, 30, width - 20 - icon * 70, 62), fill=ink)
        scale = min((width - 80 * chat) / photo.width, (height - 500) / photo.height)
        shown = photo.resize(
            (round(photo.width * scale), round(photo.height * scale)), Image.Resampling.LANCZOS
        )
        left, top = (width - shown.width) // 2, (height - shown.height) // 2
        mask = Image.new("L", shown.size, 0 if chat else 255)
        if chat:
            ImageDraw.Draw(mask).rounded_rectangle((0, 0, shown.width - 1, shown.height - 1), 40, fill=255)
            draw.rectangle((0, 90, width, 240), fill=(7, 94, 84))
            draw.text((160, 140), "Field team", fill=_LIGHT, font=font)
            draw.text((left, top + shown.height + 25), "the shelf of today's visit", fill=ink, font=font)
        else:
            for icon in range(4):
                draw.ellipse(
                    (120 + icon * 240, height - 160, 190 + icon * 240, height - 90), outline=ink, width=6
                )
        screen.paste(shown, (left, top), mask)
        return screen

    return frame


def _several(photo: Image.Image, number: int) -> Image.Image:
    brighter = ImageEnhance.Brightness(_cut(0.05)(photo, number)).enhance(1.15)
    return _encoded(60)(_resized(0.6)(brighter, number), number)


CHANGES: Mapping[str, Change] = {
    **{f"encoded with quality {quality}": _encoded(quality) for quality in (30, 50, 90)},
    **{f"resized to {scale}": _resized(scale) for scale in (0.25, 0.5, 2)},
    "brightness +30%": lambda photo, _: ImageEnhance.Brightness(photo).enhance(1.3),
    "brightness -30%": lambda photo, _: ImageEnhance.Brightness(photo).enhance(0.7),
    "contrast +30%": lambda photo, _: ImageEnhance.Contrast(photo).enhance(1.3),
    "contrast -30%": lambda photo, _: ImageEnhance.Contrast(photo).enhance(0.7),
    "grey": lambda photo, _: photo.convert("L").convert("RGB"),
    "one line burned in": _captioned(1),
    "three lines on a bar": _captioned(3),
    "mirrored": lambda photo, _: photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "turned by 90": lambda photo, _: photo.transpose(Image.Transpose.ROTATE_90),
    "turned by 180": lambda photo, _: photo.transpose(Image.Transpose.ROTATE_180),
    "turned by 270": lambda photo, _: photo.transpose(Image.Transpose.ROTATE_270),
    "letterboxed": _letterboxed,
    "screenshot of a gallery": _screenshot(chat=False),
    "screenshot of a chat": _screenshot(chat=True),
    **{f"cut evenly by {share:.0%}": _cut(share) for share in (0.05, 0.1, 0.15, 0.2)},
    "cut by 5%, brighter, resized to 0.6, quality 60": _several,
    **{f"cut by {share:.0%} at a corner": _cut(share, corner=True) for share in (0.05, 0.1)},
    "rotated by 3 degrees": _rotated(3),
}
