"""What is odd beside a whole picture fails it at no depth, and makes it no suspect."""

import struct
import zlib

import pytest

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause, Depth
from retailpulse.measure import measure_body
from retailpulse.measure.body import decode_body

from .pictures import FLAVOURS, LIMIT, exif, jpeg_segment, picture, png_chunk, saved
from .whole import assert_whole, failure, grey

# PNG


def wrong_checksum(chunk: bytes) -> bytes:
    return chunk[:-1] + bytes([chunk[-1] ^ 1])


def before_data(body: bytes, chunk: bytes) -> bytes:
    at = body.index(b"IDAT") - 4
    return body[:at] + chunk + body[at:]


LONG = zlib.compress(b"<x/>" * 400_000)
ANCILLARY = {
    "long XMP": png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + LONG),
    "long text": png_chunk(b"zTXt", b"Comment\0\0" + LONG),
    "long profile": png_chunk(b"iCCP", b"a\0\0" + LONG),
    "many texts": png_chunk(b"tEXt", b"Comment\0" + b"x" * 1_000_000) * 70,
    "text of no known compression": png_chunk(b"zTXt", b"Comment\0\7" + LONG),
    "profile without a name": png_chunk(b"iCCP", b""),
    "checksum of a text": wrong_checksum(png_chunk(b"tEXt", b"Comment\0hi")),
    "checksum of a time": wrong_checksum(png_chunk(b"tIME", bytes(7))),
    **{
        f"short {kind.decode()}": png_chunk(kind, content)
        for kind in (b"pHYs", b"cHRM", b"sRGB", b"gAMA", b"tRNS", b"acTL", b"fcTL", b"bKGD", b"eXIf")
        for content in (b"",)
    },
    "pHYs of 4 bytes": png_chunk(b"pHYs", b"abcd"),
    "frames of no picture": png_chunk(b"acTL", struct.pack(">II", 1, 0)) + png_chunk(b"fcTL", bytes(26)),
}


@pytest.mark.parametrize("chunk", ANCILLARY.values(), ids=ANCILLARY.keys())
@pytest.mark.parametrize("mode", ["RGB", "P", "L", "RGBA"])
def test_no_ancillary_chunk_fails_a_png(chunk: bytes, mode: str) -> None:
    body = saved("PNG", picture(mode=mode))
    assert_whole(before_data(body, chunk))
    assert_whole(body[:-12] + chunk + body[-12:])


def test_an_ancillary_chunk_between_the_data_of_a_png_does_no_harm() -> None:
    body = saved("PNG")
    at = body.index(b"IDAT") + 4
    data = body[at : at + int.from_bytes(body[at - 8 : at - 4])]
    halves = png_chunk(b"IDAT", data[:500]) + png_chunk(b"tEXt", b"a\0b") + png_chunk(b"IDAT", data[500:])
    assert_whole(body[: at - 8] + halves + body[at + len(data) + 4 :])


def test_the_pixels_of_a_png_are_the_same_without_its_ancillary_chunks() -> None:
    for mode in ("RGB", "P", "L", "RGBA", "I;16"):
        plain = saved("PNG", picture(mode=mode))
        assert grey(before_data(plain, ANCILLARY["long XMP"])) == grey(plain)


@pytest.mark.parametrize("kind", [b"IHDR", b"PLTE", b"IDAT"])
def test_a_wrong_checksum_on_a_chunk_of_the_picture_is_told(kind: bytes) -> None:
    body = saved("PNG", picture(mode="P"))
    start = body.index(kind) - 4
    end = start + 12 + int.from_bytes(body[start : start + 4])
    broken = body[:start] + wrong_checksum(body[start:end]) + body[end:]
    said = f"the checksum of the {kind.decode()} chunk does not match"
    if kind == b"IDAT":
        assert measure_body(broken, Depth.DECODE, LIMIT).suspect == said
    else:
        error = failure(broken)
        assert (error.cause, error.detail) == (Cause.CORRUPT, said)


def test_the_exif_of_a_png_is_found_without_its_decoder() -> None:
    data = exif(6).removeprefix(b"Exif\0\0")
    for body in (
        saved("PNG", exif=exif(6)),
        saved("PNG")[:-12] + png_chunk(b"eXIf", data) + saved("PNG")[-12:],
    ):
        assert decode_body(body, LIMIT)[1].exif() == data


def test_a_png_of_apple_s_apps_is_unsupported() -> None:
    body = saved("PNG")
    packed = body[:8] + png_chunk(b"CgBI", bytes(4)) + body[8:]
    for depth in Depth:
        assert failure(packed, depth).cause is Cause.UNSUPPORTED_FORMAT


# JPEG


@pytest.mark.parametrize("length", [0, 1])
@pytest.mark.parametrize("marker", [0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xEF, 0xFE, 0xDC], ids=hex)
def test_a_segment_of_no_length_beside_the_picture_fails_no_jpeg(marker: int, length: int) -> None:
    short = bytes([0xFF, marker, 0, length])
    for body in (saved("JPEG"), saved("JPEG", progressive=True)):
        for at in (2, body.index(b"\xff\xdb"), body.index(b"\xff\xc4"), body.index(b"\xff\xda")):
            assert_whole(body[:at] + short + body[at:])
            assert_whole(body[:at] + short + b"some notes" + body[at:])


