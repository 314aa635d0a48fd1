"""The search for photos that are like one: by their bytes, and by the keys of their hashes.

Each key is looked for along an index whose rows are in the order of submits, so that the earliest photos are
found first and none of them is read past a bound: what thousands share costs no more than what some do.
Weak: of a key that very many unlike photos share, only the earliest are looked at.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from retailpulse.domain import fingerprints
from retailpulse.domain.fingerprints import COPY_DISTANCE, SCENE_DISTANCE, Probe
from retailpulse.domain.matches import MatchKind, Relation
from retailpulse.storage.postgres.database import Connection

MOST_OF_KEY = 100
"""Photos that are compared for one value of one key, if it is one of very many."""
MOST_OF_BAND = 2 * MOST_OF_KEY
"""Hashes with which a band is not one of very many photos."""
MOST_FOUND = 200
"""Photos that one search gives; if later ones are left, another one goes on from there."""
DAY = 24 * 3600 * 250 << 23
"""A day as a distance of places."""
_LAST_PLACE = 2**63 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownPhoto:
    """A photo that can be found. `visit_key` is the same for visits to one store at one time."""

    photo_id: int
    place: int
    visit_key: int
    job_id: UUID
    image_no: int
    visit_no: int
    store_id: str
    sha256: bytes | None
    fingerprint: bytes | None

    @property
    def comparable(self) -> bytes | None:
        """Its fingerprint, if it is of this version: nothing is compared with older ones."""
        data = self.fingerprint
        return data if data is not None and fingerprints.is_valid(data) else None

    @property
    def order(self) -> tuple[int, UUID, int]:
        """What is smaller is earlier: by the submit of the job."""
        return self.place, self.job_id, self.image_no

    @property
    def key(self) -> tuple[UUID, int]:
        """Which image it is."""
        return self.job_id, self.image_no


@dataclass(frozen=True, kw_only=True, slots=True)
class Searched:
    """What is searched: how many days back and ahead, and whether only in stores of the same area.

    `flagged` are the relations of visits that raise flags.
    """

    window_days: float
    same_area: bool = False
    flagged: frozenset[Relation] = frozenset({Relation.SAME_STORE, Relation.OTHER_STORE})

    def places(self, photo: KnownPhoto) -> tuple[int, int]:
        """After which place, and until which, photos are compared with one."""
        window = int(min(self.window_days, 36_500) * DAY)
        return max(0, photo.place - window), min(photo.place + window, _LAST_PLACE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Photos that are like one, the earliest first; those after `edge`, if any, were not all looked at."""

    photos: Sequence[KnownPhoto]
    edge: int | None = None


_COLUMNS = sql.SQL(", ").join(sql.Identifier("k", name) for name in KnownPhoto.__dataclass_fields__)

# Of a job that is being deleted, and pairs that a person told apart, nothing is seen.
_SEEN = sql.SQL("""
    k.photo_id <> %(photo_id)s
    AND EXISTS (SELECT FROM jobs j WHERE j.job_id = k.job_id OFFSET 0)
    AND NOT EXISTS (
        SELECT FROM photo_pairs_apart a
        WHERE a.job_id_a = k.job_id AND a.image_no_a = k.image_no
          AND a.job_id_b = %(job_id)s AND a.image_no_b = %(image_no)s OFFSET 0)
    AND NOT EXISTS (
        SELECT FROM photo_pairs_apart a
        WHERE a.job_id_a = %(job_id)s AND a.image_no_a = %(image_no)s
          AND a.job_id_b = k.job_id AND a.image_no_b = k.image_no OFFSET 0)
    AND (NOT %(same_area)s OR k.store_id = %(store_id)s OR EXISTS (
        SELECT FROM stores one, stores other
        WHERE one.store_id = k.store_id AND other.store_id = %(store_id)s
          AND one.area_code = other.area_code OFFSET 0))
""")

_SAME_FILE = sql.SQL("""
    SELECT {columns} FROM known_photos k
    WHERE k.sha256 = %(sha256)s AND k.place > %(after)s AND k.place <= %(until)s AND {seen}
    ORDER BY k.place LIMIT %(most_found)s
""").format(columns=_COLUMNS, seen=_SEEN)

KEYS = [f"k{band}" for band in range(1, fingerprints.BANDS + 1)]
"""The columns of the keys."""

