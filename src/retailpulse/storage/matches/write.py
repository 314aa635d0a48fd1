"""Writes what a search has found: one match for each later photo, and its flags.

A later photo names the earliest that it is a copy of, whatever bytes these have: so a job that is submitted
again names its first submit. Where there is none, it names the earliest of the same scene, those that raise
a flag first, as a visit often has several photos of a scene. A match is only ever replaced by a better one,
so that it does not matter which worker comes first; one that is no longer true is deleted by `forget`.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import sql

from retailpulse.domain.flags import Flag
from retailpulse.domain.matches import MatchKind, Relation
from retailpulse.storage import locks
from retailpulse.storage.matches.search import KnownPhoto, likeness_of, relation_of
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.results.flags import change_flags

Key = tuple[UUID, int]
FLAGS = {MatchKind.SAME_FILE: Flag.COPY, MatchKind.COPY: Flag.COPY, MatchKind.SAME_SCENE: Flag.SAME_SCENE}
"""What a match raises, if its relation raises anything."""

_LOCK_PHOTOS = """
    SELECT photo_id FROM known_photos WHERE photo_id = ANY(%s) ORDER BY photo_id FOR KEY SHARE SKIP LOCKED
"""
_APART = """
    SELECT one.photo_id, other.photo_id
    FROM unnest(%s::bigint[], %s::bigint[]) pair (one, other)
    CROSS JOIN LATERAL (SELECT * FROM known_photos WHERE photo_id = pair.one OFFSET 0) one
    CROSS JOIN LATERAL (SELECT * FROM known_photos WHERE photo_id = pair.other OFFSET 0) other
    WHERE EXISTS (
        SELECT FROM photo_pairs_apart a
        WHERE a.job_id_a = one.job_id AND a.image_no_a = one.image_no
          AND a.job_id_b = other.job_id AND a.image_no_b = other.image_no OFFSET 0)
"""
_RANK = """({0}.kind = 'same_scene', {0}.kind = 'same_scene' AND NOT {0}.is_flagged,
        {0}.earlier_place, {0}.earlier_job_id, {0}.earlier_image_no)"""
_WRITE = sql.SQL("""
    WITH given AS (
        SELECT * FROM unnest(%(job_id)s::uuid[], %(image_no)s::int[], %(earlier_job_id)s::uuid[],
            %(earlier_image_no)s::int[], %(place)s::bigint[], %(earlier_place)s::bigint[], %(kind)s::text[],
            %(relation)s::text[], %(distance)s::smallint[], %(is_flagged)s::boolean[], %(store_id)s::text[]
        ) AS given (job_id, image_no, earlier_job_id, earlier_image_no, place, earlier_place, kind,
            relation, distance, is_flagged, store_id))
    INSERT INTO photo_matches AS known (job_id, image_no, earlier_job_id, earlier_image_no, place,
        earlier_place, kind, relation, distance, is_flagged, store_id, settled_at)
    SELECT given.*, r.settled_at
    FROM given CROSS JOIN LATERAL (
        SELECT settled_at FROM results WHERE job_id = given.job_id AND image_no = given.image_no OFFSET 0) r
    ORDER BY given.job_id, given.image_no
    ON CONFLICT (job_id, image_no) DO UPDATE SET
        earlier_job_id = excluded.earlier_job_id, earlier_image_no = excluded.earlier_image_no,
        earlier_place = excluded.earlier_place, kind = excluded.kind, relation = excluded.relation,
        distance = excluded.distance, is_flagged = excluded.is_flagged
    WHERE {better} < {known}
    RETURNING kind, xmax = 0
""").format(better=sql.SQL(_RANK.format("excluded")), known=sql.SQL(_RANK.format("known")))

_UNLIKE = sql.SQL("""
    SELECT r.job_id, r.image_no, m.kind
    FROM unnest(%(job_ids)s::uuid[], %(image_nos)s::int[]) touched (job_id, image_no)
    CROSS JOIN LATERAL (
        SELECT * FROM results
        WHERE job_id = touched.job_id AND image_no = touched.image_no AND outcome = 'measured' OFFSET 0) r
    LEFT JOIN LATERAL (
        SELECT kind FROM photo_matches
        WHERE job_id = touched.job_id AND image_no = touched.image_no AND is_flagged OFFSET 0) m ON true
    WHERE (coalesce('copy' = ANY(r.flags), false), coalesce('same_scene' = ANY(r.flags), false))
        <> (coalesce(m.kind IN ('same_file', 'copy'), false), coalesce(m.kind = 'same_scene', false))
    ORDER BY r.job_id, r.image_no
""")
_LOCK_RESULTS = """
    SELECT FROM results r JOIN unnest(%(job_ids)s::uuid[], %(image_nos)s::int[]) k (job_id, image_no)
        USING (job_id, image_no)
    ORDER BY r.job_id, r.image_no FOR NO KEY UPDATE OF r
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """A later photo and an earlier one that it is like; `is_flagged`: the later one is flagged for it."""

    later: KnownPhoto
    earlier: KnownPhoto
    kind: MatchKind
    relation: Relation
    distance: int
    is_flagged: bool

    @property
    def rank(self) -> tuple[Any, ...]:
        """The best match of a photo has the smallest."""
        is_scene = self.kind is MatchKind.SAME_SCENE
        return is_scene, is_scene and not self.is_flagged, self.earlier.order


