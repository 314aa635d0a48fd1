"""Reading AVIF and HEIC: the size of the primary item, the end from the places of its items.

Both are one container (ISO/IEC 23008-12). What the properties of an item say of its size is `heif_shape`'s.
Weak: files that hold only a film track and no still picture are refused; if their brands promise one, only
the end of the file tells.
"""

from collections.abc import Iterator

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Format
from retailpulse.measure.formats.faults import corrupt, truncated, unsupported
from retailpulse.measure.formats.heif_items import IN_FILE, IN_IDAT, extents
from retailpulse.measure.formats.heif_shape import item_size
from retailpulse.measure.formats.image_format import Size
from retailpulse.measure.formats.isobmff import WHOLE_FILE, Box, Cursor, boxes, child, whole_child
from retailpulse.measure.formats.work import Work

STARTS, STARTS_AT = (b"ftyp",), 4
"""The magic bytes; which format it is, the brands behind them tell."""

_MAX_FTYP_BYTES = 4096
_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"), Format.HEIC),
    **dict.fromkeys((b"avif", b"avis"), Format.AVIF),
}
_BARE_BRANDS = frozenset({b"mif1", b"mif2", b"msf1", b"miaf"})  # name the container, not the codec
_STILL_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"avif", b"mif1", b"mif2"})
_SEQUENCE_BRANDS = frozenset({b"hevc", b"hevx", b"hevm", b"hevs", b"avis", b"msf1"})


def is_coded_as(name: Format, data: bytes, work: Work) -> bool | None:
    """Whether the first brand that names a codec is this format's; None if more bytes are needed.

    Files that name none are taken for HEIC.
    """
    end = _brands_end(data)
    if len(data) < end:
        return None
    work.spend(end // 4)
    brands = _brands(data)
    named = next((_BRANDS[brand] for brand in brands if brand in _BRANDS), None)
    if named is None and not _BARE_BRANDS.isdisjoint(brands):
        named = Format.HEIC
    return named is name


def _brands_end(data: bytes) -> int:
    return min(int.from_bytes(data[:4]), _MAX_FTYP_BYTES)


def _is_sequence(data: bytes) -> bool:
    return not _SEQUENCE_BRANDS.isdisjoint(_brands(data))


def _brands(data: bytes) -> list[bytes]:
    return [data[8:12], *(data[at : at + 4] for at in range(16, _brands_end(data) - 3, 4))]


def read_size(data: bytes, work: Work, *, is_padded: bool = False) -> Size | None:
    """Width, height, crop and turn, or None if more bytes are needed; `is_padded` as `item_size` has it."""
    meta = None
    has_film = False
    for box in boxes(data, 0, WHOLE_FILE, work):
        if box.kind == b"meta":
            meta = box._replace(start=box.start + 4)
            break
        has_film |= box.kind == b"moov"
    if meta is None:
        if has_film and _STILL_BRANDS.isdisjoint(_brands(data)):
            raise _no_still()
        return None
    primary, properties = (whole_child(data, meta, kind, work) for kind in (b"pitm", b"iprp"))
    if primary is None or properties is None:
        if meta.end > len(data):
            return None
        if (has_film or _is_sequence(data)) and child(data, meta, b"iloc", work) is None:
            raise _no_still()
        raise corrupt("the file does not say which picture is its main one, or how large it is")
    pitm = Cursor(data, primary, work)
    return item_size(data, properties, pitm.number(4 if pitm.version else 2), work, is_padded=is_padded)


def why_no_size(body: bytes, work: Work) -> ImageError | None:
    """What a whole body is that says no size: a film without a still picture, or None if it ended early."""
    kinds = set()
    for box in boxes(body, 0, WHOLE_FILE, work):
        if box.kind == b"meta" or len(body) < box.end != WHOLE_FILE:
            return None
        kinds.add(box.kind)
    return _no_still() if b"moov" in kinds else None


def check_end(body: bytes, _: Size, work: Work) -> None:
    """Raise ImageError `truncated` if a part of an item lies beyond the end of the file."""
    meta = None
    for box in _top_boxes(body, work):
        if box.kind in {b"mdat", b"meta"} and len(body) < box.end != WHOLE_FILE:
            raise truncated(f"the file ends after {len(body)} of {box.end} bytes")
        meta = meta or (box._replace(start=box.start + 4) if box.kind == b"meta" else None)
    iloc = meta and whole_child(body, meta, b"iloc", work)
    if meta is None or iloc is None:
        raise corrupt("the file does not say where its pictures are")
    idat = child(body, meta, b"idat", work)
    for extent in extents(body, iloc, work):
        method, end = extent.method, extent.start + extent.length
        if method == IN_FILE and end > len(body):
            raise truncated(f"the file ends after {len(body)} of at least {end} bytes")
        if method == IN_IDAT and (idat is None or end > idat.end - idat.start):
            raise truncated("an item lies beyond the end of its data")


def _top_boxes(body: bytes, work: Work) -> Iterator[Box]:
    """The boxes of a file up to what is none, which phones and others append once the picture is there."""
    has_picture = False
    walk = boxes(body, 0, WHOLE_FILE, work)
    while True:
        try:
            box = next(walk, None)
        except ImageError:
            if has_picture and work.left >= 0:
                return
            raise
        if box is None:
            return
        has_picture |= box.kind == b"meta"
        yield box


def _no_still() -> ImageError:
    return unsupported("the file holds a film and no still picture")
