"""Capture reads when, where and with what a photo was taken; what is missing is unknown, never wrong."""

import struct
from typing import Any

import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from retailpulse.analyze import ask
from retailpulse.analyze.capture import ANALYZER
from retailpulse.analyze.exif_tags import read_tags
from retailpulse.measure.body import decode_body

from .drawn import LIMIT, facts, saved

ORIGINAL, ORIGINAL_OFFSET, DIGITIZED, ANY_OFFSET = 0x9003, 0x9011, 0x9004, 0x9010
UNKNOWN: dict[str, Any] = dict.fromkeys(ANALYZER.facts.__struct_fields__)
NINE = (9.0, 14.0, 30.0)
GPS = {29: "2026:11:20", 7: NINE}


def exif(times: dict[int, Any] | None = None, gps: dict[int, Any] | None = None, **names: str) -> Image.Exif:
    tags = Image.Exif()
    for name, tag in (("make", 0x010F), ("model", 0x0110), ("software", 0x0131)):
        if name in names:
            tags[tag] = names[name]
    tags[0x8769] = times or {}
    tags[0x8825] = gps or {}
    read = Image.Exif()
    read.load(tags.tobytes())  # a TIFF gets those alone that were read
    return read


def capture(tags: Image.Exif, kind: str = "JPEG") -> dict[str, Any]:
    found = facts(ANALYZER, saved(Image.new("RGB", (64, 48), "teal"), kind, exif=tags))
    return {name: value for name, value in found.items() if value is not None}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_every_format_tells_it(kind: str) -> None:
    tags = exif({ORIGINAL: "2026:11:20 10:30:05", ORIGINAL_OFFSET: "+05:30"}, make="Maker", model="M 1")
    assert capture(tags, kind) == {
        "taken_at": "2026-11-20T10:30:05+05:30",
        "camera_make": "Maker",
        "camera_model": "M 1",
    }


def test_without_exif_all_is_unknown() -> None:
    assert facts(ANALYZER, saved(Image.new("L", (64, 48)))) == UNKNOWN


@pytest.mark.parametrize(
    ("times", "taken_at"),
    [
        ({ORIGINAL: "2026:11:20 10:30:05"}, "2026-11-20T10:30:05"),
        ({DIGITIZED: "2026:11:20 10:30:05"}, "2026-11-20T10:30:05"),
        ({ORIGINAL: "0000:00:00 00:00:00", DIGITIZED: "2026:11:20 10:30:05"}, "2026-11-20T10:30:05"),
        ({ORIGINAL: "2026:11:20 10:30:05", ORIGINAL_OFFSET: "-03:00"}, "2026-11-20T10:30:05-03:00"),
        ({ORIGINAL: "2026:11:20 10:30:05", ANY_OFFSET: "-03:00"}, "2026-11-20T10:30:05"),
        ({ORIGINAL: "2026:11:20 10:30:05", ORIGINAL_OFFSET: "  :  "}, "2026-11-20T10:30:05"),
        ({ORIGINAL: "2026:11:20 10:30:05", ORIGINAL_OFFSET: "+05:70"}, "2026-11-20T10:30:05"),
        ({ORIGINAL: "2026:11:20 10:30:05", ORIGINAL_OFFSET: "-0300"}, "2026-11-20T10:30:05-03:00"),
        ({ORIGINAL: "2026:1:2 3:4:5"}, "2026-01-02T03:04:05"),
        ({ORIGINAL: "2026:11:20 10:30:05", ORIGINAL_OFFSET: "Z"}, "2026-11-20T10:30:05+00:00"),
        ({ORIGINAL: "2026:11:20 10:30:05", ORIGINAL_OFFSET: "+99:99"}, "2026-11-20T10:30:05"),
        ({ORIGINAL: "2026:11:20 10:30:05", ORIGINAL_OFFSET: "+15:00"}, "2026-11-20T10:30:05"),
        ({ORIGINAL: "2026:11:20 10:30:05", ORIGINAL_OFFSET: "+05:30:15.5"}, "2026-11-20T10:30:05"),
        ({ORIGINAL: "2026-11-20T10:30:05.250"}, "2026-11-20T10:30:05"),
        ({ORIGINAL: "yesterday, at 9", DIGITIZED: "2026:11:20 10:30:05"}, "2026-11-20T10:30:05"),
        ({ORIGINAL: "2026:11:20 10:30"}, None),
        ({ORIGINAL: "9" * 300}, None),
        ({ORIGINAL: "    :  :     :  :  "}, None),
        ({ORIGINAL: ""}, None),
    ],
)
def test_a_time_has_its_offset_if_it_is_known(times: dict[int, Any], taken_at: str | None) -> None:
    assert capture(exif(times)).get("taken_at") == taken_at
    assert "clock" not in capture(exif(times))


