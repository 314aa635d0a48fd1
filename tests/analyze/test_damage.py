"""The analyzer of damage: what a decoder found comes first, then what its libraries printed."""

import pytest

from retailpulse.analyze import GreyImage, Picture, ask
from retailpulse.analyze.damage import ANALYZER
from retailpulse.domain.analysis import Analysis
from retailpulse.domain.images import Depth, Format, Header
from retailpulse.measure import make_measurement, measure_body
from tests.measure.pictures import FLAVOURS, LIMIT

HEADER = Header(format=Format.JPEG, width=8, height=8, displayed_width=8, displayed_height=8)


class Damaged(Picture):
    def __init__(self, damage: str | None, printed: str) -> None:
        super().__init__()
        self._damage = damage
        self.printed = printed

    def damage(self) -> str | None:
        return self._damage

    def _make_grey(self, _: int) -> GreyImage:
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
    assert told == Analysis(analyzer="damage", version=1, facts={"suspect": suspect})
    assert make_measurement(HEADER, analyses=[told]).suspect == suspect


def test_without_the_analyzer_s_facts_nothing_is_suspect() -> None:
    failed = Analysis(analyzer="damage", version=1, reason="it raised ValueError: no")
    assert make_measurement(HEADER, analyses=[failed]).suspect is None


def test_a_measurement_says_as_suspect_what_the_analyzer_found() -> None:
    body = FLAVOURS["png"].body
    damaged = body[:-13] + bytes([body[-13] ^ 0x55]) + body[-12:]
    found = measure_body(damaged, Depth.DECODE, LIMIT)
    assert found.suspect == "the checksum of the IDAT chunk does not match"
    assert Analysis(analyzer="damage", version=1, facts={"suspect": found.suspect}) in found.analyses
