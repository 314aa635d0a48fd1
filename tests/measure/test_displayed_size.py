"""The size that viewers show: crops, turns and frames, told by a header and by the whole file alike."""

import io
import struct

import pytest
from PIL import Image

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Depth
from retailpulse.measure import measure_body, read_header

from .pictures import LIMIT, exif, jpeg_segment, picture, saved


def sizes(body: bytes) -> tuple[int, int, int, int]:
    """Stored and displayed size; at each depth, and by the first part that says one, they are the same."""
    measured = [measure_body(body, depth, LIMIT) for depth in Depth]
    parts = [read_header(body[:end], LIMIT) for end in range(min(len(body), 3000))]
    found = {
        (one.width, one.height, one.displayed_width, one.displayed_height)
        for one in (*measured, *parts)
        if one is not None
    }
    assert len(found) == 1
    width, height, displayed_width, displayed_height = found.pop()
    assert width and height and displayed_width and displayed_height
    assert measured[-1].suspect is None
    return width, height, displayed_width, displayed_height


# GIF


def gif(screen: tuple[int, int], frames: list[tuple[int, int, int, int]], before: bytes = b"") -> bytes:
    """A GIF whose frames lie at any place, whatever its screen is, with blocks before the first of them."""
    body = b""
    for left, top, width, height in frames:
        one = saved("GIF", picture(width, height, "L"))
        start = one.index(b",\0\0\0\0")
        body += b"," + struct.pack("<HH", left, top) + one[start + 5 : -1]
    head = saved("GIF", picture(16, 16, "L"))
    table = head[13 : 13 + (3 << (head[10] & 7) + 1)]
    return b"GIF89a" + struct.pack("<HHB", *screen, head[10]) + head[11:13] + table + before + body + b";"


@pytest.mark.parametrize(
    ("screen", "frames", "shown"),
    [
        ((100, 50), [(0, 0, 120, 80)], (120, 80)),
        ((100, 50), [(0, 0, 60, 80)], (100, 80)),
        ((100, 50), [(30, 20, 90, 20)], (120, 50)),
        ((100, 50), [(30, 20, 10, 10)], (100, 50)),
        ((100, 50), [(0, 0, 100, 50), (0, 0, 120, 80)], (100, 50)),
        ((0, 0), [(0, 0, 120, 80)], (120, 80)),
    ],
    ids=["both", "height", "offset", "smaller", "second frame", "no screen"],
)
def test_a_gif_is_as_large_as_its_first_frame_needs(
    screen: tuple[int, int], frames: list[tuple[int, int, int, int]], shown: tuple[int, int]
) -> None:
    body = gif(screen, frames, before=b"!\xfe\x05hello\0")
    assert sizes(body) == shown + shown
    with Image.open(io.BytesIO(body)) as image:
        assert image.size == shown


def test_the_first_frame_of_a_gif_is_held_to_the_limit_of_pixels_at_every_depth() -> None:
    body = gif((10, 10), [(0, 0, 120, 80)])
    for depth in Depth:
        with pytest.raises(ImageError, match="120 x 80 pixels are over the limit"):
            measure_body(body, depth, 5000)


# JPEG


def test_exif_between_the_frame_header_and_the_data_of_a_jpeg_turns_it() -> None:
    body = saved("JPEG", picture(94, 70), progressive=True)
    for marker in (b"\xff\xc4", b"\xff\xda"):  # behind the frame header, and right before the data
        at = body.index(marker, body.index(b"\xff\xc2"))
        for orientation, shown in ((6, (70, 94)), (3, (94, 70))):
            turning = body[:at] + jpeg_segment(0xE1, exif(orientation)) + body[at:]
            assert sizes(turning) == (94, 70, *shown)


def test_exif_behind_the_data_of_a_jpeg_turns_nothing() -> None:
    body = saved("JPEG", picture(94, 70), progressive=True)
    at = body.rindex(b"\xff\xda")
    assert sizes(body[:at] + jpeg_segment(0xE1, exif(6)) + body[at:]) == (94, 70, 94, 70)


def test_of_two_exif_segments_the_first_counts_wherever_the_frame_header_stands() -> None:
    body = saved("JPEG", picture(94, 70))
    at = body.index(b"\xff\xc4")
    both = body[:2] + jpeg_segment(0xE1, exif(6)) + body[2:at] + jpeg_segment(0xE1, exif(1)) + body[at:]
    assert sizes(both) == (94, 70, 70, 94)


def test_a_fault_behind_the_frame_header_of_a_jpeg_leaves_what_the_header_says() -> None:
    body = saved("JPEG", picture(94, 70))
    at = body.index(b"\xff\xc4")
    broken = body[:at] + b"\xff\xd8" + body[at:]
    assert measure_body(broken, Depth.HEADER, LIMIT).width == 94
    with pytest.raises(ImageError, match="a second time"):
        measure_body(broken, Depth.DOWNLOAD, LIMIT)
