"""The budget of work per file: what has endless parts is given up, and no reader works without counting.

Work is counted twice, by the budget and by the lines of Python that were run, so that what forgets to
spend is seen; never by the clock.
"""

import hashlib

import pytest

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause, Depth
from retailpulse.measure import Work, measure_body, measure_pieces, read_header
from retailpulse.measure.formats.work import BYTES_PER_FAST_STEP, BYTES_PER_STEP, MAX_STEPS

from .pictures import FLAVOURS, LIMIT
from .swollen import FRAME, GIF_HEAD, SCAN, SWOLLEN
from .working import GIVEN_UP, allowed_lines, cause_of, lines_run, look

FEW_STEPS = 3_000
LARGE_BYTES = 8_000_000
CHEAP = {
    "gif blocks that break off",
    "heif brands",
    "jpeg exif",
    "jpeg without an end",
    "png exif",
    "tiff in a circle",
    "bmp",
    "webp exif",
}
"""Those that are read to their end, however large they are: there is a bound in what they are made of."""

swollen = pytest.mark.parametrize("name", SWOLLEN)


@swollen
def test_a_swollen_file_is_given_up_within_the_budget(name: str) -> None:
    body = SWOLLEN[name](LARGE_BYTES)
    work = Work()
    told = cause_of(lambda: look(body, work))
    assert (told == GIVEN_UP) is (name not in CHEAP), told
    assert (work.left < 0) is (told == GIVEN_UP)


@swollen
def test_no_reader_works_without_spending(name: str) -> None:
    body = SWOLLEN[name](LARGE_BYTES)
    work = Work(FEW_STEPS)
    lines = lines_run(lambda: cause_of(lambda: look(body, work)))
    spent = FEW_STEPS - max(0, work.left)
    assert lines <= allowed_lines(spent)


@swollen
@pytest.mark.parametrize("depth", [Depth.HEADER, Depth.DOWNLOAD])
def test_a_swollen_file_is_measured_within_a_budget_of_its_own(name: str, depth: Depth) -> None:
    body = SWOLLEN[name](LARGE_BYTES)
    work = Work(FEW_STEPS)
    lines = lines_run(lambda: cause_of(lambda: measure_body(body, depth, LIMIT, work)))
    assert lines <= allowed_lines(FEW_STEPS)


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
    cause_of(lambda: measure_body(body, Depth.DOWNLOAD, LIMIT, work))
    assert MAX_STEPS - work.left >= 1_000_000 // bytes_per_step
    few = Work(500)
    assert cause_of(lambda: measure_body(body, Depth.DOWNLOAD, LIMIT, few)) == GIVEN_UP


def test_reading_a_file_anew_with_each_packet_is_paid_for() -> None:
    body = b"\xff\xd8" + b"\xff\xfe\0\x02" * 10_000 + FRAME + SCAN
    assert read_header(body, LIMIT, Work()) is not None
    work = Work()

    def packet_by_packet() -> None:
        for end in range(12, len(body), 100):
            read_header(body[:end], LIMIT, work)

    assert cause_of(packet_by_packet) == GIVEN_UP


def test_a_body_in_tiny_pieces_costs_by_the_piece() -> None:
    tiny = [b"\xff\xd8" + FRAME + SCAN, *[b"\0\0"] * (FEW_STEPS + 1)]
    few = Work(FEW_STEPS)
    assert cause_of(lambda: measure_pieces(tiny, hashlib.sha256().hexdigest(), LIMIT, few)) == GIVEN_UP


def test_what_is_given_up_stays_given_up() -> None:
    work = Work(10)
    body = FLAVOURS["png"].body
    for _ in range(3):
        assert cause_of(lambda: measure_body(body, Depth.DOWNLOAD, LIMIT, work)) == GIVEN_UP


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
