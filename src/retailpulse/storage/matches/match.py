"""Looks for photos that wait in the queue, and writes what is found, in one transaction.

The searches are planned once, and by their indexes, whatever the statistics of the tables say.
"""

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from psycopg.rows import class_row

from retailpulse.domain.matches import MatchKind
from retailpulse.storage.matches import queue
from retailpulse.storage.matches.search import KnownPhoto, Searched, search
from retailpulse.storage.matches.write import Match, lock_photos, matches_of, update_flags, write_matches
from retailpulse.storage.postgres.database import Connection

_BY_INDEX = """
    SELECT set_config(name, value, true)
    FROM (VALUES ('plan_cache_mode', 'force_generic_plan'), ('enable_seqscan', 'off'), ('enable_sort', 'on'),
        ('enable_bitmapscan', 'off'), ('enable_hashjoin', 'off'), ('enable_mergejoin', 'off'), ('jit', 'off'))
        AS plan (name, value)
"""
_NEXT = """
    SELECT job_id, image_no, after FROM match_queue
    ORDER BY job_id, image_no LIMIT %s FOR UPDATE SKIP LOCKED
"""
# Read once they are locked: what another worker has committed until then is seen.
_READ = """
    SELECT k.* FROM unnest(%s::uuid[], %s::int[]) waiting (job_id, image_no) CROSS JOIN LATERAL (
        SELECT * FROM known_photos
        WHERE job_id = waiting.job_id AND image_no = waiting.image_no OFFSET 0) k
"""
_GO_ON = """
    UPDATE match_queue SET after = %s WHERE job_id = %s AND image_no = %s
"""

Key = tuple[UUID, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """How many photos were looked for, and the new matches by their kind."""

    photos: int
    matches: Counter[MatchKind] = field(default_factory=Counter)


async def plan_by_index(connection: Connection) -> None:
    """Has the statements of this transaction planned once, and by their indexes."""
    await connection.execute(_BY_INDEX)


async def match_next(connection: Connection, limit: int, wanted: Searched) -> Round:
    """Looks for the next photos of the queue.

    A photo stays in the queue if its search goes on, or if what it found went in this moment.
    """
    await plan_by_index(connection)
    cursor = await connection.execute(_NEXT, [limit])
    waiting = {(job_id, image_no): after for job_id, image_no, after in await cursor.fetchall()}
    if not waiting:
        return Round(photos=0)
    matches: list[Match] = []
    going_on: dict[Key, int] = {}
    for photo in await _read(connection, list(waiting)):
        found = await search(connection, photo, wanted, after=waiting[photo.key])
        matched = matches_of(photo, found.photos, wanted.flagged)
        matches += [matched.earlier] if matched.earlier else []
        matches += matched.later
        # The first of many goes on until it has them all; copies of it leave that to it.
        if found.edge is not None and matched.later and not matched.is_copy:
            going_on[photo.key] = max(found.edge, photo.place)
    return await _write(connection, list(waiting), matches, going_on)


async def _read(connection: Connection, keys: list[Key]) -> list[KnownPhoto]:
    """The photos that are known of these."""
    columns = [[job_id for job_id, _ in keys], [image_no for _, image_no in keys]]
    cursor = connection.cursor(row_factory=class_row(KnownPhoto))
    await cursor.execute(_READ, columns)
    return await cursor.fetchall()


async def _write(
    connection: Connection, keys: list[Key], matches: list[Match], going_on: dict[Key, int]
) -> Round:
    living = await lock_photos(connection, matches)
    true, stale = [], set()
    for match in matches:
        if match.later.photo_id in living and match.earlier.photo_id in living:
            true.append(match)
        else:
            stale.add(match.later.key)
    counts = await write_matches(connection, true)
    await update_flags(connection, [*keys, *(match.later.key for match in true)])
    for (job_id, image_no), after in going_on.items():
        await connection.execute(_GO_ON, [after, job_id, image_no])
    await queue.drop_searches(connection, [key for key in keys if key not in stale and key not in going_on])
    return Round(photos=len(keys), matches=counts)
