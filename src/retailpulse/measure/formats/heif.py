"""Reading AVIF and HEIC: the size of the primary item, the end from the places of its items.

Both are one container (ISO/IEC 23008-12). What the properties of an item say of its size is `heif_shape`'s.
Weak: files that hold only a film track and no still picture are refused.
"""

from collections.abc import Iterator

from retailpulse.domain.images import Format
from retailpulse.measure.formats.faults import corrupt, truncated
from retailpulse.measure.formats.heif_shape import item_size
from retailpulse.measure.formats.image_format import Size
from retailpulse.measure.formats.isobmff import WHOLE_FILE, Box, Cursor, boxes, child
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
    """Width, height, crop and turn, or None if more bytes are needed."""
    meta = child(data, Box(b"", 0, WHOLE_FILE), b"meta", work)
    if meta is None:
        return None
    meta = meta._replace(start=meta.start + 4)
    primary, properties = (_whole_child(data, meta, kind, work) for kind in (b"pitm", b"iprp"))
    if primary is None or properties is None:
        if meta.end <= len(data):
            raise corrupt("the file does not say which picture is its main one, or how large it is")
        return None
    pitm = Cursor(data, primary, work)
    return item_size(data, properties, pitm.number(4 if pitm.version else 2), work)


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
    idat = child(body, meta, b"idat", work)
    for method, end in _extent_ends(body, iloc, work):
        if method == _IN_FILE and end > len(body):
            raise truncated(f"the file ends after {len(body)} of at least {end} bytes")
        if method == _IN_IDAT and (idat is None or end > idat.end - idat.start):
            raise truncated("an item lies beyond the end of its data")


def _whole_child(data: bytes, parent: Box, kind: bytes, work: Work) -> Box | None:
    box = child(data, parent, kind, work)
    return box if box is not None and box.end <= len(data) else None


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
