"""Decoding whole bodies: every flavour, damage that is noticed, limits of the decoders, threads."""

import io
import random
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
import simplejpeg
from PIL import Image

from retailpulse.domain.analysis import Analysis
from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause, Depth
from retailpulse.measure import measure_body
from retailpulse.schema import Measurement

from .pictures import (
    FLAVOURS,
    HEIGHT,
    LIMIT,
    WIDTH,
    Flavour,
    odd_sampling,
    picture,
    png,
    png_chunk,
    saved,
    tiff,
)

ALL = pytest.mark.parametrize("flavour", FLAVOURS.values(), ids=FLAVOURS.keys())


def decoded(body: bytes) -> Measurement:
    return measure_body(body, Depth.DECODE, LIMIT)


def failure(body: bytes, max_pixels: int = LIMIT) -> ImageError:
    with pytest.raises(ImageError) as caught:
        measure_body(body, Depth.DECODE, max_pixels)
    return caught.value


@ALL
def test_every_flavour_decodes_without_suspicion(flavour: Flavour) -> None:
    measurement = decoded(flavour.body)
    assert (measurement.width, measurement.height) == (WIDTH, HEIGHT)
    assert measurement.suspect is None
    assert Analysis(analyzer="damage", version=2, facts={"suspect": None}) in measurement.analyses
    downloaded = msgspec.structs.asdict(measure_body(flavour.body, Depth.DOWNLOAD, LIMIT))
    known = {name: value for name, value in downloaded.items() if value not in (None, (), [])}
    assert known.items() <= msgspec.structs.asdict(measurement).items()


@pytest.mark.parametrize("size", [(4000, 3000), (8192, 6144)], ids=["12 MP", "50 MP"])
def test_large_photos_decode(size: tuple[int, int]) -> None:
    photo = saved("JPEG", picture(400, 300).resize(size, Image.Resampling.NEAREST))
    facts = decoded(photo)
    assert (facts.width, facts.height) == size


def test_pictures_decode_in_many_threads_at_once() -> None:
    bodies = [flavour.body for flavour in FLAVOURS.values()] * 3
    with ThreadPoolExecutor(8) as pool:
        sizes = {measurement.width for measurement in pool.map(decoded, bodies)}
    assert sizes == {WIDTH}


# JPEG


def flipped(body: bytes, position: int) -> bytes:
    return body[:position] + bytes([body[position] ^ 0x55]) + body[position + 1 :]


def test_damage_in_a_jpeg_that_still_decodes_makes_it_suspect() -> None:
    body = saved("JPEG", picture(800, 600))
    findings = []
    for seed in range(12):
        dice, damaged = random.Random(seed), bytearray(body)
        for _ in range(10):
            damaged[dice.randrange(700, len(body) - 2)] = dice.randrange(256)
        findings.append(decoded(bytes(damaged)).suspect)
    texts = [finding for finding in findings if finding is not None]
    assert len(texts) >= 10
    assert all("Corrupt JPEG data" in text for text in texts)


