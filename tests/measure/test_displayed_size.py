"""The size that viewers show: crops, turns and frames, told by a header and by the whole file alike."""

import io
import struct
from collections.abc import Iterator
from typing import Any

import pillow_heif
import pytest
from PIL import Image

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Depth
from retailpulse.measure import measure_body, read_header

from .pictures import LIMIT, boxed, exif, heic, jpeg_segment, picture, saved


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


# HEIC and AVIF


def with_properties(body: bytes, *properties: bytes) -> bytes:
    """The same file whose only picture has further properties: kinds and contents of boxes."""
    at = {kind: body.index(kind) for kind in (b"meta", b"iprp", b"ipco", b"ipma", b"mdat")}
    length = {kind: int.from_bytes(body[place - 4 : place]) for kind, place in at.items()}
    known = body[at[b"ipma"] + 14]  # version 0, one item of narrow indexes
    in_ipco = len(list(_kinds(body, at[b"ipco"] + 4, at[b"ipco"] - 4 + length[b"ipco"])))
    added = b"".join(properties)
    indexes = bytes(0x80 | in_ipco + 1 + number for number in range(len(properties)))  # essential
    grown = len(added) + len(indexes)
    ipma_end = at[b"ipma"] - 4 + length[b"ipma"]
    ipco_end = at[b"ipco"] - 4 + length[b"ipco"]
    assert at[b"ipco"] < ipco_end < at[b"ipma"] < ipma_end
    changed = bytearray(body)
    for kind, more in (
        (b"meta", grown),
        (b"iprp", grown),
        (b"ipco", len(added)),
        (b"ipma", len(indexes)),
    ):
        changed[at[kind] - 4 : at[kind]] = struct.pack(">I", length[kind] + more)
    changed[at[b"ipma"] + 14] = known + len(indexes)
    data = struct.pack(">I", at[b"mdat"] + 4)
    assert changed.count(data) == 1
    moved = bytes(changed[:ipco_end]) + added + bytes(changed[ipco_end:ipma_end]) + indexes
    moved += bytes(changed[ipma_end:])
    return moved.replace(data, struct.pack(">I", at[b"mdat"] + 4 + grown))


def _kinds(body: bytes, start: int, end: int) -> Iterator[bytes]:
    while start < end:
        yield body[start + 4 : start + 8]
        start += int.from_bytes(body[start : start + 4])


def clap(*fractions: int) -> bytes:
    return boxed(b"clap", struct.pack(">IIIIiIiI", *fractions))


def irot(quarters: int) -> bytes:
    return boxed(b"irot", bytes([quarters]))


CENTRE = (0, 1, 0, 1)
CROPS = {
    "centre": ((clap(200, 1, 100, 1, *CENTRE),), (240, 160, 200, 100)),
    "a corner": ((clap(200, 1, 100, 1, -20, 1, -30, 1),), (240, 160, 200, 100)),
    "fractions": ((clap(400, 2, 300, 3, *CENTRE),), (240, 160, 200, 100)),
    "then a turn": ((clap(200, 1, 100, 1, *CENTRE), irot(1)), (240, 160, 100, 200)),
    "after a turn": ((irot(3), clap(100, 1, 200, 1, *CENTRE)), (240, 160, 100, 200)),
    "half a turn": ((irot(2), clap(100, 1, 120, 1, *CENTRE)), (240, 160, 100, 120)),
    "two": ((clap(200, 1, 100, 1, *CENTRE), clap(50, 1, 80, 1, *CENTRE)), (240, 160, 50, 80)),
    "padding": ((clap(233, 1, 151, 1, -7, 2, -9, 2),), (233, 151, 233, 151)),
    "as little from the other corner": ((clap(233, 1, 151, 1, 7, 2, 9, 2),), (240, 160, 233, 151)),
    "padding, turned": ((clap(233, 1, 151, 1, -7, 2, -9, 2), irot(1)), (233, 151, 151, 233)),
    "no crop": ((clap(240, 1, 160, 1, *CENTRE),), (240, 160, 240, 160)),
}
"""Properties of a picture of 240 x 160, with its stored and displayed size."""


@pytest.mark.parametrize(("properties", "shown"), CROPS.values(), ids=CROPS.keys())
def test_crops_and_turns_apply_in_the_order_in_which_the_file_names_them(
    properties: tuple[bytes, ...], shown: tuple[int, int, int, int]
) -> None:
    body = with_properties(heic(picture(240, 160)), *properties)
    assert sizes(body) == shown
    assert pillow_heif.open_heif(body).size == shown[2:]
    avif = with_properties(saved("AVIF", picture(240, 160), speed=10), *properties)
    assert sizes(avif) == (240, 160, *shown[2:])  # AV1 needs no padding: every pixel is one of the picture


@pytest.mark.parametrize(
    "broken",
    [
        clap(200, 0, 100, 1, *CENTRE),
        clap(0, 1, 100, 1, *CENTRE),
        clap(200, 1, 100, 1, 0, 0, 0, 0),
        clap(200, 1, 100, 1, 2**31 - 1, 1, -(2**31), 1),
        clap(1, 2**32 - 1, 1, 2**32 - 1, *CENTRE),
        boxed(b"clap", bytes(8)),
    ],
    ids=["no denominator", "no width", "no offset", "outside", "no pixel", "short"],
)
def test_a_crop_that_leaves_nothing_crops_nothing(broken: bytes) -> None:
    for body in (heic(picture(240, 160)), saved("AVIF", picture(240, 160), speed=10)):
        header = read_header(with_properties(body, broken), LIMIT)
        assert header is not None
        assert (header.displayed_width, header.displayed_height) == (240, 160)


@pytest.mark.parametrize("size", [(241, 161), (65, 65), (94, 33), (2, 100), (10, 10), (1, 1)], ids=str)
def test_what_a_coder_pads_is_no_part_of_the_picture(size: tuple[int, int]) -> None:
    body = heic(picture(*size))
    assert sizes(body) == size + size
    turned = heic(picture(*size), exif=exif(6))
    assert sizes(turned) == (*size, *size[::-1])
    assert pillow_heif.open_heif(turned).size == size[::-1]


@pytest.mark.parametrize("primary", [0, 1, 2])
def test_of_several_pictures_the_primary_one_counts(primary: int) -> None:
    pictures = [picture(240, 160), picture(100, 80), picture(66, 130)]
    heif_file: Any = pillow_heif.HeifFile()  # type: ignore[no-untyped-call]
    for one in pictures:
        heif_file.add_from_pillow(one)
    out = io.BytesIO()
    heif_file.save(out, primary_index=primary)
    assert sizes(out.getvalue()) == pictures[primary].size * 2
