"""Tags of EXIF data, each read when it is asked for; whatever else the data hold is passed over.

The layout is that of TIFF, classic or BigTIFF. A tag that is damaged, or of a kind that fits no question, is
missing. Weak: of a value with very many parts only the first are read.
"""

import struct
from dataclasses import dataclass

_MOST_TAGS = 1_000
"""No camera writes as many into one directory."""
_MOST_PARTS = 256
"""Bytes of a text, or numbers, that are read of one value."""
_ASCII, _UNDEFINED, _BYTE, _DIRECTORY = 2, 7, 1, 13
_NUMBERS = {
    1: ("B", 1), 3: ("H", 2), 4: ("I", 4), 5: ("II", 8), 6: ("b", 1), 8: ("h", 2), 9: ("i", 4),
    10: ("ii", 8), 11: ("f", 4), 12: ("d", 8), _DIRECTORY: ("I", 4), 16: ("Q", 8), 18: ("Q", 8),
}  # fmt: skip
"""How a number of each kind is stored, and its bytes; two numbers are a fraction."""
_NO_TAG = 0, 0, 0
_BLANK = "\0 \t\r\n"


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the parts of a file are written: the place of a directory, the count of its tags, a tag."""

    order: str
    start: struct.Struct
    start_at: int
    count: struct.Struct
    tag: struct.Struct

    @property
    def value_at(self) -> int:
        """Where in a tag its value stands, or the place of it."""
        return self.tag.size - self.start.size


def _layout(order: str, *, big: bool) -> _Layout:
    place, at, count, tag = ("Q", 8, "Q", "HHQ8x") if big else ("I", 4, "H", "HHI4x")
    return _Layout(
        order, struct.Struct(order + place), at, struct.Struct(order + count), struct.Struct(order + tag)
    )


_LAYOUTS = {
    b"II*\0": _layout("<", big=False),
    b"MM\0*": _layout(">", big=False),
    b"II+\0": _layout("<", big=True),
    b"MM\0+": _layout(">", big=True),
}


class Tags:
    """The tags of one directory; of damaged data, those in front of the damage."""

    __slots__ = ("_data", "_layout", "_tags")

    def __init__(self, data: bytes, layout: _Layout | None, start: int) -> None:
        self._data = data
        self._layout = layout
        self._tags: dict[int, tuple[int, int, int]] = {}
        if layout is None or not 0 < start <= len(data) - layout.count.size:
            return
        (count,) = layout.count.unpack_from(data, start)
        first, size = start + layout.count.size, layout.tag.size
        count = min(count, _MOST_TAGS, (len(data) - first) // size)
        rows = layout.tag.iter_unpack(data[first : first + count * size])
        places = range(first + layout.value_at, len(data), size)
        self._tags = {tag: (kind, parts, at) for (tag, kind, parts), at in zip(rows, places, strict=False)}

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._tags)

    def text(self, tag: int) -> str:
        """A text without blanks around it; empty if there is none."""
        if tag not in self._tags:
            return ""
        kind, count, at = self._tags[tag]
        if kind not in {_ASCII, _UNDEFINED, _BYTE}:
            return ""
        found = self._value(at, count, 1)
        text = found.decode("latin-1") if kind == _ASCII else found.decode("ascii", "replace")
        return text.strip(_BLANK)

    def numbers(self, tag: int) -> tuple[float, ...]:
        """All numbers of a value; none if there is none, or one of them is a fraction of nothing."""
        kind, count, at = self._tags.get(tag, _NO_TAG)
        if self._layout is None or kind not in _NUMBERS:
            return ()
        code, size = _NUMBERS[kind]
        parts = list(struct.iter_unpack(self._layout.order + code, self._value(at, count, size)))
        try:
            return tuple([part[0] if len(part) == 1 else part[0] / part[1] for part in parts])
        except ZeroDivisionError:
            return ()

    def directory(self, tag: int) -> "Tags":
        """The directory that a value is the place of; empty if it is none."""
        (start, *_) = self.numbers(tag) or (0,)
        return Tags(self._data, self._layout, start if isinstance(start, int) else 0)

    def _value(self, at: int, count: int, size: int) -> bytes:
        """The bytes of a value: in its tag if they fit there, else where that says; none if cut off."""
        layout = self._layout
        if layout is None:
            return b""
        if count * size > layout.start.size:
            (at,) = layout.start.unpack_from(self._data, at)
        length = min(count, _MOST_PARTS) * size
        found = self._data[at : at + length]
        return found if len(found) == length else b""


def read_tags(exif: bytes | None) -> Tags:
    """The tags of the first directory; empty without EXIF data, or if these are damaged."""
    data = exif or b""
    layout = _LAYOUTS.get(data[:4])
    if layout is None or len(data) < layout.start_at + layout.start.size:
        return Tags(data, None, 0)
    (start,) = layout.start.unpack_from(data, layout.start_at)
    return Tags(data, layout, start)