@pytest.mark.parametrize(
    ("local", "taken_at"),
    [
        ("2026:11:20 14:44:33", "2026-11-20T14:44:33+05:30"),
        ("2026:11:20 04:15:01", "2026-11-20T04:15:01-05:00"),
        ("2026:11:20 09:14:30", "2026-11-20T09:14:30+00:00"),
    ],
)
def test_the_time_of_gps_gives_a_missing_offset_in_quarter_hours(local: str, taken_at: str) -> None:
    assert capture(exif({ORIGINAL: local}, GPS))["taken_at"] == taken_at


def test_hours_of_gps_may_have_their_minutes_behind_the_point() -> None:
    assert (
        capture(exif(gps={29: "2026:11:20", 7: (9.25, 0.0, 0.0)}))["taken_at"] == "2026-11-20T09:15:00+00:00"
    )


def test_without_a_local_time_the_time_of_gps_counts() -> None:
    assert capture(exif(gps=GPS))["taken_at"] == "2026-11-20T09:14:30+00:00"


@pytest.mark.parametrize(
    ("day", "time"),
    [
        ("2026:11:20", (24.0, 0.0, 0.0)),
        ("2026:11:20", (9.0, 75.0, 0.0)),
        ("2026:11:20", (9.0, 14.0, 61.0)),
        ("2026:11:20", (9.0, 14.0)),
        ("2026:02:30", NINE),
        ("9999:12:31", NINE),
        ("0000:00:00", NINE),
        ("today", NINE),
    ],
)
def test_a_time_of_gps_that_no_receiver_tells_is_unknown(day: str, time: tuple[float, ...]) -> None:
    gps = {29: day, 7: time}
    assert capture(exif(gps=gps)) == {}
    assert capture(exif({ORIGINAL: "2026:11:20 10:30:05"}, gps)) == {"taken_at": "2026-11-20T10:30:05"}


@pytest.mark.parametrize(
    ("local", "clock"),
    [
        ("1970:01:01 00:00:07", "reset"),
        ("1980:01:01 00:00:00", "reset"),
        ("2000:01:01 00:02:11", "reset"),
        ("2026:02:30 10:00:00", "impossible"),
        ("2026:11:20 24:61:00", "impossible"),
        ("9999:12:31 23:59:59", "impossible"),
        ("0001:01:01 00:00:00", "reset"),
        ("2026:11:22 10:00:00", "contradicted"),
    ],
)
def test_a_clock_that_is_wrong_is_told_and_its_time_is_not(local: str, clock: str) -> None:
    assert capture(exif({ORIGINAL: local}, GPS)) == {"clock": clock}


