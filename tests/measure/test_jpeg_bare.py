"""A JPEG that libjpeg-turbo's interface refuses has the facts and pixels of any other, at every scale."""

from collections.abc import Callable
from typing import Any

import msgspec
import numpy
import pytest
import simplejpeg
from PIL import Image, ImageFilter

from retailpulse.analyze import Picture
from retailpulse.domain.flags import Flag
from retailpulse.domain.images import Depth
from retailpulse.measure import measure_body
from retailpulse.measure.body import decode_body
from retailpulse.schema import Measurement

from .damaged_files import textured
from .pictures import LIMIT, exif, jpeg_segment, saved

SCALES = (1, 2, 4, 8)
SMALL, LARGE = (480, 360), (1000, 760)
"""The overview of the first is the picture itself, that of the second a half of it."""


def blurred(size: tuple[int, int]) -> Image.Image:
    return textured(*size).filter(ImageFilter.GaussianBlur(4))


def profile(*chunks: tuple[int, int]) -> bytes:
    """A colour profile in chunks, each with its number and how many there are."""
    return b"".join(jpeg_segment(0xE2, b"ICC_PROFILE\0" + bytes(chunk) + bytes(18)) for chunk in chunks)


def inserted(part: bytes, before: bytes | None = None) -> Callable[[bytes], bytes]:
    """Puts a part before a marker, or at the start."""

    def insert(body: bytes) -> bytes:
        at = 2 if before is None else body.index(before)
        return body[:at] + part + body[at:]

    return insert


EXTRAS = {
    "profile 5 of 3": inserted(profile((5, 3))),
    "profile 0 of 0": inserted(profile((0, 0))),
    "profile 1 of 2": inserted(profile((1, 2))),
    "profile twice": inserted(profile((1, 1), (1, 1))),
    "profile of 2 or 3": inserted(profile((1, 2), (2, 3))),
    "profile behind the frame header": inserted(profile((5, 3)), b"\xff\xda"),
    "garbage": inserted(b"garbage", b"\xff\xdb"),
    "JFIF 9": lambda body: body.replace(b"JFIF\0\1", b"JFIF\0\x09"),
    "all of them": lambda body: inserted(profile((5, 3)))(
        inserted(b"\0", b"\xff\xc4")(body.replace(b"JFIF\0\1", b"JFIF\0\x09"))
    ),
}


def measured(body: bytes) -> Measurement:
    """What is seen in it, whatever its bytes are."""
    facts = measure_body(body, Depth.DECODE, LIMIT)
    return msgspec.structs.replace(facts, size_bytes=None, sha256=None)


def coloured(picture: Picture, scale: int) -> Any:
    """Rows of pixels of red, green and blue."""
    return numpy.asarray(picture.colour(scale).convert("RGB"), dtype=int)


@pytest.mark.parametrize("extra", EXTRAS.values(), ids=EXTRAS.keys())
@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_extras_that_the_fast_path_refuses_hide_nothing(
    extra: Callable[[bytes], bytes], size: tuple[int, int]
) -> None:
    plain = saved("JPEG", blurred(size), exif=exif(6))
    plain = plain if b"JFIF\0" in plain else inserted(jpeg_segment(0xE0, b"JFIF\0\1\1" + bytes(7)))(plain)
    body = extra(plain)
    with pytest.raises(ValueError, match=r"ICC|extraneous|JFIF"):
        simplejpeg.decode_jpeg(body, "GRAY", strict=False)
    assert measured(body) == measured(plain)
    assert measured(body).flags == [Flag.BLURRED]
    assert measured(body).fingerprint is not None
    one, other = decode_body(body, LIMIT)[1], decode_body(plain, LIMIT)[1]
    for scale in SCALES:
        assert (one.grey(scale) == other.grey(scale)).all()
        assert (coloured(one, scale) == coloured(other, scale)).all()
    assert one.exif() == other.exif() is not None


@pytest.mark.parametrize("extra", EXTRAS.values(), ids=EXTRAS.keys())
def test_extras_that_the_fast_path_refuses_hide_no_damage(extra: Callable[[bytes], bytes]) -> None:
    body = saved("JPEG", textured())
    cut = body[: len(body) * 2 // 3] + b"\xff\xd9"
    assert measured(cut).suspect is not None
    assert measured(extra(cut)) == measured(cut)


# Samplings that only Pillow knows


def rare_sampling(picture: Image.Image) -> bytes:
    """A JPEG whose colours have a third of its width, which the fast path does not know.

    Each component is a scan of its own, whose data are those of a grey JPEG.
    """
    bright, *colours = picture.convert("YCbCr").split()
    third = -(-picture.width // 3), picture.height
    greys = [saved("JPEG", part, quality=90) for part in (bright, *(each.resize(third) for each in colours))]
    frame, scan = greys[0].index(b"\xff\xc0"), greys[0].index(b"\xff\xda")
    size = greys[0][frame + 4 : frame + 9]
    body = greys[0][:frame] + jpeg_segment(0xC0, size + b"\3\1\x31\0\2\x11\0\3\x11\0")
    body += greys[0][frame + 13 : scan]
    for number, grey in enumerate(greys, start=1):
        data = grey[grey.index(b"\xff\xda") + 10 : -2]
        body += jpeg_segment(0xDA, bytes([1, number, 0, 0, 63, 0])) + data
    return body + b"\xff\xd9"


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("radius", [0, 4])
def test_a_sampling_that_only_pillow_knows_hides_nothing(size: tuple[int, int], radius: int) -> None:
    picture = textured(*size).filter(ImageFilter.GaussianBlur(radius))
    body, plain = rare_sampling(picture), saved("JPEG", picture, quality=90)
    with pytest.raises(ValueError, match="subsampling"):
        simplejpeg.decode_jpeg(body, "GRAY", strict=False)
    one, other = measured(body), measured(plain)
    assert one.suspect is None
    assert one.flags == other.flags == ([Flag.BLURRED] if radius else [])
    assert one.fingerprint is not None
    assert other.fingerprint is not None
    assert sum((a ^ b).bit_count() for a, b in zip(one.fingerprint, other.fingerprint, strict=True)) < 20
    assert one.sharpness == pytest.approx(other.sharpness, rel=0.05)
    assert one.content == other.content
    assert one.brightness == pytest.approx(other.brightness, abs=1)
    seen, expected = decode_body(body, LIMIT)[1], decode_body(plain, LIMIT)[1]
    for scale in SCALES:
        assert numpy.abs(seen.grey(scale).astype(float) - expected.grey(scale)).mean() < 5
        assert numpy.abs(coloured(seen, scale) - coloured(expected, scale)).mean() < 15


@pytest.mark.parametrize("size", [(94, 70), (1, 70), (4001, 1)])
def test_a_small_or_narrow_picture_of_such_a_sampling_is_offered_at_every_scale(
    size: tuple[int, int],
) -> None:
    one = decode_body(rare_sampling(Image.new("RGB", size, (128, 128, 128))), LIMIT)[1]
    for scale in SCALES:
        assert one.grey(scale).shape == (-(-size[1] // scale), -(-size[0] // scale))
        assert coloured(one, scale).shape == (*one.grey(scale).shape, 3)
        assert (abs(one.grey(scale).astype(int) - 128) < 3).all()
