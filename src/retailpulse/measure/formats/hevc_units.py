"""Looking through HEVC as HEIC holds it: units with their lengths before them, and no zeros in a row.

An encoder writes 00 00 03 for each 00 00 that 00, 01, 02 or 03 follow (ITU-T H.265, 7.4.2), so the others are
damage. Weak: damage that has no zeros in a row is the decoder's to find.
"""

import re

from retailpulse.measure.formats.heif_items import contents, in_bounds, parts_of_items, unit_length_bytes
from retailpulse.measure.formats.image_format import Size
from retailpulse.measure.formats.work import Work

_FORBIDDEN = re.compile(rb"\0\0[\0-\2]")

_UNIT_STEPS = 4
_MOST_PADDING = 64
"""Zeros that a writer may have put behind the last unit."""


def find_damage(body: bytes, _: Size, work: Work) -> str | None:
    """What no encoder writes, in any picture of a HEIC, in a few words; None if there is no such thing."""
    length_bytes = unit_length_bytes(body, work)
    if length_bytes is None:
        return None
    for parts in in_bounds(body, parts_of_items(body, b"hvc1", work)):
        data, place = contents(body, parts)
        if found := _damage_in_units(data, place, length_bytes, work):
            return found
    return None


def _damage_in_units(data: bytes, place: slice, length_bytes: int, work: Work) -> str | None:
    position, end = place.start, place.stop
    while position < end:
        work.spend(_UNIT_STEPS)
        start = position + length_bytes
        length = int.from_bytes(data[position : min(start, end)])
        if not length and end - position <= _MOST_PADDING and not any(data[position:end]):
            return None
        position = start + length
        if not length or position > end:
            return "a unit of the HEVC data has a length that cannot be"
        if _FORBIDDEN.search(data, start, position):
            return "the HEVC data have zeros where none can be"
    return None
