"""How a picture is to be turned to stand upright, as its EXIF data say."""

import struct

_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_ORIENTATION, _SHORT = 0x0112, 3
_MOST_ENTRIES = 1_000
"""No camera writes as many."""


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