def test_a_jpeg_whose_middle_is_missing_is_suspect() -> None:
    body = FLAVOURS["jpeg baseline"].body
    suspect = decoded(body[: len(body) * 2 // 3] + b"\xff\xd9").suspect
    assert suspect is not None
    assert "premature end" in suspect


def test_a_jpeg_whose_data_is_followed_only_by_another_file_is_not_passed_as_whole() -> None:
    body = FLAVOURS["jpeg baseline"].body
    cut = decoded(body[: len(body) * 2 // 3] + FLAVOURS["png"].body + b"\xff\xd9")
    assert cut.suspect is not None


def test_a_jpeg_without_its_tables_is_corrupt() -> None:
    body = FLAVOURS["jpeg baseline"].body
    assert failure(body.replace(b"\xff\xdb", b"\xff\xfe")).cause is Cause.CORRUPT


def frame_patched(position: int, value: int, *, marker: int = 0xC0) -> bytes:
    body = bytearray(FLAVOURS["jpeg baseline"].body)
    frame = body.index(b"\xff\xc0")
    body[frame + 1] = marker
    body[frame + position] = value
    return bytes(body)


@pytest.mark.parametrize(
    "body",
    [
        frame_patched(4, 12, marker=0xC1),
        frame_patched(4, 8, marker=0xC3),
        frame_patched(4, 8, marker=0xC5),
    ],
    ids=["12 bit", "lossless", "hierarchical"],
)
def test_a_kind_of_jpeg_that_no_decoder_here_knows_is_unsupported(body: bytes) -> None:
    assert measure_body(body, Depth.DOWNLOAD, LIMIT).width == WIDTH
    assert failure(body).cause is Cause.UNSUPPORTED_FORMAT


def test_a_sampling_that_the_fast_path_refuses_is_left_to_pillow() -> None:
    for width in (WIDTH, 1):
        odd = odd_sampling(width)
        with pytest.raises(ValueError, match="subsampling"):
            simplejpeg.decode_jpeg(odd, "GRAY", strict=False)
        assert decoded(odd).width == width


def test_adobe_s_four_colours_decode_in_both_their_ways() -> None:
    body = saved("JPEG", picture(mode="CMYK"))
    adobe = body.index(b"Adobe")
    ycck = body[: adobe + 11] + b"\x02" + body[adobe + 12 :]
    assert decoded(ycck).suspect is None
    assert decoded(body[: adobe + 11] + b"\x00" + body[adobe + 12 :]).suspect is None


def test_a_jpeg_of_endless_scans_is_refused_before_it_is_decoded() -> None:
    body = FLAVOURS["jpeg progressive"].body
    scan = body.rindex(b"\xff\xda")
    endless = body[:scan] + body[scan:-2] * 101 + b"\xff\xd9"
    assert "scans" in failure(endless).detail


# The other formats


def test_damage_in_the_data_of_a_png_is_corrupt() -> None:
    body = FLAVOURS["png"].body
    assert failure(flipped(body, len(body) // 2)).cause is Cause.CORRUPT


def test_a_png_chunk_with_a_wrong_checksum_makes_it_suspect() -> None:
    body = FLAVOURS["png"].body
    suspect = decoded(flipped(body, len(body) - 13)).suspect  # the checksum of the last IDAT
    assert suspect == "the checksum of the IDAT chunk does not match"


def test_a_png_with_too_little_data_is_truncated() -> None:
    rows = zlib.compress(bytes(50 * 10))
    assert failure(png(49, 20, png_chunk(b"IDAT", rows[:-4]))).cause in {Cause.TRUNCATED, Cause.CORRUPT}
    assert failure(png(49, 20, b"")).cause in {Cause.TRUNCATED, Cause.CORRUPT}


@pytest.mark.parametrize("name", ["gif", "webp lossy", "tiff lzw", "avif", "heic", "heic grid"])
def test_zeroed_data_fails_or_decodes_but_never_escapes(name: str) -> None:
    body = FLAVOURS[name].body
    middle = len(body) // 2
    try:
        decoded(body[:middle] + bytes(100) + body[middle + 100 :])
    except ImageError as error:
        assert error.cause in {Cause.CORRUPT, Cause.TRUNCATED}
        assert "0x" not in error.detail


@pytest.mark.parametrize(("side", "max_pixels"), [(60_000, LIMIT), (100, 1000)])
def test_a_picture_larger_than_its_header_says_is_refused(side: int, max_pixels: int) -> None:
    # A GIF's first frame may reach beyond the screen; Pillow then makes the picture as large as the frame.
    body = bytearray(saved("GIF", picture(20, 10)))
    frame = body.index(b",\0\0\0\0\x14\0\x0a\0")
    body[frame + 5 : frame + 9] = struct.pack("<HH", side, side)
    assert failure(bytes(body), max_pixels).cause is Cause.TOO_MANY_PIXELS


def test_pillow_s_own_limit_does_not_stand_below_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert decoded(FLAVOURS["png"].body).suspect is None
    assert Image.MAX_IMAGE_PIXELS == LIMIT


def test_our_limit_holds_for_every_format() -> None:
    for flavour in FLAVOURS.values():
        assert failure(flavour.body, WIDTH * HEIGHT - 1).cause is Cause.TOO_MANY_PIXELS


def test_a_tiff_that_pillow_misreads_is_unsupported_and_not_corrupt() -> None:
    assert failure(tiff(">", big=True)).cause is Cause.UNSUPPORTED_FORMAT


def test_pillow_s_warnings_neither_fail_a_picture_nor_reach_the_log(caplog: pytest.LogCaptureFixture) -> None:
    body = tiff().replace(struct.pack("<HHI", 274, 4, 1), struct.pack("<HHI", 306, 4, 2**20))
    with pytest.warns(UserWarning), Image.open(io.BytesIO(body), formats=("TIFF",)) as image:
        image.load()  # a date that claims to be longer than the file
    assert decoded(body).suspect is None
    strange = tiff().replace(struct.pack("<HHII", 277, 4, 1, 1), struct.pack("<HHII", 277, 4, 1, 70_000))
    assert failure(strange).cause is Cause.CORRUPT
    assert caplog.records == []
