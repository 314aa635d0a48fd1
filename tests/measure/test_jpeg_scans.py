"""Scans of a JPEG: all of them are needed, down to the last bit; zeros behind them are no damage."""

import re

import pytest

from retailpulse.domain.images import Depth
from retailpulse.measure import measure_body
from retailpulse.measure.formats.jpeg_markers import Frame, check_end, read_frame
from retailpulse.measure.formats.jpeg_scans import Scan, find_missing, find_zeroed, read_scans
from retailpulse.measure.formats.work import Work

from .damaged_files import textured, zeroed_from
from .pictures import FLAVOURS, LIMIT, picture, saved

END = b"\xff\xd9"
LIBJPEGS_SCANS = 10
"""Brightness; some of Y, Cb and Cr; more of Y; then single bits of Y, of brightness, of Cb, Cr and Y."""


def suspect(body: bytes) -> str | None:
    found = measure_body(body, Depth.DECODE, LIMIT)
    assert all(analysis.reason is None for analysis in found.analyses)
    return found.suspect


def scans(body: bytes) -> list[int]:
    """Where each scan begins, with the tables before it."""
    return [found.start() for found in re.finditer(rb"(\xff\xc4[^\xff]*)?\xff\xda\x00", body)]


@pytest.mark.parametrize("kept", range(1, LIBJPEGS_SCANS))
def test_a_progressive_jpeg_that_ends_before_its_last_scan_is_suspect(kept: int) -> None:
    body = saved("JPEG", textured(), progressive=True)
    starts = scans(body)
    assert len(starts) == LIBJPEGS_SCANS
    assert suspect(body) is None
    found = suspect(body[: starts[kept]] + END)
    assert found is not None
    assert found.startswith("scans are missing: ")
    assert ("coefficients of component" in found) is (kept < 5)
    assert ("last bits of component" in found) is (kept >= 5)


def test_a_scan_that_is_missing_in_the_middle_is_suspect() -> None:
    body = saved("JPEG", textured(), progressive=True)
    starts = scans(body)
    for number in (2, 3, 6):
        gone = body[: starts[number]] + body[starts[number + 1] :]
        assert suspect(gone) is not None  # of some libjpeg says so itself


def test_a_grey_jpeg_has_one_component_to_send() -> None:
    body = saved("JPEG", textured(mode="RGB").convert("L"), progressive=True)
    assert suspect(body) is None
    assert "component 1" in (suspect(body[: scans(body)[2]] + END) or "")


def apart(body: bytes) -> bytes:
    """A baseline JPEG whose only scan names one of its three components: the others are not sent."""
    scan = body.index(b"\xff\xda")
    return body[:scan] + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + body[scan + 14 :]


def test_a_sequential_jpeg_without_the_scans_of_its_colours_is_suspect() -> None:
    grey, colour = saved("JPEG", picture(mode="L")), saved("JPEG", picture(), subsampling=0)
    data = grey[grey.index(b"\xff\xda") + 10 :]
    frame = apart(colour)
    body = frame[: frame.index(b"\xff\xda") + 10] + data
    assert suspect(body) == "scans are missing: not all coefficients of component 2 were sent"


@pytest.mark.parametrize("name", [name for name in FLAVOURS if name.startswith("jpeg")])
@pytest.mark.parametrize("zeros", [1, 7, 100, 5000])
def test_zeros_between_a_whole_picture_and_its_end_are_no_damage(name: str, zeros: int) -> None:
    body = FLAVOURS[name].body
    assert body.endswith(END)
    assert suspect(body[:-2] + bytes(zeros) + END) is None


@pytest.mark.parametrize("options", [{}, {"optimize": True}, {"progressive": True}])
@pytest.mark.parametrize("quality", [50, 75, 95])
def test_zeros_in_place_of_the_last_blocks_are_damage(quality: int, options: dict[str, bool]) -> None:
    body = saved("JPEG", textured(), quality=quality, **options)
    for lost in (500, 2000, 5000):
        assert suspect(zeroed_from(body[:-2], len(body) - 2 - lost) + END) is not None


def test_other_bytes_between_a_picture_and_its_end_are_damage() -> None:
    body = FLAVOURS["jpeg baseline"].body
    assert "extraneous" in (suspect(body[:-2] + b"\x01" * 100 + END) or "")


def sent(*spans: tuple[int, int, int]) -> str | None:
    """What is missing if one component was sent these coefficients, each down to a bit."""
    frame = Frame(
        width=8, height=8, turned=False, process=0xC2, sample_bits=8, components=1, end=3, exif=None
    )
    return find_missing(b"\x07\x11\x00", frame, [Scan(((7, 0),), *span[:2], 0, span[2], 0) for span in spans])


def test_every_coefficient_counts() -> None:
    assert sent((0, 0, 0), (1, 5, 0), (6, 63, 0)) is None
    assert sent((0, 0, 0), (1, 63, 2), (1, 63, 1), (1, 63, 0)) is None
    for gap in ([(0, 0, 0), (1, 4, 0), (6, 63, 0)], [(0, 0, 0), (1, 62, 0)], [(1, 63, 0)]):
        assert "not all coefficients" in (sent(*gap) or "")
    assert "last bits" in (sent((0, 0, 0), (1, 63, 1), (1, 5, 0), (7, 63, 0)) or "")
    assert "last bits" in (sent((0, 0, 1), (1, 63, 0)) or "")


def test_a_marker_without_a_length_between_scans_is_skipped() -> None:
    body = saved("JPEG", textured(), progressive=True)
    second = scans(body)[1]
    assert suspect(body[:second] + b"\xff\x01" + body[second:]) is None


def zeroed_scan(number: int) -> str | None:
    """What is found, without libjpeg's help, in a JPEG with zeros in the middle of one scan."""
    body = saved("JPEG", textured(1200, 900), progressive=True)
    frame = read_frame(body, Work())
    assert frame is not None
    check_end(body, frame, Work())
    starts = [scan.data for scan in read_scans(body, frame, Work())] + [len(body)]
    middle = (starts[number] + starts[number + 1]) // 2
    assert starts[number + 1] - starts[number] > 2000
    holed = body[: middle - 600] + bytes(1200) + body[middle + 600 :]
    return find_zeroed(holed, frame, list(read_scans(holed, frame, Work())), Work())


@pytest.mark.parametrize(
    ("number", "is_found"),
    [(0, True), (1, True), (5, True), (6, False), (9, True)],
    ids=["brightness", "coefficients", "their bits", "bits of brightness", "their last bits"],
)
def test_zeros_in_a_scan_are_damage_where_no_picture_has_them(number: int, is_found: bool) -> None:
    assert (zeroed_scan(number) is not None) is is_found