# What has any of the values of a band, in no order: an index is read once for all of them.
_OF_BAND = sql.SQL("""(
    SELECT {band} AS band, photo_id, place, hash FROM fingerprints
    WHERE {key} = ANY((SELECT keys FROM wanted WHERE band = {band})::int[])
    AND place > %(after)s AND place <= %(until)s LIMIT %(most_of_band)s)""")
_ALIKE = sql.SQL("""
    WITH wanted AS MATERIALIZED (
        SELECT (number - 1) %% {bands} + 1 AS band, array_agg(key # flip) AS keys FROM (
            SELECT number, key, unnest(%(flips)s::int[]) AS flip
            FROM unnest(%(near)s::int[]) WITH ORDINALITY AS near (key, number)
            UNION ALL
            SELECT number, key, 0 FROM unnest(%(exact)s::int[]) WITH ORDINALITY AS exact (key, number)) key
        GROUP BY 1),
    seen AS MATERIALIZED ({of_bands}),
    alike AS MATERIALIZED (
        SELECT DISTINCT photo_id, place FROM seen WHERE EXISTS (
            SELECT FROM unnest(%(hashes)s::bit(256)[]) AS asked
            WHERE bit_count(seen.hash # asked) <= %(most_distance)s)),
    found AS (
        SELECT {columns} FROM alike CROSS JOIN LATERAL (
            SELECT * FROM known_photos WHERE photo_id = alike.photo_id OFFSET 0) k
        WHERE {seen}
        ORDER BY alike.place LIMIT %(most_found)s)
    SELECT found.*, whole.is_whole
    FROM (SELECT NOT EXISTS (
        SELECT FROM seen GROUP BY band HAVING count(*) = %(most_of_band)s) AS is_whole) whole
    LEFT JOIN found ON true
""").format(
    bands=sql.Literal(fingerprints.BANDS),
    of_bands=sql.SQL(" UNION ALL ").join(
        _OF_BAND.format(key=sql.Identifier(name), band=sql.Literal(band)) for band, name in enumerate(KEYS, 1)
    ),
    columns=_COLUMNS,
    seen=_SEEN,
)

# For each value of a band its earliest rows, in the order of submits: of what very many photos share.
_EARLIEST_OF_BAND = sql.SQL("""
    SELECT f.photo_id, f.place, f.number,
        bit_count(f.hash # (%(hashes)s::bit(256)[])[wanted.probe]) AS distance
    FROM unnest(%({values})s::int[], %(probes)s::int[]) AS wanted (value, probe) CROSS JOIN LATERAL (
        SELECT photo_id, place, hash, row_number() OVER (ORDER BY place) AS number FROM (
            SELECT photo_id, place, hash FROM fingerprints
            WHERE {key} = wanted.value AND place > %(after)s AND place <= %(until)s
            ORDER BY place LIMIT %(most_of_key)s) earliest) f
""")
_EARLIEST_ALIKE = sql.SQL("""
    WITH seen AS MATERIALIZED ({bands}),
    alike AS MATERIALIZED (
        SELECT DISTINCT photo_id, place FROM seen WHERE distance <= %(most_distance)s)
    SELECT {columns}, (SELECT min(place) FROM seen WHERE number = %(most_of_key)s) AS edge
    FROM alike CROSS JOIN LATERAL (
        SELECT * FROM known_photos WHERE photo_id = alike.photo_id OFFSET 0) k
    WHERE {seen}
    ORDER BY alike.place LIMIT %(most_found)s
""").format(
    bands=sql.SQL(" UNION ALL ").join(
        _EARLIEST_OF_BAND.format(key=sql.Identifier(name), values=sql.SQL(name)) for name in KEYS
    ),
    columns=_COLUMNS,
    seen=_SEEN,
)

# Without needless blanks: a longer statement than 4,096 bytes the driver reads anew for each search.
_ALIKE_TEXT, _SAME_FILE_TEXT = (b" ".join(query.as_bytes().split()) for query in (_ALIKE, _SAME_FILE))


