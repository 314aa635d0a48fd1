"""What decoders load, all of it before they are confined: what is missing is no verdict on a picture."""

import io
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from retailpulse.domain.images import Cause, Depth
from retailpulse.measure import DecoderPool
from tests.measure.pictures import FLAVOURS, jpeg_segment, odd_sampling
from tests.measure.process_pool.test_pool import failure, replaced, settings

PHOTO = FLAVOURS["jpeg baseline"].body


@pytest.fixture
async def decoders() -> AsyncIterator[DecoderPool]:
    made = DecoderPool(settings())
    yield made
    await made.aclose()


async def test_a_missing_library_is_no_verdict_on_the_picture(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    replaced(monkeypatch, tmp_path, "pillow_heif", "raise ImportError('libheif is not there')\n")
    decoders = DecoderPool(settings())
    with pytest.raises(ImportError, match="libheif is not there"):
        await decoders.measure(FLAVOURS["heic"].body, Depth.DECODE)
    assert (await decoders.measure(PHOTO, Depth.DECODE)).suspect is None
    await decoders.aclose()


async def test_a_jpeg_that_pillow_takes_for_several_pictures_needs_no_module_that_is_not_loaded(
    decoders: DecoderPool,
) -> None:
    two_pictures = struct.pack("<HHI4sHHII", 45056, 7, 4, b"0100", 45057, 4, 1, 2)
    places = struct.pack("<HHII", 45058, 7, 32, 50) + bytes(4 + 32)
    index = b"MPF\0II*\0\x08\0\0\0\x03\0" + two_pictures + places
    body = odd_sampling()
    body = body[:2] + jpeg_segment(0xE2, index) + body[2:]
    with Image.open(io.BytesIO(body)) as image:
        assert image.format == "MPO"
    assert (await decoders.measure(body, Depth.DECODE)).suspect is None


async def test_a_decoder_that_wants_to_load_more_than_it_has_fails_its_picture_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    replaced(monkeypatch, tmp_path, "simplejpeg", "def decode_jpeg(*_, **__): import smtplib\n")
    decoders = DecoderPool(settings())
    error = await failure(decoders, PHOTO)
    assert (error.cause, error.detail) == (
        Cause.CORRUPT,
        "the JPEG cannot be decoded: it is damaged, or of a kind that the decoder does not know",
    )
    assert (await decoders.measure(FLAVOURS["png"].body, Depth.DECODE)).suspect is None
    await decoders.aclose()
