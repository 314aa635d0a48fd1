"""Thumbnails from real decoders: who gets which, and what one costs that kills or compromises its decoder."""

import io
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from PIL import Image, ImageFilter

from retailpulse.config.settings import MeasureSettings, ReviewPictures
from retailpulse.domain.images import Depth
from retailpulse.domain.thumbnails import ThumbnailKind
from retailpulse.measure import DecoderPool
from retailpulse.measure.thumbnails import MOST_BYTES, believed_thumbnail
from retailpulse.schema import Measurement, Thumbnail
from tests.analyze.drawn import saved, shelf
from tests.measure.pictures import exif
from tests.measure.process_pool.analyzers import ROOT

SHARP = saved(shelf(1280, 960).convert("RGB"))
BLURRED = saved(shelf(1280, 960).filter(ImageFilter.GaussianBlur(6)).convert("RGB"))
KINDS = {"thumbnail": (320, 240), "review": (640, 480)}


def kept(measurement: Measurement) -> dict[str, tuple[int, int]]:
    """The size of each thumbnail, which is a picture."""
    for one in measurement.thumbnails:
        assert Image.open(io.BytesIO(one.jpeg)).size == (one.width, one.height)
    return {str(one.kind): (one.width, one.height) for one in measurement.thumbnails}


@pytest.fixture
async def decoders() -> AsyncIterator[DecoderPool]:
    made = DecoderPool(MeasureSettings())
    yield made
    await made.aclose()


async def test_every_photo_has_a_thumbnail_and_a_flagged_one_a_larger_picture(decoders: DecoderPool) -> None:
    sharp = await decoders.measure(SHARP, Depth.DECODE)
    assert (sharp.flags, kept(sharp)) == ([], {"thumbnail": KINDS["thumbnail"]})
    blurred = await decoders.measure(BLURRED, Depth.DECODE)
    assert (blurred.flags, kept(blurred)) == (["blurred"], KINDS)


async def test_a_body_that_comes_in_a_file_has_them_too(decoders: DecoderPool) -> None:
    large = saved(Image.new("RGB", (1900, 1600), "grey"), "BMP")
    assert len(large) > 8_000_000
    measurement = await decoders.measure(large, Depth.DECODE)
    assert kept(measurement) == {"thumbnail": (320, 269), "review": (950, 800)}
    assert kept(await decoders.measure(SHARP, Depth.DECODE)) == {"thumbnail": KINDS["thumbnail"]}


@pytest.mark.parametrize("depth", [Depth.HEADER, Depth.DOWNLOAD])
async def test_without_a_decode_there_is_none(decoders: DecoderPool, depth: Depth) -> None:
    assert (await decoders.measure(BLURRED, depth)).thumbnails == ()


async def test_settings_switch_them_off_and_on() -> None:
    for thumbnails, pictures, expected in (
        (False, ReviewPictures.OFF, set()),
        (False, ReviewPictures.ALL, {"review"}),
    ):
        decoders = DecoderPool(MeasureSettings(thumbnails=thumbnails, review_pictures=pictures))
        assert set(kept(await decoders.measure(SHARP, Depth.DECODE))) == expected
        await decoders.aclose()


SABOTEUR = """
import importlib, os, signal, sys
sys.path.remove({folder!r})
del sys.modules["simplejpeg"]
real = importlib.import_module("simplejpeg")
def encode_jpeg(pixels, *_):
    if pixels[0, 0, 0] > 200:
        {crime}
    return encode(pixels, *_)
encode, real.encode_jpeg = real.encode_jpeg, encode_jpeg
"""
WHITE = saved(Image.new("RGB", (640, 480), "white"))


@pytest.mark.parametrize(
    "crime",
    [
        "os.kill(os.getpid(), signal.SIGSEGV)",
        "raise MemoryError",
        "return b'<script>' * 100",
    ],
)
async def test_what_goes_wrong_with_one_costs_it_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, crime: str
) -> None:
    (tmp_path / "simplejpeg.py").write_text(SABOTEUR.format(folder=str(tmp_path), crime=crime))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    decoders = DecoderPool(MeasureSettings())
    measurement = await decoders.measure(WHITE, Depth.DECODE)
    assert (measurement.width, measurement.flags, measurement.thumbnails) == (
        640,
        ["overexposed", "blank"],
        (),
    )
    assert all(analysis.facts is not None for analysis in measurement.analyses)
    assert kept(await decoders.measure(SHARP, Depth.DECODE)) == {"thumbnail": KINDS["thumbnail"]}
    await decoders.aclose()


def test_of_what_a_decoder_gives_only_a_small_bare_jpeg_is_believed() -> None:
    small = Image.new("RGB", (320, 200), "red")
    good = saved(small)
    kind = ThumbnailKind.THUMBNAIL
    assert believed_thumbnail(kind, good) == Thumbnail(kind=kind, width=320, height=200, jpeg=good)
    for bad in (
        b"",
        b"<html>",
        good[:100],
        saved(small, "PNG"),
        saved(Image.new("RGB", (321, 2), "red")),
        saved(small, exif=exif(1)),
        good + bytes(MOST_BYTES[kind]),
    ):
        assert believed_thumbnail(kind, bad) is None
    larger = believed_thumbnail(ThumbnailKind.REVIEW, saved(Image.new("RGB", (1024, 9))))
    assert larger is not None
    assert msgspec.structs.replace(larger, jpeg=b"").width == 1024
