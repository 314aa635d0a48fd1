"""The analyzer of damage: what a decoder found, then what its libraries printed, then the size it found."""

import struct

import pytest
from PIL import Image

from retailpulse.analyze import GreyImage, Picture, ask
from retailpulse.analyze.damage import ANALYZER
from retailpulse.domain.analysis import Analysis
from retailpulse.domain.images import Depth, Format, Header
from retailpulse.measure import make_measurement, measure_body
from tests.measure.pictures import FLAVOURS, LIMIT, png_chunk

HEADER = Header(format=Format.JPEG, width=8, height=8, displayed_width=8, displayed_height=8)


class Damaged(Picture):
    def __init__(self, damage: str | None, printed: str, size: tuple[int, int] | None = None) -> None:
        super().__init__()
        self._damage = damage
        self._size = size
        self.printed = printed

    def damage(self) -> str | None:
        return self._damage

    def decoded_size(self) -> tuple[int, int] | None:
        return self._size

    def _make_grey(self, _: int) -> GreyImage:
        raise AssertionError("no pixels are needed")

    def _make_colour(self, _: int) -> Image.Image:
        raise AssertionError("no pixels are needed")

    def _find_exif(self) -> bytes | None:
        raise AssertionError("no EXIF is needed")


@pytest.mark.parametrize(
    ("damage", "printed", "suspect"),
    [
        (None, "", None),
        ("a marker is missing", "", "a marker is missing"),
        (None, "bad code word", "the decoder says: bad code word"),
        ("a marker is missing", "bad code word", "a marker is missing"),
    ],
)
def test_what_the_decoder_found_comes_before_what_it_printed(
    damage: str | None, printed: str, suspect: str | None
) -> None:
    told = ask(ANALYZER, Damaged(damage, printed), HEADER)
    assert told == Analysis(analyzer="damage", version=2, facts={"suspect": suspect})
    assert make_measurement(HEADER, analyses=[told]).suspect == suspect


TURNED = Header(format=Format.HEIC, width=40, height=30, displayed_width=28, displayed_height=38)
"""Stored is more than displayed: viewers crop the picture, and turn it."""


@pytest.mark.parametrize("size", [None, (40, 30), (28, 38)])
def test_a_decoder_may_see_the_stored_picture_or_the_displayed_one(size: tuple[int, int] | None) -> None:
    assert ask(ANALYZER, Damaged(None, "", size), TURNED).facts == {"suspect": None}


@pytest.mark.parametrize("size", [(41, 30), (40, 29), (30, 40), (38, 28)])
def test_a_picture_of_another_size_than_its_header_says_is_suspect(size: tuple[int, int]) -> None:
    suspect = f"it decodes to {size[0]} x {size[1]} pixels, where its header says 40 x 30"
    assert ask(ANALYZER, Damaged(None, "", size), TURNED).facts == {"suspect": suspect}


def test_a_png_with_a_second_header_is_suspect() -> None:
    body = FLAVOURS["png"].body
    first = png_chunk(b"IHDR", struct.pack(">II", 30, 20) + body[24:29])
    found = measure_body(body[:8] + first + body[8:], Depth.DECODE, LIMIT)
    assert found.suspect == "it decodes to 94 x 70 pixels, where its header says 30 x 20"


def test_without_the_analyzer_s_facts_nothing_is_suspect() -> None:
    failed = Analysis(analyzer="damage", version=2, reason="it raised ValueError: no")
    assert make_measurement(HEADER, analyses=[failed]).suspect is None


def test_a_measurement_says_as_suspect_what_the_analyzer_found() -> None:
    body = FLAVOURS["png"].body
    damaged = body[:-13] + bytes([body[-13] ^ 0x55]) + body[-12:]
    found = measure_body(damaged, Depth.DECODE, LIMIT)
    assert found.suspect == "the checksum of the IDAT chunk does not match"
    assert Analysis(analyzer="damage", version=2, facts={"suspect": found.suspect}) in found.analyses
