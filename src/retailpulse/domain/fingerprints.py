"""Fingerprints: what two pictures of the same scene have in common, as bits that a table can be searched by.

A fingerprint holds some 256-bit hashes, each of one part of a picture. `analyze.fingerprint` makes them, and
storage keeps and searches them; what both must agree on is here, and nothing that needs pixels or SQL.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntFlag
from functools import cache
from operator import getitem
from struct import Struct

VERSION = 1
"""The first byte of a fingerprint. Those of different versions have nothing to do with each other."""
SIDE = 16
"""A hash has 16 rows of 16 bits, the first most significant: is the right neighbour of a cell brighter?"""
HASH_BYTES = SIDE * SIDE // 8
MAX_HASHES = 6
COPY_DISTANCE = 44
"""Most bits that differ in a copy."""
SCENE_DISTANCE = 60
"""Most bits that differ in another photo of the same scene."""
BAND_BITS = 24
_EDGE = 3
"""Rows and columns of bits at each side that a caption, or a bar with some, covers at most."""
_INNER_BANDS, _OUTER_BANDS = 4, 6
BANDS = _INNER_BANDS + _OUTER_BANDS
_RECORD = 1 + HASH_BYTES


class Part(IntFlag):
    """What is said of a hash beside its bits."""

    KEPT = 1
    """It is stored, for lookups of later pictures."""
    ASKED = 2
    """A lookup asks for all keys within one flip of its own."""
    EXACT = 4
    """A lookup asks for its own keys alone, which cost little."""
    SIDEWAYS = 8
    """Its left and right are about equally bright, so that a copy may be mirrored against it."""
    UPSIDE_DOWN = 16
    """Its top and bottom are about equally bright."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What a lookup asks for: a hash to compare with, and whether each key may differ in one bit."""

    hash: bytes
    is_wide: bool

    @property
    def flips(self) -> tuple[int, ...]:
        """What each key may differ by."""
        return WITHIN_ONE if self.is_wide else _EXACTLY

    @property
    def values(self) -> tuple[tuple[int, ...], ...]:
        """Of each band all values that a key may have."""
        return tuple([tuple([key ^ flip for flip in self.flips]) for key in keys(self.hash)])


_ALL_PARTS = sum(Part)


def build(parts: Sequence[tuple[int, bytes]]) -> bytes:
    """The fingerprint of these hashes, each with what is said of it."""
    return bytes([VERSION]) + b"".join(bytes([part]) + digest for part, digest in parts)


def is_valid(data: bytes) -> bool:
    """Whether data are a fingerprint of this version."""
    count, rest = divmod(len(data) - 1, _RECORD)
    if rest or not 1 <= count <= MAX_HASHES or data[0] != VERSION:
        return False
    return all(part <= _ALL_PARTS for part in data[1::_RECORD])


def parse(data: bytes) -> tuple[bytes, ...]:
    """The hashes that are to be stored, each in a row of its own; raises ValueError if data are none."""
    return tuple(dict.fromkeys(digest for part, digest in _records(data) if Part.KEPT in part))


def keys(digest: bytes) -> tuple[int, ...]:
    """The keys of a hash: BANDS integers of BAND_BITS bits, each to be found by equality."""
    return _KEYS.unpack(sum(map(getitem, _weights(), digest)).to_bytes(_KEYS.size))


def probes(data: bytes) -> list[Probe]:
    """What a lookup of this fingerprint asks for; raises ValueError if data are none."""
    are_wide: dict[bytes, bool] = {}
    for part, digest in _asked(data):
        are_wide[digest] = Part.ASKED in part or are_wide.get(digest, False)
    return [Probe(digest, is_wide) for digest, is_wide in are_wide.items()]


def distance(one: bytes, other: bytes) -> int:
    """In how many bits two hashes differ."""
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def closest(one: bytes, other: bytes) -> int:
    """The least distance of all hashes that lookups of two fingerprints by each other would compare."""
    return min(_least(one, other), _least(other, one))


def mirrored(digest: bytes) -> bytes:
    """The hash of the picture seen in a mirror; of equally bright cells the bits stay zero in truth."""
    rows = [int(f"{row ^ 0xFFFF:016b}"[::-1], 2) for row in _rows(digest)]
    return b"".join(row.to_bytes(2) for row in rows)


def upside_down(digest: bytes) -> bytes:
    """The hash of the picture seen in a mirror below it."""
    return b"".join(row.to_bytes(2) for row in reversed(_rows(digest)))


def _rows(digest: bytes) -> list[int]:
    return [int.from_bytes(digest[at : at + 2]) for at in range(0, HASH_BYTES, 2)]


def _least(asking: bytes, stored: bytes) -> int:
    kept = parse(stored)
    return min((distance(asked, each) for _, asked in _asked(asking) for each in kept), default=SIDE * SIDE)


def _asked(data: bytes) -> Iterator[tuple[Part, bytes]]:
    """The hashes that a lookup compares, with those of the picture as it may have been turned."""
    for part, digest in _records(data):
        if not part & (Part.ASKED | Part.EXACT):
            continue
        seen = [digest]
        if Part.SIDEWAYS in part:
            seen += map(mirrored, list(seen))
        if Part.UPSIDE_DOWN in part:
            seen += map(upside_down, list(seen))
        for each in seen:
            yield part, each


def _records(data: bytes) -> Iterator[tuple[Part, bytes]]:
    if not is_valid(data):
        raise ValueError(f"this is no fingerprint of version {VERSION}")
    for at in range(1, len(data), _RECORD):
        yield Part(data[at]), data[at + 1 : at + _RECORD]


def _bands() -> Iterator[int]:
    """The bits of one band after another, counted from the first of a hash; no bit is in two bands.

    Neighbours depend on each other, so that those of a band are apart. Some bands are of bits of the middle
    alone, which a caption leaves as they are.
    """
    middle = range(_EDGE, SIDE - _EDGE)
    inner = [row * SIDE + column for column in middle for row in middle]
    spread = [place * _STRIDE % (SIDE * SIDE) for place in range(SIDE * SIDE)]
    outer = [place for place in spread if place not in set(inner)]
    for places, count in ((inner, _INNER_BANDS), (outer, _OUTER_BANDS)):
        for first in range(count):
            yield from places[first : count * BAND_BITS : count]


@cache
def _weights() -> tuple[list[int], ...]:
    """What each value of each byte of a hash adds to its keys, which are one number here.

    So the keys of a hash are a sum of 32 numbers, a tenth of the work of choosing their bits one by one.
    """
    weights = [0] * (SIDE * SIDE)
    for number, place in enumerate(_bands()):
        band, bit = divmod(number, BAND_BITS)
        weights[place] = 1 << 32 * (BANDS - 1 - band) + BAND_BITS - 1 - bit
    tables = tuple([0] * 256 for _ in range(HASH_BYTES))
    for place, table in enumerate(tables):
        for value in range(1, 256):
            lowest = (value & -value).bit_length()
            table[value] = table[value & value - 1] + weights[8 * place + 8 - lowest]
    return tables


_STRIDE = 85
"""Odd, so that its multiples are all places of a hash."""
_KEYS = Struct(f">{BANDS}i")
_EXACTLY = (0,)
WITHIN_ONE = (0, *(1 << place for place in range(BAND_BITS)))
