"""Reading the size from the first bytes: formats, first parts, orientation, and what is no image."""

import io
import struct

import pillow_heif
import pytest
from PIL import Image, ImageOps

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause, Format, Header
from retailpulse.measure import read_header

from .pictures import (
    FLAVOURS,
    HEIGHT,
    LIMIT,
    WIDTH,
    Flavour,
    bmp,
    boxed,
    exif,
    heic,
    jpeg_segment,
    picture,
    png,
    png_chunk,
    saved,
    tiff,
)

ALL = pytest.mark.parametrize("flavour", FLAVOURS.values(), ids=FLAVOURS.keys())


def header_of(data: bytes) -> Header:
    header = read_header(data, LIMIT)
    assert header is not None
    return header


def refusal(data: bytes, max_pixels: int = LIMIT) -> ImageError:
    with pytest.raises(ImageError) as caught:
        read_header(data, max_pixels)
    return caught.value


def turned(header: Header) -> bool:
    assert {header.displayed_width, header.displayed_height} == {header.width, header.height}
    return header.displayed_width != header.width


@ALL
def test_every_flavour_says_its_format_and_size(flavour: Flavour) -> None:
    assert header_of(flavour.body) == Header(
        format=flavour.format, width=WIDTH, height=HEIGHT, displayed_width=WIDTH, displayed_height=HEIGHT
    )


@ALL
def test_a_growing_first_part_says_nothing_or_what_the_whole_file_says(flavour: Flavour) -> None:
    whole = header_of(flavour.body)
    ends = [*range(min(len(flavour.body), 1500)), *range(1500, len(flavour.body), 101)]
    answers = [read_header(flavour.body[:end], LIMIT) for end in ends]
    known = [answer is not None for answer in answers]
    assert {answer for answer in answers if answer is not None} <= {whole}
    assert known == sorted(known), "what was known from fewer bytes is known from more"


@pytest.mark.parametrize(
    ("name", "enough_bytes"),
    [
        ("jpeg baseline", 650),
        ("png", 64),
        ("gif", 850),
        ("webp lossy", 30),
        ("webp lossless", 30),
        ("bmp", 26),
        ("avif", 600),
        ("heic", 1500),
        ("tiff strips", 256),
    ],
)
def test_few_bytes_are_enough(name: str, enough_bytes: int) -> None:
    assert header_of(FLAVOURS[name].body[:enough_bytes]) == header_of(FLAVOURS[name].body)


@pytest.mark.parametrize("size", [(4000, 3000), (8192, 6144)], ids=["12 MP", "50 MP"])
def test_large_photos_are_measured_from_their_first_kilobytes(size: tuple[int, int]) -> None:
    photo = saved("JPEG", Image.new("RGB", size, "navy"), exif=exif(6, saved("JPEG", picture(160, 120))))
    header = header_of(photo[:65_536])
    assert (header.width, header.height) == size
    assert (header.displayed_height, header.displayed_width) == size


# Orientation


ORIENTATIONS = pytest.mark.parametrize("orientation", range(1, 9))


@ORIENTATIONS
@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_the_displayed_size_follows_the_orientation(image_format: str, orientation: int) -> None:
    body = saved(image_format, exif=exif(orientation))
    header = header_of(body)
    assert (header.width, header.height) == (WIDTH, HEIGHT)
    assert turned(header) is (orientation >= 5)
    with Image.open(io.BytesIO(body)) as image:
        assert ImageOps.exif_transpose(image).size == (header.displayed_width, header.displayed_height)


@ORIENTATIONS
def test_the_displayed_size_of_heic_follows_its_rotation_box(orientation: int) -> None:
    body = heic(exif=exif(orientation))
    header = header_of(body)
    assert (header.width, header.height) == (WIDTH, HEIGHT)
    assert turned(header) is (orientation >= 5)
    assert pillow_heif.open_heif(body).size == (header.displayed_width, header.displayed_height)


