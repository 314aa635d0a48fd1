"""Damage at random, the same on every run: each body gives a measurement or an ImageError, nothing else."""

import io
import random
from contextlib import suppress

import pytest
import simplejpeg
from PIL import Image

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause, Depth, Format, Header
from retailpulse.measure import measure_body, read_header
from retailpulse.measure.formats.faults import MAX_DETAIL
from retailpulse.measure.formats.sniff import sniff
from retailpulse.measure.formats.work import Work

from .damage import DAMAGES, flip_in_the_header
from .pictures import FLAVOURS

LIMIT = 1_000_000
ROUNDS = 6
CAUSES = {Cause.UNSUPPORTED_FORMAT, Cause.CORRUPT, Cause.TRUNCATED, Cause.TOO_MANY_PIXELS}


def header_or_error(body: bytes) -> Header | ImageError | None:
    try:
        return read_header(body, LIMIT)
    except ImageError as error:
        return error


@pytest.mark.parametrize("name", FLAVOURS)
def test_damaged_bodies_give_a_measurement_or_an_image_error(name: str) -> None:
    for damage in DAMAGES:
        for number in range(ROUNDS):
            body = damage(FLAVOURS[name].body, random.Random(f"{name} {damage.__name__} {number}"))
            for depth in Depth:
                try:
                    measurement = measure_body(body, depth, LIMIT)
                except ImageError as error:
                    assert error.cause in CAUSES
                    assert "0x" not in error.detail
                    assert len(error.detail) < 300
                else:
                    assert 0 < (measurement.width or 0) * (measurement.height or 0) <= LIMIT
                    assert all(analysis.reason is None for analysis in measurement.analyses)


@pytest.mark.parametrize("name", [name for name in FLAVOURS if not name.startswith("gif")])
def test_looking_for_damage_raises_image_errors_alone(name: str) -> None:
    """Also in bodies that no decoder passes: the search must not rely on what it would have refused."""
    searched = 0
    for damage in DAMAGES:
        for number in range(4 * ROUNDS):
            body = damage(FLAVOURS[name].body, random.Random(f"{name} {damage.__name__} {number}"))
            with suppress(ImageError):
                image_format = sniff(body, Work())
                size = None if image_format is None else image_format.read_size(body, Work())
                if image_format is None or size is None or size.width * size.height > LIMIT:
                    continue
                image_format.check_end(body, size, Work())
                searched += 1
                found = image_format.find_damage(body, size, Work())
                assert found is None or 0 < len(found) < MAX_DETAIL
    assert searched > ROUNDS


@pytest.mark.parametrize("name", FLAVOURS)
def test_a_first_part_of_a_damaged_body_never_contradicts_the_whole(name: str) -> None:
    for damage in DAMAGES:
        for number in range(ROUNDS):
            body = damage(FLAVOURS[name].body, random.Random(f"{name} {damage.__name__} {number}"))
            whole = header_or_error(body)
            for end in range(0, min(len(body), 1200), 37):
                part = header_or_error(body[:end])
                assert part is None or str(part) == str(whole)


@pytest.mark.parametrize("name", [name for name in FLAVOURS if name.startswith("jpeg")])
def test_our_reader_and_libjpeg_see_the_same_size_in_damaged_headers(name: str) -> None:
    for number in range(100):
        body = FLAVOURS[name].body
        body = body[:3] + flip_in_the_header(body[3:], random.Random(f"{name} {number}"))
        header = header_or_error(body)
        try:
            height, width, *_ = simplejpeg.decode_jpeg_header(body, strict=False)
        except (ValueError, KeyError):  # KeyError: a sampling that it has no name for
            continue
        if isinstance(header, Header):
            assert (header.width, header.height) == (width, height)
        else:
            assert isinstance(header, ImageError)
            assert header.cause is Cause.TOO_MANY_PIXELS


@pytest.mark.parametrize(
    "name", [name for name in FLAVOURS if name.startswith(("png", "bmp", "webp", "tiff"))]
)
def test_our_reader_and_pillow_see_the_same_size_in_damaged_headers(name: str) -> None:
    for number in range(100):
        body = flip_in_the_header(FLAVOURS[name].body, random.Random(f"{name} {number}"))
        header = header_or_error(body)
        if not isinstance(header, Header) or header.format is Format.GIF:
            continue
        try:
            with Image.open(io.BytesIO(body), formats=(header.format.name,)) as image:
                assert image.size == (header.width, header.height)
        except (OSError, ValueError, Warning):
            continue
