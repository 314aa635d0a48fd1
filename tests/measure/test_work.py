"""The budget of work per file: what has endless parts is given up, and no reader works without counting.

Work is counted twice, by the budget and by the lines of Python that were run, so that what forgets to
spend is seen; never by the clock.
"""

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause, Depth
from retailpulse.measure import Work, measure_body, measure_pieces, read_header
from retailpulse.measure import work as module
from retailpulse.measure.work import BYTES_PER_FAST_STEP, BYTES_PER_STEP, MAX_STEPS

from .pictures import FLAVOURS, LIMIT
from .swollen import FRAME, GIF_HEAD, SCAN, SWOLLEN

ROOM = str(Path(module.__file__).parent)
FEW_STEPS = 3_000
LINES_PER_STEP = 8
LINES_BESIDE = 2_000
LARGE_BYTES = 8_000_000
GIVEN_UP = "corrupt: the file has more parts than any picture needs: reading it was given up"
CHEAP = {"jpeg exif", "jpeg without an end", "png exif", "tiff in a circle", "bmp", "webp exif"}
"""Those that are read to their end, however large they are: there is a bound in what they are made of."""

swollen = pytest.mark.parametrize("name", SWOLLEN)


def pieces(body: bytes) -> list[bytes]:
    return [body[start : start + 16_384] for start in range(0, len(body), 16_384)]


def look(body: bytes, work: Work) -> None:
    """All that is asked of a file in the event loop: its header, again as it arrives, and its end."""
    for end in (16_384, 65_536, 262_144, 1_048_576, len(body)):
        if read_header(body[:end], LIMIT, work) is not None:
            break
    measure_pieces(pieces(body), hashlib.sha256().digest(), LIMIT, work)


def verdict(act: Callable[[], object]) -> str:
    try:
        act()
    except ImageError as error:
        return str(error)
    return "measured"


def lines_run(act: Callable[[], object]) -> int:
    """How many lines of the readers are run by it."""
    lines = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal lines
        if not frame.f_code.co_filename.startswith(ROOM):
            return None
        lines += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        act()
    finally:
        sys.settrace(before)
    return lines


@swollen
def test_a_swollen_file_is_given_up_within_the_budget(name: str) -> None:
    body = SWOLLEN[name](LARGE_BYTES)
    work = Work()
    told = verdict(lambda: look(body, work))
    assert (told == GIVEN_UP) is (name not in CHEAP), told
    assert (work.left < 0) is (told == GIVEN_UP)


@swollen
def test_no_reader_works_without_spending(name: str) -> None:
    body = SWOLLEN[name](LARGE_BYTES)
    work = Work(FEW_STEPS)
    lines = lines_run(lambda: verdict(lambda: look(body, work)))
    spent = FEW_STEPS - max(0, work.left)
    assert lines <= LINES_PER_STEP * spent + LINES_BESIDE


@swollen
@pytest.mark.parametrize("depth", [Depth.HEADER, Depth.DOWNLOAD])
def test_a_swollen_file_is_measured_within_a_budget_of_its_own(name: str, depth: Depth) -> None:
    body = SWOLLEN[name](LARGE_BYTES)
    work = Work(FEW_STEPS)
    lines = lines_run(lambda: verdict(lambda: measure_body(body, depth, LIMIT, work)))
    assert lines <= LINES_PER_STEP * FEW_STEPS + LINES_BESIDE


@pytest.mark.parametrize(
    ("body", "bytes_per_step"),
    [
        (b"\xff\xd8\xff\x01" + bytes(1_000_000), BYTES_PER_STEP),
        (b"\xff\xd8" + b"\xff" * 1_000_000, BYTES_PER_STEP),
        (GIF_HEAD + bytes(1_000_000), BYTES_PER_STEP),
        (GIF_HEAD + (bytes(1000) + b"!\xff\0") * 1000, BYTES_PER_STEP),
        (b"\xff\xd8" + FRAME + SCAN + bytes(1_000_000), BYTES_PER_FAST_STEP),
    ],
    ids=[
        "garbage of a jpeg",
        "fill bytes of a jpeg",
        "garbage of a gif",
        "garbage between blocks of a gif",
        "the end of a jpeg",
    ],
)
def test_searching_costs_by_the_byte(body: bytes, bytes_per_step: int) -> None:
    work = Work()
    verdict(lambda: measure_body(body, Depth.DOWNLOAD, LIMIT, work))
    assert MAX_STEPS - work.left >= 1_000_000 // bytes_per_step
    few = Work(500)
    assert verdict(lambda: measure_body(body, Depth.DOWNLOAD, LIMIT, few)) == GIVEN_UP


def test_reading_a_file_anew_with_each_packet_is_paid_for() -> None:
    body = b"\xff\xd8" + b"\xff\xfe\0\x02" * 10_000 + FRAME
    assert read_header(body, LIMIT, Work()) is not None
    work = Work()

    def packet_by_packet() -> None:
        for end in range(12, len(body), 100):
            read_header(body[:end], LIMIT, work)

    assert verdict(packet_by_packet) == GIVEN_UP


def test_a_body_in_tiny_pieces_costs_by_the_piece() -> None:
    tiny = [b"\xff\xd8" + FRAME + SCAN, *[b"\0\0"] * (FEW_STEPS + 1)]
    few = Work(FEW_STEPS)
    assert verdict(lambda: measure_pieces(tiny, hashlib.sha256().digest(), LIMIT, few)) == GIVEN_UP


def test_what_is_given_up_stays_given_up() -> None:
    work = Work(10)
    body = FLAVOURS["png"].body
    for _ in range(3):
        assert verdict(lambda: measure_body(body, Depth.DOWNLOAD, LIMIT, work)) == GIVEN_UP


@pytest.mark.parametrize("name", FLAVOURS)
def test_honest_pictures_take_a_small_part_of_the_budget(name: str) -> None:
    body = FLAVOURS[name].body
    work = Work()
    look(body, work)
    assert work.left > MAX_STEPS * 0.99


@pytest.mark.parametrize("body_bytes", [50_000_000])
def test_a_jpeg_as_large_as_allowed_may_have_its_end_anywhere(body_bytes: int) -> None:
    body = b"\xff\xd8" + FRAME + SCAN + b"\xff\xd9" + bytes(body_bytes)
    work = Work()
    look(body, work)
    assert work.left > 0
    with pytest.raises(ImageError) as caught:
        look(body.replace(b"\xff\xd9", b"\xff\xd8"), Work())
    assert caught.value.cause is Cause.TRUNCATED
