"""Reading AVIF and HEIC: the size and turn of the primary item, the end from the places of its items.

Both are one container (ISO/IEC 23008-12). Weak: files that hold only a film track and no still picture are
refused, and a crop (`clap`) is not applied to the displayed size.
"""

from collections.abc import Iterator

from retailpulse.domain.images import Format
from retailpulse.measure.formats.faults import corrupt, truncated
from retailpulse.measure.formats.image_format import Size
from retailpulse.measure.formats.isobmff import WHOLE_FILE, Box, Cursor, boxes
from retailpulse.measure.formats.work import Work

STARTS, STARTS_AT = (b"ftyp",), 4
"""The magic bytes; which format it is, the brands behind them tell."""

_MAX_FTYP_BYTES = 4096
_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"), Format.HEIC),
    **dict.fromkeys((b"avif", b"avis"), Format.AVIF),
}
_BARE_BRANDS = frozenset({b"mif1", b"mif2", b"msf1", b"miaf"})  # name the container, not the codec
_IN_FILE, _IN_IDAT = 0, 1


def is_coded_as(name: Format, data: bytes, work: Work) -> bool | None:
    """Whether the first brand that names a codec is this format's; None if more bytes are needed.

    Files that name none are taken for HEIC.
    """
    end = min(int.from_bytes(data[:4]), _MAX_FTYP_BYTES)
    if len(data) < end:
        return None
    work.spend(end // 4)
    brands = [data[8:12], *(data[at : at + 4] for at in range(16, end - 3, 4))]
    named = next((_BRANDS[brand] for brand in brands if brand in _BRANDS), None)
    if named is None and not _BARE_BRANDS.isdisjoint(brands):
        named = Format.HEIC
    return named is name


def read_size(data: bytes, work: Work) -> Size | None:
    """Width, height and turn, or None if more bytes are needed."""
    meta = _child(data, Box(b"", 0, WHOLE_FILE), b"meta", work)
    if meta is None:
        return None
    meta = meta._replace(start=meta.start + 4)
    primary, properties = (_whole_child(data, meta, kind, work) for kind in (b"pitm", b"iprp"))
    if primary is None or properties is None:
        if meta.end <= len(data):
            raise corrupt("the file does not say which picture is its main one, or how large it is")
        return None
    pitm = Cursor(data, primary, work)
    return _item_size(data, properties, pitm.number(4 if pitm.version else 2), work)


def check_end(body: bytes, _: Size, work: Work) -> None:
    """Raise ImageError `truncated` if a part of an item lies beyond the end of the file."""
    meta = None
    for box in boxes(body, 0, WHOLE_FILE, work):
        if box.kind in {b"mdat", b"meta"} and len(body) < box.end != WHOLE_FILE:
            raise truncated(f"the file ends after {len(body)} of {box.end} bytes")
        meta = meta or (box._replace(start=box.start + 4) if box.kind == b"meta" else None)
    iloc = meta and _whole_child(body, meta, b"iloc", work)
    if meta is None or iloc is None:
        raise corrupt("the file does not say where its pictures are")
    idat = _child(body, meta, b"idat", work)
    for method, end in _extent_ends(body, iloc, work):
        if method == _IN_FILE and end > len(body):
            raise truncated(f"the file ends after {len(body)} of at least {end} bytes")
        if method == _IN_IDAT and (idat is None or end > idat.end - idat.start):
            raise truncated("an item lies beyond the end of its data")


def _child(data: bytes, parent: Box, kind: bytes, work: Work) -> Box | None:
    return next((box for box in boxes(data, parent.start, parent.end, work) if box.kind == kind), None)


def _whole_child(data: bytes, parent: Box, kind: bytes, work: Work) -> Box | None:
    box = _child(data, parent, kind, work)
    return box if box is not None and box.end <= len(data) else None


def _item_size(data: bytes, iprp: Box, item_id: int, work: Work) -> Size:
    shapes = _shape_properties(data, iprp, work)
    size: tuple[int, int] | None = None
    turned = False
    for index in _property_indexes(data, iprp, item_id, work):
        box = shapes.get(index)
        if box is None:
            continue
        if box.kind == b"ispe" and size is None:
            ispe = Cursor(data, box, work)
            size = (ispe.number(4), ispe.number(4))
        elif box.kind == b"irot":  # quarter turns; a mirror (imir) swaps nothing
            turned ^= data[box.start] & 1 == 1
    if size is None:
        raise corrupt("the file does not say how large its main picture is")
    return Size(*size, turned)


def _shape_properties(data: bytes, iprp: Box, work: Work) -> dict[int, Box]:
    """The properties that say a size or a turn, by their number, which counts from 1."""
    ipco = _child(data, iprp, b"ipco", work)
    if ipco is None:
        return {}
    numbered = enumerate(boxes(data, ipco.start, ipco.end, work), start=1)
    return {index: box for index, box in numbered if box.kind in {b"ispe", b"irot"} and box.end > box.start}


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


def _extent_ends(data: bytes, box: Box, work: Work) -> Iterator[tuple[int, int]]:
    """For each part of each item, how it is stored and the offset of its end."""
    iloc = Cursor(data, box, work)
    sizes = iloc.number(2)
    offset_bytes, length_bytes, base_bytes = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_bytes = sizes & 15 if iloc.version else 0
    wide = 4 if iloc.version == 2 else 2
    for _ in range(iloc.number(wide)):
        iloc.skip(wide)
        method = iloc.number(2) & 15 if iloc.version else _IN_FILE
        iloc.skip(2)
        base = iloc.number(base_bytes)
        for _ in range(iloc.number(2)):
            iloc.skip(index_bytes)
            yield method, base + iloc.number(offset_bytes) + iloc.number(length_bytes)