@ORIENTATIONS
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_both_ages_and_byte_orders_of_tiff_are_turned(order: str, orientation: int, big: bool) -> None:
    assert turned(header_of(tiff(order, big=big, orientation=orientation))) is (orientation >= 5)


def test_of_a_repeated_tag_the_first_counts() -> None:
    body = tiff()
    repeated = body.replace(struct.pack("<HH", 258, 4), struct.pack("<HH", 256, 4))
    with Image.open(io.BytesIO(repeated), formats=("TIFF",)) as image:
        assert image.size == (WIDTH, HEIGHT)
    assert header_of(repeated) == header_of(body)


def test_exif_with_its_own_byte_order_is_read() -> None:
    big_endian = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHH", 8, 1, 274, 3, 1, 6, 0)
    body = saved("JPEG")
    assert turned(header_of(body[:2] + jpeg_segment(0xE1, big_endian) + body[2:]))


@pytest.mark.parametrize(
    "broken",
    [
        b"Exif\0\0",
        b"Exif\0\0II*\0",
        b"Exif\0\0II*\0" + struct.pack("<I", 0xFFFFFFFF),
        b"Exif\0\0II*\0" + struct.pack("<IH", 8, 0xFFFF),
        b"Exif\0\0XX*\0" + struct.pack("<IHHHIHH", 8, 1, 274, 3, 1, 6, 0),
        b"Exif\0\0II*\0" + struct.pack("<IHHHIHH", 8, 1, 274, 3, 1, 99, 0),
        b"Exif\0\0II*\0" + struct.pack("<IHHHIHH", 8, 1, 274, 3, 70_000, 6, 0),
        b"Exif\0\0II*\0" + struct.pack("<IHHHIHH", 8, 1, 274, 77, 1, 6, 0),
    ],
)
def test_broken_exif_harms_no_picture(broken: bytes) -> None:
    body = saved("JPEG")
    assert not turned(header_of(body[:2] + jpeg_segment(0xE1, broken) + body[2:]))


def test_a_thumbnail_is_not_taken_for_the_picture() -> None:
    body = saved("JPEG", exif=exif(1, saved("JPEG", picture(160, 120))))
    assert body.find(b"\xff\xc0") < body.rfind(b"\xff\xc0")
    assert header_of(body).width == WIDTH


def test_a_broken_chunk_of_a_png_does_not_hide_what_its_first_bytes_said() -> None:
    broken = struct.pack(">I", 1 << 31) + b"tEXt"
    whole = png(0, 10, broken)
    assert str(refusal(whole)) == str(refusal(whole[:33])) == "corrupt: the image says it has 0 x 10 pixels"


def test_a_png_waits_for_exif_only_until_its_data_begins() -> None:
    data = png_chunk(b"IDAT", b"")
    turning = png_chunk(b"eXIf", exif(8).removeprefix(b"Exif\0\0"))
    assert turned(header_of(png(20, 10, turning + data)))
    assert not turned(header_of(png(20, 10, data + turning)))


def test_only_a_picture_that_a_turn_would_change_waits_for_exif() -> None:
    assert (read_header(png(20, 10, b"")[:33], LIMIT), header_of(png(9, 9, b"")[:33]).width) == (None, 9)


def test_a_webp_pads_its_odd_chunks() -> None:
    turning = exif(8)
    chunks = b"JUNK\x03\0\0\0abc\0" + b"EXIF" + struct.pack("<I", len(turning)) + turning
    canvas = b"WEBPVP8X\x0a\0\0\0\x08\0\0\0\x09\0\0\x13\0\0"
    assert turned(header_of(b"RIFF" + struct.pack("<I", len(canvas + chunks)) + canvas + chunks))


# JPEG's ways


def test_fill_bytes_and_garbage_between_segments_are_stepped_over() -> None:
    body = saved("JPEG")
    assert (
        header_of(body[:2] + b"\xff" * 100 + jpeg_segment(0xFE, b"note") + b"\0junk" + body[2:]).width
        == WIDTH
    )


