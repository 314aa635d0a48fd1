"""Measuring a whole body without decoding: complete or truncated, its hash, and what may follow the end."""

import hashlib
import struct

import pytest

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause, Depth
from retailpulse.measure import make_measurement, measure_body, read_header
from retailpulse.schema import Measurement

from .pictures import (
    FLAVOURS,
    LIMIT,
    PLAIN,
    WIDTH,
    Flavour,
    bmp,
    boxed,
    container,
    exif,
    jpeg_segment,
    picture,
    png_chunk,
    saved,
    tiff,
)

ALL = pytest.mark.parametrize("flavour", FLAVOURS.values(), ids=FLAVOURS.keys())


def measured(body: bytes, depth: Depth = Depth.DOWNLOAD) -> Measurement:
    return measure_body(body, depth, LIMIT)


def failure(body: bytes, depth: Depth = Depth.DOWNLOAD) -> ImageError:
    with pytest.raises(ImageError) as caught:
        measure_body(body, depth, LIMIT)
    return caught.value


@ALL
def test_every_flavour_is_complete_and_hashed(flavour: Flavour) -> None:
    body = flavour.body
    assert measured(body) == make_measurement(
        read_header(body, LIMIT) or pytest.fail("no header"),
        size_bytes=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
    )


@ALL
def test_a_body_cut_anywhere_is_truncated(flavour: Flavour) -> None:
    body = flavour.body
    ends = [8, *(len(body) * part // 20 for part in range(1, 20)), len(body) - 20, len(body) - 2]
    causes = {end: failure(body[:end]).cause for end in ends if end >= 8}
    assert set(causes.values()) == {Cause.TRUNCATED}


@pytest.mark.parametrize("name", PLAIN)
def test_one_missing_byte_is_noticed(name: str) -> None:
    assert failure(FLAVOURS[name].body[:-1]).cause is Cause.TRUNCATED


@ALL
def test_depth_header_reads_the_header_alone(flavour: Flavour) -> None:
    body = flavour.body
    if flavour.format in {"jpeg", "png", "gif", "bmp"}:
        body = body[: len(body) * 19 // 20]
    assert measured(body, Depth.HEADER) == make_measurement(
        read_header(body, LIMIT) or pytest.fail("no header")
    )


@pytest.mark.parametrize("depth", Depth)
def test_a_body_that_ends_inside_its_header_is_truncated(depth: Depth) -> None:
    for start in (
        b"\xff",
        b"\xff\xd8\xff\xe0",
        b"\x89PNG",
        b"GIF89a",
        b"RIFF",
        b"BM",
        b"II*\0",
        b"\0\0\0\x1cftypheic",
    ):
        assert failure(start, depth).cause is Cause.TRUNCATED


@pytest.mark.parametrize("depth", Depth)
def test_an_empty_or_tiny_body_is_no_image(depth: Depth) -> None:
    assert "empty" in failure(b"", depth).detail
    assert failure(b"ok\n", depth).cause is Cause.UNSUPPORTED_FORMAT
    assert failure(b"not found, sorry", depth).detail == "not an image: looks like text"


JUNK = {
    "zeros": bytes(5000),
    "a line feed": b"\n",
    "a phone's notes": b"SEFT" + bytes(range(200)),
    "another picture": saved("JPEG"),
    "a box that is too short": b"\0\0\0\2abcd" + b"x" * 90,
    "half a box": b"\0\0\0\7",
    "a box of no kind": b"\0\0\0\7" * 5,
    "a box beyond the end": b"\xff\xff\xff\xffabcd",
    "ones": b"\xff" * 50,
}


@pytest.mark.parametrize("name", FLAVOURS)
@pytest.mark.parametrize("appended", JUNK.values(), ids=JUNK.keys())
def test_what_is_appended_to_a_complete_picture_does_no_harm(name: str, appended: bytes) -> None:
    body = FLAVOURS[name].body
    header = read_header(body, LIMIT) or pytest.fail("no header")
    assert measured(body + appended, Depth.HEADER) == make_measurement(header)
    assert measured(body + appended).size_bytes == len(body + appended)
    decoded = measured(body + appended, Depth.DECODE)
    assert (decoded.width, decoded.suspect) == (WIDTH, None)


# JPEG


def test_the_end_marker_of_a_thumbnail_does_not_end_the_picture() -> None:
    body = saved("JPEG", exif=exif(1, saved("JPEG", picture(16, 12))))
    assert b"\xff\xd9" in body[: len(body) // 2]
    assert failure(body[:-2]).cause is Cause.TRUNCATED


def test_the_end_marker_of_a_note_before_the_data_does_not_end_the_picture() -> None:
    body = saved("JPEG")
    frame = body.index(b"\xff\xc0")
    noted = body[:frame] + jpeg_segment(0xFE, b"\xff\xda \xff\xd9") + body[frame:-2]
    assert failure(noted).cause is Cause.TRUNCATED


def test_a_jpeg_without_any_data_is_truncated() -> None:
    body = saved("JPEG")
    assert failure(body[: body.index(b"\xff\xda")] + b"\xff\xd9").cause is Cause.TRUNCATED


# BMP and GIF


@pytest.mark.parametrize("length", [0, 54, 2**32 - 1])
def test_a_wrong_length_field_does_not_fail_a_whole_bmp(length: int) -> None:
    body = FLAVOURS["bmp"].body
    wrong = body[:2] + struct.pack("<I", length) + body[6:]
    assert measured(wrong).width == WIDTH
    assert failure(wrong[:-200]).cause is Cause.TRUNCATED


def test_a_compressed_bmp_is_measured_by_its_length_fields() -> None:
    pixels = b"\0\x01" * 20  # the end of the picture, again and again
    head = struct.pack("<IiiHHIIiiII", 40, 10, 10, 1, 8, 1, len(pixels), 0, 0, 0, 0)
    body = b"BM" + struct.pack("<IHHI", 54 + len(pixels), 0, 0, 54) + head + pixels
    assert measured(body).width == 10
    assert failure(body[:-1]).cause is Cause.TRUNCATED


def test_a_bmp_that_ends_inside_its_header_is_truncated() -> None:
    assert failure(bmp(10, 10)[:40]).cause is Cause.TRUNCATED


def test_a_gif_without_a_trailer_is_truncated_and_bytes_between_its_blocks_are_stepped_over() -> None:
    body = FLAVOURS["gif"].body
    assert failure(body[:-1] + b"\0\0\0").cause is Cause.TRUNCATED
    assert measured(body[:-1] + b"\0\0\0;").width == WIDTH


def test_endless_gif_blocks_are_corrupt() -> None:
    assert failure(FLAVOURS["gif"].body[:-1] + b"!\xf9\0" * 200_001).cause is Cause.CORRUPT


# TIFF and the ISO containers


def test_a_tiff_whose_strips_lie_outside_is_truncated() -> None:
    offset = struct.pack("<HHII", 273, 4, 2**31, 8)
    body = tiff()
    at = body.index(struct.pack("<HHI", 273, 4, 5))
    assert failure(body[:at] + offset + body[at + 12 :]).cause is Cause.CORRUPT
    offset = struct.pack("<HHII", 273, 4, 5, len(body) - 8)
    assert failure(body[:at] + offset + body[at + 12 :]).cause is Cause.TRUNCATED


def test_a_container_whose_items_cannot_be_found_is_corrupt() -> None:
    assert failure(FLAVOURS["heic"].body.replace(b"iloc", b"free")).cause is Cause.CORRUPT


@pytest.mark.parametrize(
    ("iloc", "cause"),
    [
        (struct.pack(">IHH", 0, 0x4400, 0xFFFF), Cause.CORRUPT),  # more items than anyone has
        (struct.pack(">IHHHHH", 0, 0x4400, 1, 1, 0, 0xFFFF), Cause.CORRUPT),  # more parts than bytes
        (
            struct.pack(">IHH", 0, 0, 3) + struct.pack(">HHH", 1, 0, 0xFFFF) * 3,
            Cause.CORRUPT,
        ),  # no bytes a part
        (struct.pack(">IHHHHHII", 0, 0x4400, 1, 1, 0, 1, 100, 5000), Cause.TRUNCATED),  # beyond the file
        (struct.pack(">IHHHHHHII", 1 << 24, 0x4400, 1, 1, 1, 0, 1, 0, 5), Cause.TRUNCATED),  # beyond idat
    ],
)
def test_item_places_that_cannot_be_are_refused(iloc: bytes, cause: Cause) -> None:
    assert failure(container(iloc)).cause is cause


def films() -> dict[str, bytes]:
    avif = FLAVOURS["avif animated"].body
    start = avif.index(b"meta") - 4
    meta = avif[start : start + int.from_bytes(avif[start : start + 4])]
    rest = avif[start + len(meta) :]
    heic_film = boxed(b"ftyp", b"msf1" + bytes(4) + b"hevciso8")
    notes = boxed(b"meta", bytes(4) + boxed(b"hdlr", bytes(24)))
    return {
        "avif": avif[:start] + rest,
        "avif, notes of no picture": avif[:start] + notes + rest,
        "heic": heic_film + rest,
        "heic, film last": heic_film + boxed(b"mdat", bytes(2000)) + boxed(b"moov", bytes(100)),
        "heic, promises a picture": boxed(b"ftyp", b"heic" + bytes(4) + b"mif1heichevc") + rest,
    }


@pytest.mark.parametrize("name", films())
def test_a_film_without_a_still_picture_is_unsupported_at_every_depth(name: str) -> None:
    film = films()[name]
    for depth in Depth:
        error = failure(film, depth)
        assert (error.cause, error.detail) == (
            Cause.UNSUPPORTED_FORMAT,
            "the file holds a film and no still picture",
        )
    for end in range(len(film)):
        try:
            assert read_header(film[:end], LIMIT) is None
        except ImageError as early:
            assert early.cause is Cause.UNSUPPORTED_FORMAT
    if "notes" not in name:  # once they are there, more bytes cannot help
        assert failure(film[: len(film) // 2]).cause in {Cause.TRUNCATED, Cause.UNSUPPORTED_FORMAT}


def test_a_film_whose_brands_promise_no_picture_is_refused_by_its_first_bytes() -> None:
    film = films()["heic"]
    with pytest.raises(ImageError, match="holds a film"):
        read_header(film[:200], LIMIT)


def test_an_item_may_lie_anywhere_inside_the_file() -> None:
    assert measured(container(struct.pack(">IHHHHHII", 0, 0x4400, 1, 1, 0, 1, 10, 20))).width == WIDTH


def test_a_png_that_goes_on_with_zeros_is_corrupt_at_every_depth() -> None:
    body = FLAVOURS["png"].body
    zeroed = body[:-12] + bytes(100_000)
    for depth in (Depth.DOWNLOAD, Depth.DECODE):
        error = failure(zeroed, depth)
        assert (error.cause, error.detail) == (Cause.CORRUPT, "the PNG goes on with bytes that are no chunk")


def test_a_png_chunk_that_reaches_beyond_the_end_is_truncated() -> None:
    body = FLAVOURS["png"].body
    long_chunk = struct.pack(">I4s", 100_000, b"tEXt")
    assert failure(body[:-12] + long_chunk + png_chunk(b"IEND", b"")).cause is Cause.TRUNCATED
    impossible = struct.pack(">I4s", 2**31, b"tEXt")
    assert failure(body[:-12] + impossible + png_chunk(b"IEND", b"")).cause is Cause.CORRUPT
