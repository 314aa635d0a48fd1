"""Which of some photos are like others at all: two statements for a whole round of searches.

Most photos are like no other, and a search of each costs many times as much as this. All that the search of a
photo would find is among the rows that are read here; if these are too many, all photos are looked for. Weak:
a photo that is like others is looked for twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from psycopg import sql

from retailpulse.domain import fingerprints
from retailpulse.domain.fingerprints import SCENE_DISTANCE, Probe
from retailpulse.storage.matches.search import KEYS, KnownPhoto, Searched
from retailpulse.storage.postgres.database import Connection

MOST_OF_PHOTO = 400
"""Rows that are read for a photo, on average: they are those of unlike photos that share a key."""
_MOST_SHARING = 8
"""Hashes that share a value and are compared with each other: of more all are looked for."""
_LENGTH_BYTES = 4
"""PostgreSQL gives the number of bits before bits."""

# The values of a band go along its index all at once, in the order of the index.
_OF_BAND = sql.SQL("""
    SELECT {band}, {key}, photo_id, place, hash FROM fingerprints
    WHERE {key} = ANY(%({values})s::int[]) AND photo_id <> ALL(%(photo_ids)s::bigint[])
""")
_WITH_KEYS = sql.SQL("SELECT * FROM ({bands}) AS found LIMIT %(most)s").format(
    bands=sql.SQL(" UNION ALL ").join(
        _OF_BAND.format(band=sql.Literal(band), key=sql.Identifier(name), values=sql.SQL(name))
        for band, name in enumerate(KEYS)
    )
)
_OF_SAME_BYTES = """
    SELECT files.photo_id
    FROM unnest(%(photo_ids)s::bigint[], %(sha256s)s::bytea[]) AS files (photo_id, sha256)
    CROSS JOIN LATERAL (
        SELECT FROM known_photos
        WHERE sha256 = files.sha256 AND photo_id <> files.photo_id LIMIT 1) found
"""


@dataclass(frozen=True, eq=False, slots=True)
class _Asked:
    """A photo by one of its hashes, which is a number here; others are looked for between two places."""

    photo: KnownPhoto
    hash: int
    after: int
    until: int

    def is_like(self, photo_id: int, place: int, other_hash: int) -> bool:
        """Whether a search by this hash would find another photo by one of its own."""
        return (
            photo_id != self.photo.photo_id
            and self.after < place <= self.until
            and (self.hash ^ other_hash).bit_count() <= SCENE_DISTANCE
        )


@dataclass(slots=True)
class _Band:
    """The values that are asked for in one band, each with what asks for it: nearly always one hash."""

    first: dict[int, _Asked] = field(default_factory=dict)
    others: dict[int, list[_Asked]] = field(default_factory=dict)

    def add(self, values: Sequence[int], asked: _Asked) -> None:
        """Has all these values asked for."""
        first = self.first
        for value in values:
            if first.setdefault(value, asked) is not asked:
                self.others.setdefault(value, []).append(asked)

    def askers(self, value: int) -> list[_Asked]:
        """What asks for a value."""
        return [self.first[value], *self.others.get(value, ())]

    def as_array(self) -> str:
        """All values as PostgreSQL reads an array, which costs the driver less than a list of them."""
        return f"{{{','.join(map(str, self.first))}}}"


async def may_be_like_others(
    connection: Connection, photos: Sequence[KnownPhoto], wanted: Searched
) -> set[int]:
    """The ids of those of these photos whose search, from its beginning, may find others."""
    alike = await _of_same_bytes(connection, [photo for photo in photos if photo.sha256 is not None])
    bands = _bands(photos, wanted)
    alike.update(_like_each_other(bands))
    given = {
        "photo_ids": [photo.photo_id for photo in photos],
        "most": MOST_OF_PHOTO * len(photos),
        **{name: band.as_array() for name, band in zip(KEYS, bands, strict=True)},
    }
    cursor = await connection.execute(_WITH_KEYS, given, prepare=True, binary=True)
    rows = await cursor.fetchall()
    if len(rows) == given["most"]:
        return {photo.photo_id for photo in photos}
    for number, value, photo_id, place, bits in rows:
        found = int.from_bytes(bits[_LENGTH_BYTES:])
        for asked in bands[number].askers(value):
            if asked.photo.photo_id not in alike and asked.is_like(photo_id, place, found):
                alike.add(asked.photo.photo_id)
    return alike


async def _of_same_bytes(connection: Connection, photos: Sequence[KnownPhoto]) -> set[int]:
    """The ids of those of these photos whose bytes another one has, too."""
    given = {
        "photo_ids": [photo.photo_id for photo in photos],
        "sha256s": [photo.sha256 for photo in photos],
    }
    cursor = await connection.execute(_OF_SAME_BYTES, given, prepare=True)
    return {photo_id for (photo_id,) in await cursor.fetchall()}


def _bands(photos: Sequence[KnownPhoto], wanted: Searched) -> list[_Band]:
    """What is asked for of all photos, and the hashes that are stored of them, as others ask for these."""
    bands = [_Band() for _ in KEYS]
    for photo in photos:
        data = photo.comparable
        if data is None:
            continue
        after, until = wanted.places(photo)
        probes = {probe.hash: probe for probe in fingerprints.probes(data)}
        for digest in fingerprints.parse(data):
            probes.setdefault(digest, Probe(digest, is_wide=False))
        for digest, probe in probes.items():
            asked = _Asked(photo, int.from_bytes(digest), after, until)
            for band, values in zip(bands, probe.values, strict=True):
                band.add(values, asked)
    return bands


def _like_each_other(bands: Sequence[_Band]) -> Iterator[int]:
    """The ids of photos that may be like others of the same round."""
    for band in bands:
        for value in band.others:
            askers = band.askers(value)
            if len(askers) > _MOST_SHARING:
                yield from (asked.photo.photo_id for asked in askers)
                continue
            for one, other in combinations(askers, 2):
                if one.is_like(other.photo.photo_id, other.photo.place, other.hash):
                    yield from (one.photo.photo_id, other.photo.photo_id)