@pytest.mark.parametrize(
    "segments",
    [
        b"\xff\xd9",
        b"\xff\xda\0\x08\1\1\0\0\x3f\0",
        b"\xff\xdb\0\1",
        b"\xff\xd8\xff\xd8",
        b"\xff\xfe\0\2" * 30_000,
        b"\xff\xd0" * 30_000,
    ],
    ids=["end first", "data first", "short segment", "second start", "too many segments", "too many markers"],
)
def test_a_jpeg_without_a_frame_header_is_corrupt(segments: bytes) -> None:
    assert refusal(b"\xff\xd8\xff\xfe\0\2" + segments).cause is Cause.CORRUPT


# Containers


def meta_last(body: bytes, head: bytes) -> bytes:
    """The same file with its meta box behind the data, under another head; offsets stay as they were."""
    start = body.index(b"meta") - 4
    length = int.from_bytes(body[start : start + 4])
    free = boxed(b"free", bytes(length - 8))
    return body[:start] + free + body[start + length :] + head + body[start + 8 : start + length]


@pytest.mark.parametrize("name", ["heic", "heic grid", "avif"])
def test_a_container_may_keep_its_header_at_the_end(name: str) -> None:
    body = FLAVOURS[name].body
    start = body.index(b"meta") - 4
    length = int.from_bytes(body[start : start + 4])
    heads = [
        body[start : start + 8],
        struct.pack(">I4sQ", 1, b"meta", length + 8),  # the length in 64 bits
        struct.pack(">I4s", 0, b"meta"),  # to the end of the file
    ]
    for head in heads:
        moved = meta_last(body, head)
        assert read_header(moved[:-length], LIMIT) is None
        assert header_of(moved) == header_of(body)


@pytest.mark.parametrize("size", [2, 7, 1])
def test_a_box_of_an_impossible_length_is_corrupt(size: int) -> None:
    start = FLAVOURS["heic"].body[: FLAVOURS["heic"].body.index(b"meta") - 4]
    assert refusal(start + boxed(b"free", bytes(16), size=size)).cause is Cause.CORRUPT


def test_boxes_and_chunks_without_content_never_loop() -> None:
    start = FLAVOURS["heic"].body[: FLAVOURS["heic"].body.index(b"meta") - 4]
    assert read_header(start + boxed(b"free", b"", size=0) + bytes(1000), LIMIT) is None
    assert refusal(start + boxed(b"free", b"") * 50_000).cause is Cause.CORRUPT
    assert refusal(png(20, 10, png_chunk(b"tIME", b"") * 1_000_001)).cause is Cause.CORRUPT
    webp = b"RIFF\xff\xff\xff\x7fWEBPVP8X\x0a\0\0\0\x08\0\0\0\x09\0\0\x13\0\0"
    assert refusal(webp + b"JUNK\0\0\0\0" * 100_001).cause is Cause.CORRUPT


def test_a_container_without_a_main_picture_is_corrupt() -> None:
    body = FLAVOURS["heic"].body
    assert refusal(body.replace(b"pitm", b"free")).cause is Cause.CORRUPT
    assert refusal(body.replace(b"ispe", b"free")).cause is Cause.CORRUPT


@pytest.mark.parametrize(
    ("brands", "image_format"),
    [
        ((b"mif1", b"mif1", b"avif"), Format.AVIF),
        ((b"mif1", b"mif1", b"heic"), Format.HEIC),
        ((b"msf1", b"hevc"), Format.HEIC),
        ((b"mif1",), Format.HEIC),
    ],
)
def test_the_brands_tell_avif_from_heic(brands: tuple[bytes, ...], image_format: Format) -> None:
    body = FLAVOURS["heic"].body
    rest = body[int.from_bytes(body[:4]) :]
    assert (
        header_of(boxed(b"ftyp", brands[0] + bytes(4) + b"".join(brands[1:])) + rest).format is image_format
    )


