"""Thumbnails: small, upright, in colour, on white, and without a word of what the file said."""

import io
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageOps

from retailpulse.analyze.thumbnail import draw
from retailpulse.domain.thumbnails import ThumbnailKind
from retailpulse.measure.body import decode_body
from tests.analyze.drawn import LIMIT, saved
from tests.measure.pictures import FLAVOURS, exif

THUMBNAIL, REVIEW = ThumbnailKind.THUMBNAIL, ThumbnailKind.REVIEW
ENOUGH = 1_000_000


def drawn(body: bytes, kind: ThumbnailKind = THUMBNAIL, most_bytes: int = ENOUGH) -> Image.Image:
    header, picture = decode_body(body, LIMIT)
    jpeg = draw(kind, picture, header, most_bytes)
    assert jpeg is not None
    assert len(jpeg) <= most_bytes
    return Image.open(io.BytesIO(jpeg))


def quarters(width: int = 640, height: int = 480) -> Image.Image:
    """Red at the upper left, green at the upper right, blue below."""
    picture = Image.new("RGB", (width, height), "blue")
    picture.paste("red", (0, 0, width // 2, height // 2))
    picture.paste("lime", (width // 2, 0, width, height // 2))
    return picture


def heic(picture: Image.Image, **options: Any) -> bytes:
    file = io.BytesIO()
    pillow_heif.from_pillow(picture).save(file, **options)
    return file.getvalue()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "HEIC"])
def test_it_stands_as_viewers_show_the_photo(kind: str, orientation: int) -> None:
    told = exif(orientation)
    body = heic(quarters(), exif=told) if kind == "HEIC" else saved(quarters(), kind, exif=told)
    upright = quarters()
    upright.getexif()[0x0112] = orientation
    expected = Image.open(io.BytesIO(saved(upright, "PNG", exif=told)))
    shown = ImageOps.exif_transpose(expected).convert("RGB")
    thumbnail = drawn(body)
    assert thumbnail.size == ((320, 240) if orientation < 5 else (240, 320))
    assert np.abs(np.asarray(shown.resize(thumbnail.size)).astype(int) - np.asarray(thumbnail)).mean() < 6


@pytest.mark.parametrize("name", FLAVOURS)
def test_every_flavour_has_one_that_is_not_enlarged(name: str) -> None:
    header, _ = decode_body(FLAVOURS[name].body, LIMIT)
    for kind in ThumbnailKind:
        thumbnail = drawn(FLAVOURS[name].body, kind)
        assert thumbnail.size == (header.displayed_width, header.displayed_height)
        assert thumbnail.mode == "RGB"


@pytest.mark.parametrize(
    ("size", "small", "large"),
    [
        ((4032, 3024), (320, 240), (1008, 756)),
        ((1280, 960), (320, 240), (640, 480)),
        ((1020, 765), (320, 240), (1020, 765)),
        ((1920, 1920), (240, 240), (960, 960)),
        ((3000, 20), (320, 2), (750, 5)),
    ],
)
def test_its_longer_side_has_a_bound(
    size: tuple[int, int], small: tuple[int, int], large: tuple[int, int]
) -> None:
    body = saved(quarters(*size))
    assert drawn(body).size == small
    assert drawn(body, REVIEW).size == large


def test_nothing_that_the_file_said_is_in_it() -> None:
    told = Image.Exif()
    told[0x010E] = "private"
    told[0x8825] = {1: "N", 2: (12.0, 30.0, 0.0)}
    options: dict[str, Any] = {"exif": told, "comment": b"private", "icc_profile": b"private" * 30}
    body = saved(quarters(), **options)
    assert body.count(b"private") > 2
    assert set(drawn(body).info) == {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_clear_is_white(mode: str) -> None:
    clear = Image.new("RGBA", (640, 480), (0, 0, 0, 0))
    clear.paste((0, 0, 0, 255), (0, 0, 320, 480))
    body = saved(clear, "GIF") if mode == "P" else saved(clear.convert(mode), "PNG")
    thumbnail = drawn(body)
    pixels = np.asarray(thumbnail)
    assert pixels[120, 40].max() < 5
    assert pixels[120, 280].min() > 250


def test_one_that_takes_too_many_bytes_is_coarser_or_not_made() -> None:
    noise = Image.fromarray(np.random.default_rng(3).integers(0, 255, (480, 640, 3), dtype=np.uint8))
    body = saved(noise, quality=95)
    header, picture = decode_body(body, LIMIT)
    fine = draw(THUMBNAIL, picture, header, ENOUGH)
    assert fine is not None
    coarse = draw(THUMBNAIL, picture, header, len(fine) - 1)
    assert coarse is not None
    assert len(coarse) < len(fine)
    assert draw(THUMBNAIL, picture, header, 1_000) is None
