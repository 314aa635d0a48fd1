"""What is odd beside a whole picture fails it at no depth, and makes it no suspect."""

import struct
import zlib

import pytest

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause, Depth
from retailpulse.measure import measure_body
from retailpulse.measure.body import decode_body

from .pictures import HEIGHT, LIMIT, WIDTH, exif, picture, png_chunk, saved


def assert_whole(body: bytes, width: int = WIDTH, height: int = HEIGHT) -> None:
    """Every depth measures it, and nothing is suspect."""
    for depth in Depth:
        measured = measure_body(body, depth, LIMIT)
        assert (measured.width, measured.height, measured.suspect) == (width, height, None)


def failure(body: bytes, depth: Depth = Depth.DECODE) -> ImageError:
    with pytest.raises(ImageError) as caught:
        measure_body(body, depth, LIMIT)
    return caught.value


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


def grey(body: bytes) -> bytes:
    return decode_body(body, LIMIT)[1].grey(1).tobytes()


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
