"""Matches and known photos that are no longer true: of jobs that go, of photos that change, of old age.

A match that names a photo which goes is deleted, and its later photo looked for again. Who changes photos or
pairs puts them in the queue to be searched anew, and leaves the deleting to the search.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from retailpulse.storage.matches import queue
from retailpulse.storage.matches.write import lock_matches
from retailpulse.storage.postgres.database import Connection

Key = tuple[UUID, int]

_LOCK = """
    SELECT p.photo_id, p.job_id, p.image_no FROM known_photos p
    JOIN unnest(%s::uuid[], %s::int[]) k (job_id, image_no) USING (job_id, image_no)
    ORDER BY p.photo_id FOR UPDATE OF p
"""
_NAMING = """
    SELECT m.job_id, m.image_no FROM photo_matches m
    JOIN unnest(%s::uuid[], %s::int[]) gone (job_id, image_no)
        ON m.earlier_job_id = gone.job_id AND m.earlier_image_no = gone.image_no
    ORDER BY m.job_id, m.image_no
"""
_NAMING_JOB = """
    SELECT m.job_id, m.image_no FROM photo_matches m
    WHERE m.earlier_job_id = %s AND m.job_id <> m.earlier_job_id
    ORDER BY m.job_id, m.image_no LIMIT %s
"""
_DROP_MATCHES = """
    DELETE FROM photo_matches m USING unnest(%s::uuid[], %s::int[]) k (job_id, image_no)
    WHERE m.job_id = k.job_id AND m.image_no = k.image_no
"""
_LOCK_OLD = """
    SELECT photo_id FROM known_photos WHERE photo_id = ANY(ARRAY(
        SELECT photo_id FROM known_photos
        WHERE place < photo_place(now() - %s::interval, 0) ORDER BY place LIMIT %s))
    ORDER BY photo_id FOR UPDATE
"""
LONGEST = timedelta(days=36_500)


async def forget_photos(connection: Connection, keys: Sequence[Key]) -> None:
    """Forgets photos that are about to be known again, and what was found of them and by them."""
    cursor = await connection.execute(_LOCK, _columns(keys))
    locked = await cursor.fetchall()
    if not locked:
        return
    known = [(job_id, image_no) for _, job_id, image_no in locked]
    # As they are locked, no search writes one more that names them.
    cursor = await connection.execute(_NAMING, _columns(known))
    naming = [(job_id, image_no) for job_id, image_no in await cursor.fetchall()]
    await _forget(connection, [photo_id for photo_id, _, _ in locked])
    await queue.put_searches(connection, {*known, *naming}, anew=True)


async def search_again(connection: Connection, keys: Collection[Key]) -> None:
    """Deletes the matches of these later photos and has them looked for again; flags follow the search.

    It waits for searches, so that the transaction may not have locked any photo, result or job before.
    """
    await queue.put_searches(connection, keys, anew=True)
    await drop_matches(connection, keys)


async def drop_matches(connection: Connection, keys: Collection[Key]) -> None:
    """Deletes the matches of these later photos; no other transaction writes one until this one ends."""
    await lock_matches(connection)
    await connection.execute(_DROP_MATCHES, _columns(keys))


async def forget_earlier(connection: Connection, job_id: UUID, limit: int) -> int:
    """Has photos of other jobs that name one of this job looked for again; returns how many."""
    cursor = await connection.execute(_NAMING_JOB, [job_id, limit])
    keys = [(later_id, image_no) for later_id, image_no in await cursor.fetchall()]
    if keys:
        await search_again(connection, keys)
    return len(keys)


async def forget_old(connection: Connection, window: timedelta, limit: int) -> int:
    """Forgets photos of jobs submitted before the window, the oldest first; their matches stay."""
    cursor = await connection.execute(_LOCK_OLD, [min(window, LONGEST), limit])
    photo_ids = [photo_id for (photo_id,) in await cursor.fetchall()]
    if photo_ids:
        await _forget(connection, photo_ids)
    return len(photo_ids)


async def _forget(connection: Connection, photo_ids: list[int]) -> None:
    await connection.execute("DELETE FROM known_photos WHERE photo_id = ANY(%s)", [photo_ids])
    await connection.execute("DELETE FROM fingerprints WHERE photo_id = ANY(%s)", [photo_ids])


def _columns(keys: Collection[Key]) -> list[list[UUID] | list[int]]:
    return [[job_id for job_id, _ in keys], [image_no for _, image_no in keys]]
