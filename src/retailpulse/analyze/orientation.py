"""How a decoded picture is to be turned to stand upright, as its EXIF data say."""

import struct

from retailpulse.analyze.picture import Picture
from retailpulse.domain.images import Format, Header

_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_ORIENTATION, _SHORT = 0x0112, 3
_MOST_ENTRIES = 1_000
"""No camera writes as many."""
_TURNED_BY_DECODERS = frozenset({Format.TIFF, Format.HEIC})
_FIRST_ON_ITS_SIDE = 5


def orientation_of(picture: Picture, header: Header) -> int:
    """The orientation of the pixels that a picture gives, from 1 (upright) to 8; some decoders turn them."""
    return 1 if header.format in _TURNED_BY_DECODERS else exif_orientation(picture.exif())


def is_on_its_side(picture: Picture, header: Header) -> bool:
    """Whether a picture is to be turned by 90 degrees to stand upright, either way."""
    if header.format is Format.JPEG and header.width != header.height:  # its header has read it already
        return header.width != header.displayed_width
    return orientation_of(picture, header) >= _FIRST_ON_ITS_SIDE


def exif_orientation(exif: bytes | None) -> int:
    """The orientation from 1 (upright) to 8; 1 if EXIF data say none, or are damaged."""
    order = _ORDERS.get((exif or b"")[:4])
    if exif is None or order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (entries,) = struct.unpack_from(f"{order}H", exif, start)
        for place in range(min(entries, _MOST_ENTRIES)):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", exif, start + 2 + 12 * place)
            if tag == _ORIENTATION:
                return value if kind == _SHORT and 1 <= value <= 8 else 1
    except struct.error:  # it ends before that
        return 1
    return 1