# Limits and nonsense


HUGE = {
    "png": png(300_000, 300_000, b""),
    "gif": b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0),
    "bmp": bmp(1, 1)[:18] + struct.pack("<ii", 2**31 - 1, -(2**31)) + bytes(40),
    "webp": b"RIFF\xff\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff" * 6 + bytes(20),
    "jpeg": b"\xff\xd8\xff\xc0\0\x0b\x08\xff\xff\xff\xff\x01\x01\x11\0",
    "tiff": tiff().replace(
        struct.pack("<HHII", 256, 4, 1, WIDTH), struct.pack("<HHII", 256, 4, 1, 2**32 - 1)
    ),
}


@pytest.mark.parametrize("data", HUGE.values(), ids=HUGE.keys())
def test_a_bomb_is_refused_by_its_header_alone(data: bytes) -> None:
    assert refusal(data).cause is Cause.TOO_MANY_PIXELS


def test_a_bomb_is_refused_before_the_rest_of_its_header_is_there() -> None:
    assert refusal(HUGE["png"][:24]).cause is Cause.TOO_MANY_PIXELS


def test_the_limit_is_the_last_size_that_passes() -> None:
    assert read_header(saved("PNG"), WIDTH * HEIGHT) is not None
    assert refusal(saved("PNG"), WIDTH * HEIGHT - 1).cause is Cause.TOO_MANY_PIXELS


EMPTY = {
    "png": png(0, 10, b""),
    "gif": b"GIF89a" + struct.pack("<HHBBB", 10, 0, 0, 0, 0) + b";",
    "bmp": bmp(10, 0),
    "jpeg": b"\xff\xd8\xff\xc0\0\x0b\x08\0\0\0\x0a\x01\x01\x11\0",
    "negative bmp": bmp(10, 10)[:18] + struct.pack("<i", -10) + bmp(10, 10)[22:],
    "tiff without a width": tiff().replace(struct.pack("<HHII", 256, 4, 1, WIDTH), bytes(12)),
    "tiff without entries": b"II*\0\x08\0\0\0\0\0" + bytes(20),
    "tiff without a directory": b"II*\0\0\0\0\0" + bytes(20),
    "png without a header": b"\x89PNG\r\n\x1a\n" + png_chunk(b"IDAT", bytes(40)),
    "webp without a picture": b"RIFF\xff\0\0\0WEBPALPH" + bytes(40),
    "webp without a key frame": b"RIFF\xff\0\0\0WEBPVP8 " + bytes(40),
    "webp without a signature": b"RIFF\xff\0\0\0WEBPVP8L" + bytes(40),
}


@pytest.mark.parametrize("data", EMPTY.values(), ids=EMPTY.keys())
def test_a_picture_without_a_size_is_corrupt(data: bytes) -> None:
    assert refusal(data).cause is Cause.CORRUPT


STRANGERS = {
    "HTML": b"\n  <!DOCTYPE html><html><body>Not found</body></html>",
    "SVG": b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>',
    "XML": b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
    "JSON": b'{"error": "not found"}',
    "text": b"BM is how this sentence begins, and it is no picture",
    "PDF": b"%PDF-1.7 and so on",
    "video": boxed(b"ftyp", b"isom\0\0\2\0isomavc1") + bytes(40),
    "RIFF": b"RIFF\x24\0\0\0WAVEfmt " + bytes(20),
    "JPEG XL": b"\xff\x0a" + bytes(20),
    "unknown data": bytes(range(0x80, 0xA0)),
}


@pytest.mark.parametrize(("name", "data"), STRANGERS.items(), ids=STRANGERS.keys())
def test_what_is_no_image_is_called_by_its_name(name: str, data: bytes) -> None:
    error = refusal(data)
    assert error.cause is Cause.UNSUPPORTED_FORMAT
    assert name in error.detail
