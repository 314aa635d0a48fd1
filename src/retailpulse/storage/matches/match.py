"""Looks for photos that wait in the queue, and writes what is found, in one transaction.

Others are searching at the same time, and one at a time writes; who has found nothing waits for nobody. What
a search has read may have changed by then; so it is looked at again before it is written. A search anew has
the writing from its beginning: what others write before it is deleted and found again, what they write after
it stays.

The searches are planned once, and by their indexes, whatever the statistics of the tables say.
"""

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from psycopg.rows import class_row

from retailpulse.domain.matches import MatchKind
from retailpulse.storage.matches import forget, queue
from retailpulse.storage.matches.queue import Search
from retailpulse.storage.matches.search import KnownPhoto, Searched, search
from retailpulse.storage.matches.sieve import may_be_like_others
from retailpulse.storage.matches.write import (
    Match,
    lock_matches,
    lock_photos,
    matches_of,
    read_apart,
    update_flags,
    write_matches,
)
from retailpulse.storage.postgres.database import Connection

_BY_INDEX = """
    SELECT set_config(name, value, true)
    FROM (VALUES ('plan_cache_mode', 'force_generic_plan'), ('enable_seqscan', 'off'), ('enable_sort', 'on'),
        ('enable_bitmapscan', 'off'), ('enable_hashjoin', 'off'), ('enable_mergejoin', 'off'), ('jit', 'off'))
        AS plan (name, value)
"""
# Read once they are locked: what another worker has committed until then is seen.
_READ = """
    SELECT k.* FROM unnest(%s::uuid[], %s::int[]) waiting (job_id, image_no) CROSS JOIN LATERAL (
        SELECT * FROM known_photos
        WHERE job_id = waiting.job_id AND image_no = waiting.image_no OFFSET 0) k
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

    A photo stays in the queue if its search goes on, or if what it found changed in this moment.
    """
    await plan_by_index(connection)
    searches = await queue.next_searches(connection, limit)
    if not searches:
        return Round(photos=0)
    anew = {search.key for search in searches if search.is_anew}
    if anew:
        await forget.drop_matches(connection, anew)
    waiting: dict[Key, int | None] = {}
    for one in searches:  # of a photo that waits twice, from where the most is left
        after = waiting.get(one.key, one.after)
        waiting[one.key] = None if one.after is None or after is None else min(one.after, after)
    matches: list[Match] = []
    going_on: dict[Key, int] = {}
    photos = await _read(connection, list(waiting))
    begun = [photo for photo in photos if waiting[photo.key] is None]
    alike = await may_be_like_others(connection, begun, wanted)
    for photo in photos:
        if waiting[photo.key] is None and photo.photo_id not in alike:
            continue
        found = await search(connection, photo, wanted, after=waiting[photo.key])
        matched = matches_of(photo, found.photos, wanted.flagged)
        matches += [matched.earlier] if matched.earlier else []
        matches += matched.later
        # The first of many goes on until it has them all; copies of it leave that to it.
        if found.edge is not None and matched.later and not matched.is_copy:
            going_on[photo.key] = max(found.edge, photo.place)
    return await _write(connection, searches, matches, going_on)


async def _read(connection: Connection, keys: list[Key]) -> list[KnownPhoto]:
    """The photos that are known of these."""
    columns = [[job_id for job_id, _ in keys], [image_no for _, image_no in keys]]
    cursor = connection.cursor(row_factory=class_row(KnownPhoto))
    await cursor.execute(_READ, columns)
    return await cursor.fetchall()


async def _write(
    connection: Connection, searches: list[Search], matches: list[Match], going_on: dict[Key, int]
) -> Round:
    if not matches and not any(one.is_anew for one in searches):  # as most photos are like no other
        await queue.drop_searches(connection, [one.search_id for one in searches])
        return Round(photos=len({one.key for one in searches}))
    await lock_matches(connection)
    living, apart = await lock_photos(connection, matches), await read_apart(connection, matches)
    true: list[Match] = []
    stale: set[Key] = set()
    for match in matches:
        pair = {match.later.photo_id, match.earlier.photo_id}
        if pair <= living and frozenset(pair) not in apart:
            true.append(match)
        else:
            stale |= {match.later.key, match.earlier.key}
    counts = await write_matches(connection, true)
    await update_flags(connection, [*(one.key for one in searches), *(match.later.key for match in true)])
    done = []
    for one in searches:
        if one.key in stale:
            continue
        after = going_on.pop(one.key, None)
        if after is None:
            done.append(one.search_id)
        else:
            await queue.go_on(connection, one.search_id, after)
    await queue.drop_searches(connection, done)
    return Round(photos=len({one.key for one in searches}), matches=counts)
