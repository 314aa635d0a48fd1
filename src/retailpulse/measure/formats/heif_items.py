"""The items of an AVIF or HEIC: how each is coded, and where its parts lie in the file.

Boxes are `isobmff`'s. Weak: parts that are made from other items (construction method 2) and the samples of
film tracks are left out.
"""

from collections.abc import Iterator
from typing import NamedTuple

from retailpulse.measure.formats.isobmff import WHOLE_FILE, Box, Cursor, boxes, child, whole_child
from retailpulse.measure.formats.work import Work

IN_FILE, IN_IDAT = 0, 1
_CODED_AT = 21
"""Where the record of an HEVC decoder says how many bytes the lengths before its units take."""


class Extent(NamedTuple):
    """A part of an item: how it is stored, and its offset and length there; a length of 0 means all of it."""

    item: int
    method: int
    start: int
    length: int


def extents(data: bytes, iloc_box: Box, work: Work) -> Iterator[Extent]:
    """Each part of each item, in the order of the file's list."""
    iloc = Cursor(data, iloc_box, work)
    sizes = iloc.number(2)
    offset_bytes, length_bytes, base_bytes = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_bytes = sizes & 15 if iloc.version else 0
    wide = 4 if iloc.version == 2 else 2
    for _ in range(iloc.number(wide)):
        item = iloc.number(wide)
        method = iloc.number(2) & 15 if iloc.version else IN_FILE
        iloc.skip(2)
        base = iloc.number(base_bytes)
        for _ in range(iloc.number(2)):
            iloc.skip(index_bytes)
            yield Extent(item, method, base + iloc.number(offset_bytes), iloc.number(length_bytes))


def parts_of_items(data: bytes, kind: bytes, work: Work) -> dict[int, list[slice]]:
    """Where the data of each item of a kind lie in the file, part by part; raises ImageError `corrupt`."""
    meta = _meta_box(data, work)
    iloc, iinf = (meta and whole_child(data, meta, name, work) for name in (b"iloc", b"iinf"))
    if meta is None or iloc is None or iinf is None:
        return {}
    idat = child(data, meta, b"idat", work)
    ends = {IN_FILE: (0, len(data)), IN_IDAT: (idat.start, min(idat.end, len(data))) if idat else (0, 0)}
    found: dict[int, list[slice]] = {item: [] for item in _items_of_kind(data, iinf, kind, work)}
    for item, method, start, length in extents(data, iloc, work):
        if item in found and method in ends:
            first, end = ends[method]
            stop = first + start + length if length else end
            found[item].append(slice(min(first + start, end), min(stop, end)))
    return found


def contents(data: bytes, parts: list[slice]) -> tuple[bytes, slice]:
    """The data of an item in one piece, and where they lie in it: copied only if there are several parts."""
    if len(parts) == 1:
        return data, parts[0]
    joined = b"".join([data[part] for part in parts])
    return joined, slice(0, len(joined))


def in_bounds(data: bytes, items: dict[int, list[slice]]) -> Iterator[list[slice]]:
    """The parts of each item, until they are together more than twice the file; some share their data."""
    left = 2 * len(data)
    for parts in items.values():
        left -= sum(part.stop - part.start for part in parts)
        if left < 0:
            return
        yield parts


def unit_length_bytes(data: bytes, work: Work) -> int | None:
    """How many bytes the lengths before HEVC units take; None if no record or different ones tell."""
    meta = _meta_box(data, work)
    iprp = meta and whole_child(data, meta, b"iprp", work)
    ipco = iprp and child(data, iprp, b"ipco", work)
    if ipco is None:
        return None
    told = {
        1 + (data[box.start + _CODED_AT] & 3)
        for box in boxes(data, ipco.start, ipco.end, work)
        if box.kind == b"hvcC" and box.end - box.start > _CODED_AT
    }
    return told.pop() if len(told) == 1 else None


def _meta_box(data: bytes, work: Work) -> Box | None:
    """The box that says everything about the items, without its version and flags."""
    meta = child(data, Box(b"", 0, WHOLE_FILE), b"meta", work)
    return None if meta is None else meta._replace(start=meta.start + 4)


def _items_of_kind(data: bytes, iinf_box: Box, kind: bytes, work: Work) -> Iterator[int]:
    iinf = Cursor(data, iinf_box, work)
    iinf.skip(4 if iinf.version else 2)
    for box in boxes(data, iinf.position, iinf_box.end, work):
        if box.kind != b"infe":
            continue
        infe = Cursor(data, box, work)
        if infe.version < 2:  # it has no kind
            continue
        item = infe.number(2 if infe.version == 2 else 4)
        infe.skip(2)
        if infe.number(4) == int.from_bytes(kind):
            yield item
