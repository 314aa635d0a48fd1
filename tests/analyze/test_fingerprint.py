"""A copy has the fingerprint of its original, whatever became of it; other pictures have others."""

from base64 import b64decode
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from retailpulse.analyze import cells, fingerprint
from retailpulse.domain import fingerprints
from retailpulse.domain.fingerprints import COPY_DISTANCE, SCENE_DISTANCE

from .drawn import facts, saved, shelf

SIZE = (1008, 756)
TURNS = [*Image.Transpose]


def found(picture: Image.Image, kind: str = "JPEG", **options: Any) -> bytes | None:
    """The fingerprint of a file of this picture."""
    text = facts(fingerprint.ANALYZER, saved(picture, kind, **options))["fingerprint"]
    return None if text is None else b64decode(text)


def apart(one: Image.Image, other: Image.Image) -> int:
    """The distance of two pictures."""
    first, second = found(one), found(other)
    assert first is not None
    assert second is not None
    return fingerprints.closest(first, second)


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    """A shelf that is wider than high, with light from below and from the right."""
    light = np.linspace(0.6, 1, SIZE[0]) * np.linspace(0.7, 1, SIZE[1])[:, None]
    return Image.fromarray((np.asarray(shelf(*SIZE)) * light).astype(np.uint8))


def cut(picture: Image.Image, share: float) -> Image.Image:
    """Without this share of its sides, evenly."""
    across, along = picture.width * share / 2, picture.height * share / 2
    return picture.crop(
        (round(across), round(along), picture.width - round(across), picture.height - round(along))
    )


def mirrored(digest: bytes) -> list[bytes]:
    """A hash, and those that a lookup asks for where it is unsure how the picture was mirrored."""
    seen = [digest, fingerprints.mirrored(digest)]
    return [*seen, *map(fingerprints.upside_down, seen)]


def framed(picture: Image.Image, ground: int) -> Image.Image:
    """As a phone shows it: with the time above, a line of text and a round button below."""
    screen = Image.new("L", (1080, 2340), ground)
    draw = ImageDraw.Draw(screen)
    draw.text((60, 30), "10:31", fill=255 - ground, font_size=48)
    draw.text((60, 1700), "the shelf of today's visit", fill=255 - ground, font_size=56)
    draw.ellipse((480, 2150, 600, 2270), outline=255 - ground, width=8)
    shown = picture.resize((1080, round(1080 * picture.height / picture.width)))
    screen.paste(shown, (0, 700))
    return screen


def upright(seed: int) -> Image.Image:
    """Five boards at the same height, and on them other things of other widths, higher than wide."""
    dice = np.random.default_rng(seed)
    picture = np.full((1008, 756), 150, dtype=np.uint8)
    for top in range(0, 1000, 200):
        left = 0
        while left < 756:
            wide, tall = int(dice.integers(25, 90)), int(dice.integers(80, 160))
            picture[top + 170 - tall : top + 170, left : left + wide] = dice.integers(60, 220)
            left += wide
        picture[top + 170 : top + 200] = 20
    return Image.fromarray(picture)


def test_encoding_size_and_brightness_change_hardly_a_bit(photo: Image.Image) -> None:
    for copy in (photo.resize((504, 378)), ImageEnhance.Brightness(photo).enhance(0.7)):
        assert apart(photo, copy) <= 12
    again = found(photo, "PNG")
    assert again is not None
    assert fingerprints.closest(again, found(photo) or b"") <= 4


@pytest.mark.parametrize("turn", TURNS, ids=lambda turn: turn.name)
def test_a_mirrored_or_turned_copy_has_the_same_hash(photo: Image.Image, turn: Image.Transpose) -> None:
    assert apart(photo, photo.transpose(turn)) <= 12


@pytest.mark.parametrize("turn", TURNS, ids=lambda turn: turn.name)
def test_a_square_copy_is_found_however_it_was_turned(turn: Image.Transpose) -> None:
    grain = np.random.default_rng(2).normal(0, 20, (700, 700))  # or its plain edges would be taken for bars
    square = Image.fromarray((np.asarray(shelf(700, 700)) + grain).clip(0, 255).astype(np.uint8))
    assert apart(square, square.transpose(turn)) <= 20


def test_upright_shelves_are_told_apart_by_what_stands_on_their_boards() -> None:
    photos = [upright(seed) for seed in range(8)]
    assert min(apart(one, other) for one, other in combinations(photos, 2)) > SCENE_DISTANCE
    assert all(apart(one, one.transpose(Image.Transpose.ROTATE_90)) <= 12 for one in photos)


