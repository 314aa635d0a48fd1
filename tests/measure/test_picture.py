"""What decoders offer to analyzers: pixels in grey at four scales, and EXIF, whatever the format."""

import numpy
import pytest
from PIL import Image

from retailpulse.analyze import Picture
from retailpulse.domain.images import Depth
from retailpulse.measure import measure_body
from retailpulse.measure.body import decode_body

from .pictures import FLAVOURS, HEIGHT, LIMIT, WIDTH, exif, heic, picture, saved, tiff

SCALES = (8, 4, 2, 1)
TRUE = ["jpeg baseline", "jpeg progressive", "jpeg grey", "png", "png interlaced", "gif", "webp lossy"]
TRUE += ["webp alpha", "bmp", "tiff strips", "tiff tiles", "tiff lzw", "avif", "heic", "heic grid"]
"""Flavours that show the picture as it is, without a palette."""


def opened(body: bytes) -> Picture:
    return decode_body(body, LIMIT)[1]


@pytest.mark.parametrize("name", FLAVOURS)
@pytest.mark.parametrize("scale", SCALES)
def test_every_flavour_is_offered_in_grey_at_every_scale(name: str, scale: int) -> None:
    grey = opened(FLAVOURS[name].body).grey(scale)
    assert grey.shape == (-(-HEIGHT // scale), -(-WIDTH // scale))
    assert grey.dtype == numpy.uint8
    assert not grey.flags.writeable


@pytest.mark.parametrize("name", [name for name in FLAVOURS if not name.startswith("heic")])
def test_every_flavour_says_how_large_its_decoder_found_it(name: str) -> None:
    assert opened(FLAVOURS[name].body).decoded_size() == (WIDTH, HEIGHT)


def test_a_heic_says_no_size_as_libheif_crops_it_and_refuses_another_than_its_item_has() -> None:
    body = heic(picture(91, 67))
    assert opened(body).decoded_size() is None
    assert measure_body(body, Depth.DECODE, LIMIT).suspect is None


@pytest.mark.parametrize("name", TRUE)
@pytest.mark.parametrize("scale", SCALES)
def test_a_pixel_is_the_mean_of_the_stored_ones(name: str, scale: int) -> None:
    whole = picture()
    flat = numpy.asarray(whole.convert("L"), dtype=float)[: HEIGHT // 8 * 8, : WIDTH // 8 * 8]
    rows, columns = flat.shape[0] // scale, flat.shape[1] // scale
    expected = flat.reshape(rows, scale, columns, scale).mean(axis=(1, 3))
    grey = opened(FLAVOURS[name].body).grey(scale)[:rows, :columns].astype(float)
    assert numpy.abs(grey - expected).mean() < 6


def test_a_scale_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="no scale of 1/3"):
        opened(FLAVOURS["png"].body).grey(3)


def test_the_same_is_made_once() -> None:
    for name in ("jpeg baseline", "png", "heic"):
        one = opened(FLAVOURS[name].body)
        assert not one.was_asked
        assert one.grey(8) is one.grey()
        assert one.grey(2) is one.grey(2)
        assert one.was_asked


def test_16_bits_are_brought_down_to_8() -> None:
    deep = Image.fromarray(numpy.full((HEIGHT, WIDTH), 200 << 8 | 77, dtype=numpy.uint16))
    assert (opened(saved("PNG", deep)).grey(1) == 200).all()


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC"])
def test_exif_is_offered_from_its_byte_order_on(image_format: str) -> None:
    data = exif(6)
    body = heic(exif=data) if image_format == "HEIC" else saved(image_format, exif=data)
    found = opened(body).exif()
    assert found is not None
    assert found[:2] in {b"II", b"MM"}
    read = Image.Exif()
    read.load(found)
    assert read[274] in {1, 6}  # libraries that turn the pixels themselves say that it is done


def test_the_exif_of_a_tiff_is_the_file() -> None:
    assert opened(tiff()).exif() == tiff()


@pytest.mark.parametrize("name", ["jpeg baseline", "png", "gif", "webp lossy", "bmp", "avif", "heic"])
def test_a_picture_without_exif_offers_none(name: str) -> None:
    assert opened(FLAVOURS[name].body).exif() is None