@pytest.mark.parametrize(
    ("latitude", "longitude", "position"),
    [
        (("N", (12.0, 30.0, 36.0)), ("E", (77.0, 15.0, 0.0)), (12.51, 77.25)),
        (("S", (12.0, 30.6, 0.0)), ("W", (77.25, 0.0, 0.0)), (-12.51, -77.25)),
        (("s", (12.0, 30.0, 36.0)), ("WEST", (77.0, 15.0, 0.0)), (-12.51, -77.25)),
        (("X", (12.0, 30.0, 36.0)), ("E", (77.0, 15.0, 0.0)), None),
        (("", (12.0, 30.0, 36.0)), ("E", (77.0, 15.0, 0.0)), None),
        (("N", (12.0, 99.0, 0.0)), ("E", (77.0, 15.0, 0.0)), None),
        (("N", (12.0, 30.0, 99.0)), ("E", (77.0, 15.0, 0.0)), None),
        (("N", (90.0, 0.0, 0.01)), ("E", (77.0, 15.0, 0.0)), None),
        (("N", (0.0, 0.0, 0.0)), ("E", (0.0, 0.0, 0.0)), None),
        (("N", (91.0, 0.0, 0.0)), ("E", (77.0, 0.0, 0.0)), None),
        (("N", (12.0, 0.0, 0.0)), None, None),
        (("N", (12.0, IFDRational(1, 0), 0.0)), ("E", (77.0, 0.0, 0.0)), None),
    ],
)
def test_a_position_is_whole_and_on_earth_or_unknown(
    latitude: Any, longitude: Any, position: tuple[float, float] | None
) -> None:
    gps = {1: latitude[0], 2: latitude[1]}
    if longitude:
        gps |= {3: longitude[0], 4: longitude[1]}
    found = capture(exif(gps=gps))
    assert (found.get("latitude"), found.get("longitude")) == (position or (None, None))


def test_names_are_short_and_printable() -> None:
    assert capture(exif(make="Ma\x07ker  ", model="x" * 200, software="\0\0")) == {
        "camera_make": "Maker",
        "camera_model": "x" * 40,
    }


def test_damaged_exif_is_unknown() -> None:
    data = exif({ORIGINAL: "2026:11:20 10:30:05"}, GPS, make="Maker").tobytes()
    for place in range(6, len(data)):
        damaged = data[:place] + b"\xff" + data[place + 1 :]
        header, picture = decode_body(saved(Image.new("L", (64, 48)), exif=damaged), LIMIT)
        analysis = ask(ANALYZER, picture, header)
        assert analysis.facts is not None
        assert set(analysis.facts) == set(UNKNOWN)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_every_layout_of_a_tiff_is_read(order: str, big: bool) -> None:
    place, count, start = ("Q", "Q", 16) if big else ("I", "H", 8)
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    head += struct.pack(order + "HHQ", 8, 0, start) if big else struct.pack(order + "I", start)
    value_at = start + struct.calcsize(order + count) + struct.calcsize(order + "HH" + 2 * place)
    tag = struct.pack(order + "HH" + 2 * place, 0x010F, 2, 20, value_at)
    tags = read_tags(head + struct.pack(order + count, 1) + tag + b"A maker of cameras\0\0")
    assert tags.text(0x010F) == "A maker of cameras"
    assert (tags.numbers(0x010F), tags.text(0x0110)) == ((), "")
    assert read_tags(head).text(0x010F) == ""


def test_a_text_that_is_cut_off_and_a_directory_in_itself_are_missing() -> None:
    data = b"II*\0" + struct.pack("<IH", 8, 2) + struct.pack("<HHII", 0x010F, 2, 900, 38)
    tags = read_tags(data + struct.pack("<HHII", 0x8769, 4, 1, 8) + bytes(4) + b"cut off")
    assert tags.text(0x010F) == ""
    assert tags.directory(0x8769).directory(0x8769).numbers(0x8769) == (8,)
    assert tags.directory(0x010F).numbers(0x8769) == ()


@pytest.mark.parametrize("start", [float("nan"), float("inf"), -1e300, 8.5])
def test_a_directory_at_no_whole_place_is_missing(start: float) -> None:
    data = b"II*\0" + struct.pack("<IH", 8, 1) + struct.pack("<HHII", 0x8769, 12, 1, 26)
    tags = read_tags(data + bytes(4) + struct.pack("<d", start))
    assert len(tags.numbers(0x8769)) == 1
    assert not tags.directory(0x8769)
