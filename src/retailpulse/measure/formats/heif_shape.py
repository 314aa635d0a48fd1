"""The size of an item of AVIF and HEIC as its properties tell it: stored, cropped (`clap`), turned (`irot`).

Which item is asked for, and whether it is in the file, is `heif`'s. Weak: crops of fractions of a pixel are
rounded as libheif rounds them; other viewers may show a pixel more or less.
"""

import struct

from retailpulse.measure.formats.faults import corrupt
from retailpulse.measure.formats.image_format import Size
from retailpulse.measure.formats.isobmff import Box, Cursor, boxes, child
from retailpulse.measure.formats.work import Work

_CLAP = struct.Struct(">IIIIiIiI")
"""Width, height, and how far right and down the crop's centre is of the picture's, all as fractions."""
_SHAPES = frozenset({b"ispe", b"irot", b"clap"})
_LEAST_CODED = 64
_MOST_PADDING = 15
"""Coders of HEVC pad to even sizes, to blocks of 8 or 16, and x265 to 64; more than that is a crop."""


def item_size(data: bytes, iprp: Box, item_id: int, work: Work, *, is_padded: bool) -> Size:
    """The size of an item; raises ImageError `corrupt` if its properties do not say one.

    If pictures of the format are padded, what is cropped from the right and the bottom alone, and is no more
    than a coder pads, is padding: such pixels are in no picture, so they do not count as stored.
    """
    shapes = _shape_properties(data, iprp, work)
    own = [shapes[index] for index in _property_indexes(data, iprp, item_id, work) if index in shapes]
    coded = next((box for box in own if box.kind == b"ispe"), None)
    if coded is None:
        raise corrupt("the file does not say how large its main picture is")
    ispe = Cursor(data, coded, work)
    size = Size(ispe.number(4), ispe.number(4), False)
    for box in own:
        if box.kind == b"irot":  # quarter turns; a mirror (imir) swaps nothing
            size.turned = size.turned is not (data[box.start] & 1 == 1)
        elif box.kind == b"clap" and box.end - box.start >= _CLAP.size:
            _crop(size, _CLAP.unpack_from(data, box.start), is_padded=is_padded)
    return size


def _crop(size: Size, clap: tuple[int, ...], *, is_padded: bool) -> None:
    """Crop what is shown; a crop that leaves nothing, or divides by zero, crops nothing."""
    shown = size.shown or (size.width, size.height)
    sides = shown[::-1] if size.turned else shown
    spans = [
        _span(side, *clap[place : place + 2], *clap[place + 4 : place + 6])
        for side, place in zip(sides, (0, 2), strict=True)
    ]
    if any(start >= end for start, end in spans):
        return
    cropped = [end - start for start, end in spans]
    if is_padded and not size.turned and size.shown is None and _is_padding(shown, spans):
        size.width, size.height = cropped
    else:
        size.shown = (cropped[1], cropped[0]) if size.turned else (cropped[0], cropped[1])


def _span(side: int, length: int, per_length: int, offset: int, per_offset: int) -> tuple[int, int]:
    """Where a crop begins and ends on one side of a picture, in whole pixels; empty if it is none."""
    if not length or not per_length or not per_offset:
        return 0, 0
    pixels = (2 * length + per_length) // (2 * per_length)  # rounded
    # The start, (side - 1) / 2 + offset - (length - 1) / 2, rounded down.
    start = ((side * per_length - length) * per_offset + 2 * offset * per_length) // (
        2 * per_length * per_offset
    )
    return max(0, start), min(side, start + pixels)


def _is_padding(coded: tuple[int, int], spans: list[tuple[int, int]]) -> bool:
    return all(
        start == 0 and (side - end <= _MOST_PADDING or side == _LEAST_CODED)
        for side, (start, end) in zip(coded, spans, strict=True)
    )


def _shape_properties(data: bytes, iprp: Box, work: Work) -> dict[int, Box]:
    """The properties that say a size, a crop or a turn, by their number, which counts from 1."""
    ipco = child(data, iprp, b"ipco", work)
    if ipco is None:
        return {}
    numbered = enumerate(boxes(data, ipco.start, ipco.end, work), start=1)
    return {index: box for index, box in numbered if box.kind in _SHAPES and box.end > box.start}


def _property_indexes(data: bytes, iprp: Box, item_id: int, work: Work) -> list[int]:
    """The numbers of the properties that an item has."""
    for box in boxes(data, iprp.start, iprp.end, work):
        if box.kind != b"ipma":
            continue
        ipma = Cursor(data, box, work)
        wide = ipma.flags & 1
        for _ in range(ipma.number(4)):
            found = ipma.number(4 if ipma.version else 2) == item_id
            count = ipma.number(1)
            if found:
                mask = 0x7FFF if wide else 0x7F  # the highest bit says whether the property is essential
                return [ipma.number(1 + wide) & mask for _ in range(count)]
            ipma.skip(count * (1 + wide))
    return []
