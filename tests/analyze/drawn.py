"""Pictures drawn for analyzers, and what an analyzer says of them."""

import io
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from retailpulse.analyze import Analyzer, ask
from retailpulse.measure.body import decode_body

LIMIT = 50_000_000
WIDTH, HEIGHT = 2016, 1512


def shelf(width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """Boxes of many sizes and shades with hard edges in all directions."""
    dice = np.random.default_rng(7)
    picture = np.full((height, width), 120, dtype=np.uint8)
    for _ in range(400):
        top, left = int(dice.integers(0, height)), int(dice.integers(0, width))
        tall, wide = int(dice.integers(20, 200)), int(dice.integers(20, 200))
        picture[top : top + tall, left : left + wide] = dice.integers(20, 235)
    straight = Image.fromarray(picture)
    turned = Image.fromarray(picture[: height // 2]).rotate(
        40, resample=Image.Resampling.BICUBIC, fillcolor=120
    )
    straight.paste(turned, (0, height // 2))
    return straight


def blurred(picture: Image.Image, thousandths: float) -> Image.Image:
    """Out of focus by a Gauss of so many thousandths of the longer side."""
    return picture.filter(ImageFilter.GaussianBlur(thousandths * max(picture.size) / 1000))


def moved(picture: Image.Image, thousandths: float, *, sideways: bool) -> Image.Image:
    """Shaken along one direction, by so many thousandths of the longer side."""
    steps = round(thousandths * max(picture.size) / 1000)
    pixels = np.asarray(picture, dtype=np.float32)
    shifted = [np.roll(pixels, step, axis=1 if sideways else 0) for step in range(steps)]
    return Image.fromarray(np.mean(shifted, axis=0).astype(np.uint8))


def saved(picture: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """The bytes of a file of this kind."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def facts(analyzer: Analyzer, body: bytes) -> dict[str, Any]:
    """What an analyzer says of a file; fails if it says nothing."""
    header, picture = decode_body(body, LIMIT)
    analysis = ask(analyzer, picture, header)
    assert analysis.reason is None
    assert analysis.facts is not None
    return analysis.facts