@pytest.mark.parametrize("marker", [0xC4, 0xDB, 0xDD, 0xC0, 0xDA], ids=hex)
def test_a_segment_of_no_length_that_the_picture_needs_is_corrupt(marker: int) -> None:
    body = saved("JPEG")
    assert failure(body[:2] + bytes([0xFF, marker, 0, 1]) + body[2:]).cause is Cause.CORRUPT


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (2, 3), (7, 7), (8, 7), (7, 100), (9, 9)], ids=str)
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_may_be_smaller_than_a_block(size: tuple[int, int], progressive: bool) -> None:
    body = saved("JPEG", picture(*size), progressive=progressive)
    assert_whole(body, *size)
    half_a_profile = jpeg_segment(0xE2, b"ICC_PROFILE\0\1\2" + bytes(200))
    assert_whole(body[:2] + half_a_profile + body[2:], *size)


@pytest.mark.parametrize("zeros", [1, 5, 9, 100, 5000, 300_000])
def test_zeros_before_the_end_of_a_jpeg_are_no_damage(zeros: int) -> None:
    for options in ({}, {"progressive": True}, {"restart_marker_blocks": 2}):
        body = saved("JPEG", **options)
        assert_whole(body[:-2] + bytes(zeros) + body[-2:])
        assert_whole(body[:-2] + bytes(zeros) + body[-2:] + b"notes" + bytes(zeros) + b"\xff\xd9")


def test_zeros_in_place_of_data_are_no_padding_of_a_jpeg() -> None:
    body = saved("JPEG", picture(400, 300))
    for lost in (600, 2000, 5000):
        zeroed = body[: -2 - lost] + bytes(lost) + body[-2:]
        assert measure_body(zeroed, Depth.DECODE, LIMIT).suspect is not None
        padded = zeroed[:-2] + bytes(3000) + body[-2:]
        assert measure_body(padded, Depth.DECODE, LIMIT).suspect is not None


def test_damage_of_a_padded_jpeg_is_not_passed_over() -> None:
    body = bytearray(saved("JPEG", picture(800, 600), restart_marker_blocks=8))
    at = body.index(b"\xff\xd1")
    del body[at - 40 : at - 8]
    padded = bytes(body[:-2]) + bytes(500) + b"\xff\xd9"
    assert measure_body(bytes(body), Depth.DECODE, LIMIT).suspect is not None
    assert measure_body(padded, Depth.DECODE, LIMIT).suspect is not None


def test_what_is_not_zeros_before_the_end_of_a_jpeg_is_still_suspect() -> None:
    body = saved("JPEG")
    notes = bytes(100) + b"some notes" + bytes(100)
    assert measure_body(body[:-2] + notes + body[-2:], Depth.DECODE, LIMIT).suspect is not None
    elsewhere = body[:-2] + b"abcde" * 4 + body[-2:] + (bytes(20) + b"\xff\xd9") * 3
    assert measure_body(elsewhere, Depth.DECODE, LIMIT).suspect is not None


# WebP


def with_length(body: bytes, length: int) -> bytes:
    """A WebP that announces another length."""
    return body[:4] + struct.pack("<I", length) + body[8:]


WEBP = [name for name in FLAVOURS if name.startswith("webp")]


@pytest.mark.parametrize("name", WEBP)
def test_a_wrong_length_fails_no_whole_webp(name: str) -> None:
    body = FLAVOURS[name].body
    for length in (len(body), len(body) - 4, len(body) - 10, 0, 4, 1):
        assert_whole(with_length(body, length))
        assert_whole(with_length(body, length) + bytes(50))
    if name != "webp animated":  # it may have lost frames
        for length in (len(body) + 1000, 2**32 - 2, 2**32 - 1):
            assert_whole(with_length(body, length))


def test_a_webp_that_lost_a_whole_chunk_is_truncated() -> None:
    photo = saved("WEBP", exif=exif(6))
    assert failure(photo[: photo.index(b"EXIF")], Depth.HEADER).cause is Cause.TRUNCATED
    described = saved("WEBP", xmp=b"<x/>" * 20)
    animated = FLAVOURS["webp animated"].body
    for body, kind in ((described, b"XMP "), (animated, b"ANMF")):
        assert failure(body[: body.rindex(kind)], Depth.DOWNLOAD).cause is Cause.TRUNCATED
        assert failure(body[: body.rindex(kind) + 6], Depth.DOWNLOAD).cause is Cause.TRUNCATED
        assert failure(body[:-3], Depth.DOWNLOAD).cause is Cause.TRUNCATED


def test_a_webp_may_lack_the_padding_of_its_last_chunk() -> None:
    noted = next(body for length in (20, 21) if not (body := saved("WEBP", xmp=b"x" * length))[-1])
    assert_whole(noted[:-1])


def test_a_webp_may_be_shorter_than_the_header_of_another_kind() -> None:
    one_colour = 0b0001 << 3 | 0b0001 << 7 | 0b0001 << 11 | 0b0001 << 15 | 0b0001 << 19
    bits = (20 - 1) | (10 - 1) << 14 | one_colour << 32  # 20 x 10; five codes of a single symbol
    picture_bytes = b"\x2f" + bits.to_bytes(7, "little")
    smallest = b"RIFF" + struct.pack("<I", 20) + b"WEBPVP8L" + struct.pack("<I", 8) + picture_bytes
    assert len(smallest) == 28
    assert_whole(smallest, 20, 10)
    with pytest.raises(ImageError, match="ends inside its header"):
        measure_body(smallest[:24], Depth.HEADER, LIMIT)
