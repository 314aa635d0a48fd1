"""Writes the EXIF block of a phone, place and embedded thumbnail included (EXIF 2.32, TIFF 6.0).

Only the few tags that the demo needs; Pillow writes EXIF too, but no thumbnail directory.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

_BYTE, _ASCII, _SHORT, _LONG, _RATIONAL, _UNDEFINED = 1, 2, 3, 4, 5, 7
_HEADER = b"II*\0\x08\0\0\0"  # little endian, first directory right after these 8 bytes

Entry = tuple[int, int, int, bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class Capture:
    """When a photo was taken, with the offset of its clock, and where: degrees north and east."""

    taken_at: datetime
    place: tuple[float, float] | None = None


def exif_block(
    *, width: int, height: int, orientation: int, capture: Capture, thumbnail: bytes = b""
) -> bytes:
    """The block for a picture of these stored pixels."""
    taken_at = f"{capture.taken_at:%Y:%m:%d %H:%M:%S}"
    photo = [
        (0x9000, _UNDEFINED, 4, b"0232"),
        _text(0x9003, taken_at),
        _text(0x9011, capture.taken_at.isoformat()[-6:]),
        _number(0xA002, width),
        _number(0xA003, height),
    ]
    gps = _gps(capture.place) if capture.place else []
    photo_at = len(_HEADER) + len(
        _directory(_main(orientation, taken_at, 0, 1 if gps else 0), len(_HEADER), 0)
    )
    gps_at = photo_at + len(_directory(photo, photo_at, 0))
    thumb_at = gps_at + (len(_directory(gps, gps_at, 0)) if gps else 0)
    entries = _main(orientation, taken_at, photo_at, gps_at if gps else 0)
    main = _directory(entries, len(_HEADER), thumb_at if thumbnail else 0)
    block = b"Exif\0\0" + _HEADER + main + _directory(photo, photo_at, 0)
    block += _directory(gps, gps_at, 0) if gps else b""
    return block + _thumbnail(thumbnail, thumb_at) if thumbnail else block


def _main(orientation: int, taken_at: str, photo_at: int, gps_at: int) -> list[Entry]:
    entries: list[Entry] = [
        _text(0x010F, "Retail Pulse Demo"),
        _text(0x0110, "Drawn, not photographed"),
        (0x0112, _SHORT, 1, struct.pack("<HH", orientation, 0)),
        _text(0x0132, taken_at),
        _number(0x8769, photo_at),
    ]
    return [*entries, _number(0x8825, gps_at)] if gps_at else entries


def _gps(place: tuple[float, float]) -> list[Entry]:
    north, east = place
    return [
        (0x0000, _BYTE, 4, bytes((2, 3, 0, 0))),
        _text(0x0001, "N" if north >= 0 else "S"),
        _degrees(0x0002, north),
        _text(0x0003, "E" if east >= 0 else "W"),
        _degrees(0x0004, east),
    ]


def _degrees(tag: int, degrees: float) -> Entry:
    """Degrees, minutes, and hundredths of seconds: a foot or so."""
    whole = round(abs(degrees) * 360_000)
    parts = (whole // 360_000, 1, whole // 6000 % 60, 1, whole % 6000, 100)
    return tag, _RATIONAL, 3, struct.pack("<6L", *parts)


def _thumbnail(jpeg: bytes, start: int) -> bytes:
    def entries(jpeg_at: int) -> list[Entry]:
        compression: Entry = (0x0103, _SHORT, 1, struct.pack("<HH", 6, 0))
        return [compression, _number(0x0201, jpeg_at), _number(0x0202, len(jpeg))]

    jpeg_at = start + len(_directory(entries(0), start, 0))
    return _directory(entries(jpeg_at), start, 0) + jpeg


def _text(tag: int, text: str) -> Entry:
    data = text.encode("ascii") + b"\0"
    return tag, _ASCII, len(data), data


def _number(tag: int, value: int) -> Entry:
    return tag, _LONG, 1, struct.pack("<L", value)


def _directory(entries: Sequence[Entry], start: int, next_at: int) -> bytes:
    """One directory at offset `start`: its entries, then the values that do not fit into four bytes."""
    table, values = struct.pack("<H", len(entries)), b""
    values_at = start + 2 + 12 * len(entries) + 4
    for tag, kind, count, data in entries:
        if len(data) <= 4:
            field = data.ljust(4, b"\0")
        else:
            field = struct.pack("<L", values_at + len(values))
            values += data + b"\0" * (len(data) % 2)  # values begin on even offsets
        table += struct.pack("<HHL", tag, kind, count) + field
    return table + struct.pack("<L", next_at) + values
