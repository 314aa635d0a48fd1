"""Fingerprints: what two pictures of the same scene have in common, as bits that a table can be searched by.

A fingerprint holds some 256-bit hashes, each of one part of a picture. `analyze.fingerprint` makes them, and
storage keeps and searches them; what both must agree on is here, and nothing that needs pixels or SQL.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntFlag

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
BANDS = 12
BAND_BITS = 20
_STRIDE = 85
"""Bit `n` of all bands together is bit `n * 85` of the hash (modulo 256): neighbours, which depend on each
other, are apart. 85 is odd, so that no bit is in two bands."""
_RECORD = 1 + HASH_BYTES


class Part(IntFlag):
    """What is said of a hash beside its bits."""

    ASKED = 1
    """A lookup asks for it; without it, it is only stored, for lookups of later pictures."""
    SIDEWAYS = 2
    """Left and right are about equally bright, so that a copy may be mirrored against it."""
    UPSIDE_DOWN = 4
    """Top and bottom are about equally bright."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What a lookup asks for: of each band all values that a key may have, and the hash to compare with."""

    hash: bytes
    values: tuple[tuple[int, ...], ...]


def build(parts: Sequence[tuple[Part, bytes]]) -> bytes:
    """The fingerprint of these hashes, each with what is said of it."""
    return bytes([VERSION]) + b"".join(bytes([part]) + digest for part, digest in parts)


def is_valid(data: bytes) -> bool:
    """Whether data are a fingerprint of this version."""
    count, rest = divmod(len(data) - 1, _RECORD)
    if rest or not 1 <= count <= MAX_HASHES or data[0] != VERSION:
        return False
    return all(part <= sum(Part) for part in data[1::_RECORD])


def parse(data: bytes) -> tuple[bytes, ...]:
    """The hashes that are to be stored, each in a row of its own; raises ValueError if data are none."""
    return tuple(dict.fromkeys(digest for _, digest in _records(data)))


def keys(digest: bytes) -> tuple[int, ...]:
    """The keys of a hash: BANDS signed integers of 32 bits, each to be found by equality."""
    bits = int.from_bytes(digest)
    return tuple(_key(bits, band) for band in _PLACES)


def probes(data: bytes) -> list[Probe]:
    """What a lookup of this fingerprint asks for; raises ValueError if data are none."""
    return [
        Probe(digest, tuple(map(_within_one_flip, keys(digest)))) for digest in dict.fromkeys(_asked(data))
    ]


def distance(one: bytes, other: bytes) -> int:
    """In how many bits two hashes differ."""
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def closest(one: bytes, other: bytes) -> int:
    """The least distance of all hashes that lookups of two fingerprints by each other would compare."""
    compared = (
        (asked, kept) for a, b in ((one, other), (other, one)) for asked in _asked(a) for kept in parse(b)
    )
    return min((distance(asked, kept) for asked, kept in compared), default=SIDE * SIDE)


def mirrored(digest: bytes) -> bytes:
    """The hash of the picture seen in a mirror; of equally bright cells the bits stay zero in truth."""
    rows = [int(f"{row ^ 0xFFFF:016b}"[::-1], 2) for row in _rows(digest)]
    return b"".join(row.to_bytes(2) for row in rows)


def upside_down(digest: bytes) -> bytes:
    """The hash of the picture seen in a mirror below it."""
    return b"".join(row.to_bytes(2) for row in reversed(_rows(digest)))


def _rows(digest: bytes) -> list[int]:
    return [int.from_bytes(digest[at : at + 2]) for at in range(0, HASH_BYTES, 2)]


def _asked(data: bytes) -> Iterator[bytes]:
    """The hashes that a lookup compares, with those of the picture as it may have been turned."""
    for part, digest in _records(data):
        if not part & Part.ASKED:
            continue
        seen = [digest]
        if part & Part.SIDEWAYS:
            seen += map(mirrored, list(seen))
        if part & Part.UPSIDE_DOWN:
            seen += map(upside_down, list(seen))
        yield from seen


def _records(data: bytes) -> Iterator[tuple[Part, bytes]]:
    if not is_valid(data):
        raise ValueError(f"this is no fingerprint of version {VERSION}")
    for at in range(1, len(data), _RECORD):
        yield Part(data[at]), data[at + 1 : at + _RECORD]


_PLACES = tuple(
    tuple((place * _STRIDE) % (SIDE * SIDE) for place in range(band * BAND_BITS, (band + 1) * BAND_BITS))
    for band in range(BANDS)
)
"""The bits of each band, counted from the least significant one of the hash."""


def _key(bits: int, places: Sequence[int]) -> int:
    key = 0
    for place in places:
        key = key << 1 | bits >> place & 1
    return key


def _within_one_flip(key: int) -> tuple[int, ...]:
    return (key, *(key ^ 1 << place for place in range(BAND_BITS)))