@pytest.mark.parametrize("size", [SIZE, (700, 700)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_what_is_kept_is_hashed_upright_by_exif(size: tuple[int, int], kind: str) -> None:
    grain = np.random.default_rng(2).normal(0, 20, size[::-1])  # or its plain edges would be taken for bars
    plain, exif = shelf(1400, 1050).crop((0, 0, *size)), Image.Exif()
    picture = Image.fromarray((np.asarray(plain) + grain).clip(0, 255).astype(np.uint8))
    exif[0x0112] = 6
    stored = picture.transpose(Image.Transpose.ROTATE_90)
    as_taken, as_stored = found(picture, kind) or b"", found(stored, kind, exif=exif) or b""
    pairs = zip(fingerprints.parse(as_taken), fingerprints.parse(as_stored), strict=True)
    assert (
        max(min(fingerprints.distance(one, seen) for seen in mirrored(other)) for one, other in pairs) <= 24
    )


def test_a_picture_as_bright_at_both_ends_is_asked_for_in_a_mirror_too(photo: Image.Image) -> None:
    half = photo.crop((0, 0, photo.width // 2, photo.height))
    symmetric = photo.copy()
    symmetric.paste(half.transpose(Image.Transpose.FLIP_LEFT_RIGHT), (photo.width // 2, 0))
    one, other = found(photo) or b"", found(symmetric) or b""
    assert not fingerprints.Part(one[1]) & fingerprints.Part.SIDEWAYS
    assert fingerprints.Part(other[1]) & fingerprints.Part.SIDEWAYS


@pytest.mark.parametrize("share", [0.05, 0.1, 0.2])
def test_an_evenly_cut_copy_is_found_by_what_is_kept_of_inner_parts(photo: Image.Image, share: float) -> None:
    assert apart(photo, cut(photo, share)) <= COPY_DISTANCE


@pytest.mark.parametrize("ground", [0, 255])
def test_a_screenshot_is_seen_without_its_frame(photo: Image.Image, ground: int) -> None:
    assert apart(photo, framed(photo, ground)) <= 24


def test_screenshots_of_different_photos_have_only_their_frame_in_common(photo: Image.Image) -> None:
    other = shelf(1400, 1050).crop((300, 200, 1308, 956))
    assert apart(photo, other) > SCENE_DISTANCE
    assert apart(framed(photo, 0), framed(other, 0)) > SCENE_DISTANCE


@pytest.mark.parametrize("at", ["above", "below"])
def test_a_bar_with_a_caption_leaves_a_copy(photo: Image.Image, at: str) -> None:
    captioned = photo.copy()
    top = 0 if at == "above" else photo.height - 120
    ImageDraw.Draw(captioned).rectangle((0, top, photo.width, top + 120), fill=0)
    for line in range(3):
        ImageDraw.Draw(captioned).text(
            (20, top + 6 + line * 36), "10:31 Bengaluru " * 5, fill=255, font_size=30
        )
    assert apart(photo, captioned) <= COPY_DISTANCE


def test_what_shows_nothing_has_no_fingerprint() -> None:
    assert found(Image.new("L", SIZE, 180)) is None
    for light in (8, 24):
        wall = np.random.default_rng(3).normal(160, 2, (756, 1008)) + np.linspace(-light, light, 1008)
        assert found(Image.fromarray(wall.clip(0, 255).astype(np.uint8))) is None
    assert found(shelf(63, 700)) is None


def test_bars_around_nothing_are_part_of_the_picture() -> None:
    dotted = Image.new("L", (600, 600), 255)
    dotted.paste(shelf(100, 100), (250, 250))
    data = found(dotted)
    assert data is None or fingerprints.is_valid(data)


@pytest.mark.parametrize("turned", [False, True])
def test_what_is_too_long_to_be_a_photo_has_no_fingerprint_and_leaves_nothing_in_memory(turned: bool) -> None:
    strip = shelf(40 * fingerprint.MOST_RATIO, 800).resize((64 * fingerprint.MOST_RATIO, 64))
    longer = strip.resize((strip.width + 1, 64))
    if turned:
        strip, longer = (each.transpose(Image.Transpose.ROTATE_90) for each in (strip, longer))
    assert found(strip, "PNG") is not None
    kept = cells._boxes.cache_info().misses
    assert found(longer, "PNG") is None
    assert cells._boxes.cache_info().misses == kept