@dataclass(frozen=True, kw_only=True, slots=True)
class Matched:
    """The best match of a photo with an earlier one, and one of each later photo with it."""

    earlier: Match | None
    later: list[Match]

    @property
    def is_copy(self) -> bool:
        """Whether an earlier photo is the same picture."""
        return self.earlier is not None and self.earlier.kind is not MatchKind.SAME_SCENE


def matches_of(photo: KnownPhoto, found: Sequence[KnownPhoto], flagged: Collection[Relation]) -> Matched:
    """The matches of a photo with those that were found, the earliest first.

    Behind the first copy none is better: other fingerprints are not compared.
    """
    best: Match | None = None
    later: list[Match] = []
    for other in found:
        is_later = other.order > photo.order
        if not is_later and best is not None and best.kind is not MatchKind.SAME_SCENE:
            continue
        match = _match(photo, other, flagged) if is_later else _match(other, photo, flagged)
        if match is None:
            continue
        if is_later:
            later.append(match)
        elif best is None or match.rank < best.rank:
            best = match
    return Matched(earlier=best, later=later)


def _match(earlier: KnownPhoto, later: KnownPhoto, flagged: Collection[Relation]) -> Match | None:
    found = likeness_of(earlier, later)
    if found is None:
        return None
    kind, distance = found
    relation = relation_of(earlier, later)
    return Match(
        later=later,
        earlier=earlier,
        kind=kind,
        relation=relation,
        distance=distance,
        is_flagged=relation in flagged,
    )


async def lock_matches(connection: Connection) -> None:
    """Lets this transaction alone write or delete matches, until its end."""
    await connection.execute(locks.TAKE, [locks.MATCHES])


async def lock_photos(connection: Connection, matches: Iterable[Match]) -> set[int]:
    """Keeps photos of matches from being forgotten until the end of the transaction; gives those that are.

    Those that another transaction is forgetting are passed over, as it may be waited for no more.
    """
    ids = sorted({photo.photo_id for match in matches for photo in (match.later, match.earlier)})
    if not ids:
        return set()
    cursor = await connection.execute(_LOCK_PHOTOS, [ids])
    return {photo_id for (photo_id,) in await cursor.fetchall()}


async def read_apart(connection: Connection, matches: Iterable[Match]) -> set[frozenset[int]]:
    """Which pairs of these matches a person has told apart, by the ids of their photos."""
    pairs = [sorted((match.later, match.earlier), key=lambda photo: photo.key) for match in matches]
    if not pairs:
        return set()
    columns = [[one.photo_id for one, _ in pairs], [other.photo_id for _, other in pairs]]
    cursor = await connection.execute(_APART, columns)
    return {frozenset(ids) for ids in await cursor.fetchall()}


async def write_matches(connection: Connection, matches: Iterable[Match]) -> Counter[MatchKind]:
    """Writes the best match of each later photo, unless it has a better one; counts those by kind."""
    best: dict[Key, Match] = {}
    for match in matches:
        known = best.get(match.later.key)
        if known is None or match.rank < known.rank:
            best[match.later.key] = match
    if not best:
        return Counter()
    columns: dict[str, list[Any]] = defaultdict(list)
    for match in best.values():
        for name, value in _row(match).items():
            columns[name].append(value)
    cursor = await connection.execute(_WRITE, columns)
    return Counter(MatchKind(kind) for kind, is_new in await cursor.fetchall() if is_new)


def _row(match: Match) -> dict[str, Any]:
    later, earlier = match.later, match.earlier
    return {
        "job_id": later.job_id,
        "image_no": later.image_no,
        "earlier_job_id": earlier.job_id,
        "earlier_image_no": earlier.image_no,
        "place": later.place,
        "earlier_place": earlier.place,
        "kind": str(match.kind),
        "relation": str(match.relation),
        "distance": match.distance,
        "is_flagged": match.is_flagged,
        "store_id": later.store_id,
    }


async def update_flags(connection: Connection, touched: Iterable[Key]) -> None:
    """Gives results of these images the flags that their matches raise, and no others of matches.

    Results whose flags are right already are not locked. The transaction that changes a match calls this
    after it, so that the last one of several sees what all have done.
    """
    unlike = await _unlike(connection, sorted(set(touched)))
    if not unlike:
        return
    keys = [(job_id, image_no) for job_id, image_no, _ in unlike]
    await connection.execute(_LOCK_RESULTS, _keys(keys))
    wanted: dict[tuple[UUID, Flag | None], list[int]] = defaultdict(list)
    for job_id, image_no, kind in await _unlike(connection, keys):
        wanted[job_id, FLAGS[MatchKind(kind)] if kind else None].append(image_no)
    for (job_id, flag), image_nos in sorted(wanted.items(), key=lambda item: (item[0][0], item[0][1] or "")):
        add = [flag] if flag else []
        drop = [other for other in (Flag.COPY, Flag.SAME_SCENE) if other is not flag]
        await change_flags(connection, job_id, image_nos, add=add, drop=drop)


async def _unlike(connection: Connection, keys: Sequence[Key]) -> list[tuple[UUID, int, str | None]]:
    if not keys:
        return []
    cursor = await connection.execute(_UNLIKE, _keys(keys))
    return [(job_id, image_no, kind) for job_id, image_no, kind in await cursor.fetchall()]


def _keys(keys: Sequence[Key]) -> dict[str, list[Any]]:
    return {"job_ids": [job_id for job_id, _ in keys], "image_nos": [image_no for _, image_no in keys]}