async def search(
    connection: Connection, photo: KnownPhoto, wanted: Searched, *, after: int | None = None
) -> Found:
    """Photos that are like one, the earliest first, from the beginning of the window or `after` a place on.

    If an earlier one has the same bytes, none after that one is looked for: its own search finds the same.
    """
    first, last = wanted.places(photo)
    values = {
        "photo_id": photo.photo_id,
        "job_id": photo.job_id,
        "image_no": photo.image_no,
        "store_id": photo.store_id,
        "sha256": photo.sha256,
        "same_area": wanted.same_area,
        "after": first if after is None else after,
        "until": last,
        "most_found": MOST_FOUND,
        "most_of_key": MOST_OF_KEY,
        "most_of_band": MOST_OF_BAND,
        "most_distance": SCENE_DISTANCE,
    }
    same = await _same_file(connection, values) if photo.sha256 is not None else []
    edges = [same[-1].place] if len(same) == MOST_FOUND else []
    found = {one.photo_id: one for one in same}
    data = photo.comparable
    if data is not None:
        twin = next((one for one in same if _is_twin(one, photo)), None)
        asked = values if twin is None else values | {"until": twin.place}
        alike, edge = await _alike(connection, asked, fingerprints.probes(data))
        found.update((one.photo_id, one) for one in alike)
        edges += [] if edge is None else [edge]
        edges += [alike[-1].place] if len(alike) == MOST_FOUND else []
    return Found(photos=sorted(found.values(), key=lambda one: one.order), edge=min(edges) if edges else None)


def _is_twin(earlier: KnownPhoto, photo: KnownPhoto) -> bool:
    """Whether a photo of the same bytes is earlier, and found by the same."""
    return earlier.order < photo.order and earlier.fingerprint == photo.fingerprint


async def _same_file(connection: Connection, values: dict[str, Any]) -> list[KnownPhoto]:
    cursor = connection.cursor(row_factory=class_row(KnownPhoto))
    await cursor.execute(_SAME_FILE_TEXT, values, prepare=True)
    return await cursor.fetchall()


async def _alike(
    connection: Connection, values: dict[str, Any], probes: Sequence[Probe]
) -> tuple[list[KnownPhoto], int | None]:
    """Photos with a like hash, and from where on there may be more of them."""
    hashes = "{" + ",".join(f"x{probe.hash.hex()}" for probe in probes) + "}"
    asked = {
        "near": _array(chain(*(fingerprints.keys(probe.hash) for probe in probes if probe.is_wide))),
        "exact": _array(chain(*(fingerprints.keys(probe.hash) for probe in probes if not probe.is_wide))),
        "flips": _array(fingerprints.WITHIN_ONE),
        "hashes": hashes,
    }
    cursor = await connection.execute(_ALIKE_TEXT, values | asked, prepare=True)
    rows = await cursor.fetchall()
    if rows[0][-1]:
        return _photos(rows), None
    return await _earliest_alike(connection, values | {"hashes": hashes}, probes)


def _array(numbers: Iterable[int]) -> str:
    """An array as SQL reads it, which the driver takes much longer to write."""
    return "{" + ",".join(map(str, numbers)) + "}"


async def _earliest_alike(
    connection: Connection, values: dict[str, Any], probes: Sequence[Probe]
) -> tuple[list[KnownPhoto], int | None]:
    numbers = [number for number, probe in enumerate(probes, 1) for _ in probe.flips]
    of_bands = zip(*(probe.values for probe in probes), strict=True)
    bands = {name: list(chain(*values)) for name, values in zip(KEYS, of_bands, strict=True)}
    cursor = await connection.execute(_EARLIEST_ALIKE, {**values, **bands, "probes": numbers}, prepare=True)
    rows = await cursor.fetchall()
    return _photos(rows), rows[0][-1] if rows else None


def _photos(rows: Sequence[tuple[Any, ...]]) -> list[KnownPhoto]:
    names = tuple(KnownPhoto.__dataclass_fields__)
    return [KnownPhoto(**dict(zip(names, row, strict=False))) for row in rows if row[0] is not None]


def likeness_of(one: KnownPhoto, other: KnownPhoto) -> tuple[MatchKind, int] | None:
    """How alike two photos are, and in how many bits they differ, in either order; None if they are not."""
    if one.sha256 is not None and one.sha256 == other.sha256:
        return MatchKind.SAME_FILE, 0
    if one.comparable is None or other.comparable is None:
        return None
    distance = fingerprints.closest(one.comparable, other.comparable)
    if distance > SCENE_DISTANCE:
        return None
    return (MatchKind.COPY if distance <= COPY_DISTANCE else MatchKind.SAME_SCENE), distance


def relation_of(one: KnownPhoto, other: KnownPhoto) -> Relation:
    """How the visits of two photos belong together."""
    if one.store_id != other.store_id:
        return Relation.OTHER_STORE
    if one.visit_key == other.visit_key or (one.job_id, one.visit_no) == (other.job_id, other.visit_no):
        return Relation.SAME_VISIT
    return Relation.SAME_STORE
