"""Matches and known photos that are no longer true: of jobs that go, of photos that change, of old age.

A match that names a photo which goes is deleted, and its later photo looked for again. Rows are locked in
the order of the search: the queue first, then the matches.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from retailpulse.storage.matches import queue
from retailpulse.storage.postgres.database import Connection

Key = tuple[UUID, int]

_KNOWN = """
    SELECT p.job_id, p.image_no FROM known_photos p
    JOIN unnest(%s::uuid[], %s::int[]) k (job_id, image_no) USING (job_id, image_no)
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
_LOCK_MATCHES = """
    SELECT FROM photo_matches m
    JOIN unnest(%s::uuid[], %s::int[]) k (job_id, image_no) USING (job_id, image_no)
    ORDER BY m.job_id, m.image_no FOR UPDATE OF m
"""
_DROP_MATCHES = """
    DELETE FROM photo_matches m USING unnest(%s::uuid[], %s::int[]) k (job_id, image_no)
    WHERE m.job_id = k.job_id AND m.image_no = k.image_no
"""
_FORGET = """
    DELETE FROM known_photos p USING unnest(%s::uuid[], %s::int[]) gone (job_id, image_no)
    WHERE p.job_id = gone.job_id AND p.image_no = gone.image_no RETURNING p.photo_id
"""
_FORGET_OLD = """
    DELETE FROM known_photos WHERE photo_id = ANY(ARRAY(
        SELECT photo_id FROM known_photos
        WHERE place < photo_place(now() - %s::interval, 0) ORDER BY place LIMIT %s))
    RETURNING photo_id
"""
LONGEST = timedelta(days=36_500)


async def forget_photos(connection: Connection, keys: Sequence[Key]) -> None:
    """Forgets photos that are about to be known again, and what was found of them and by them."""
    cursor = await connection.execute(_KNOWN, _columns(keys))
    known = [(job_id, image_no) for job_id, image_no in await cursor.fetchall()]
    if not known:
        return
    await queue.put_searches(connection, sorted({*known, *await _naming(connection, known)}))
    cursor = await connection.execute(_FORGET, _columns(known))
    await _drop_hashes(connection, [photo_id for (photo_id,) in await cursor.fetchall()])
    # A search that had one of them locked until now may have written more.
    await search_again(connection, [*known, *await _naming(connection, known)])


async def _naming(connection: Connection, keys: Sequence[Key]) -> list[Key]:
    """The later photos that name one of these."""
    cursor = await connection.execute(_NAMING, _columns(keys))
    return [(job_id, image_no) for job_id, image_no in await cursor.fetchall()]


async def search_again(connection: Connection, keys: Sequence[Key]) -> None:
    """Deletes the matches of these later photos and has them looked for again; flags follow the search."""
    ordered = sorted(set(keys))
    await queue.put_searches(connection, ordered)
    await connection.execute(_LOCK_MATCHES, _columns(ordered))
    await connection.execute(_DROP_MATCHES, _columns(ordered))


async def forget_earlier(connection: Connection, job_id: UUID, limit: int) -> int:
    """Has photos of other jobs that name one of this job looked for again; returns how many."""
    cursor = await connection.execute(_NAMING_JOB, [job_id, limit])
    keys = [(later_id, image_no) for later_id, image_no in await cursor.fetchall()]
    if keys:
        await search_again(connection, keys)
    return len(keys)


async def forget_old(connection: Connection, window: timedelta, limit: int) -> int:
    """Forgets photos of jobs submitted before the window, the oldest first; their matches stay."""
    cursor = await connection.execute(_FORGET_OLD, [min(window, LONGEST), limit])
    photo_ids = [photo_id for (photo_id,) in await cursor.fetchall()]
    if photo_ids:
        await _drop_hashes(connection, photo_ids)
    return len(photo_ids)


async def _drop_hashes(connection: Connection, photo_ids: list[int]) -> None:
    await connection.execute("DELETE FROM fingerprints WHERE photo_id = ANY(%s)", [photo_ids])


def _columns(keys: Sequence[Key]) -> list[list[UUID] | list[int]]:
    return [[job_id for job_id, _ in keys], [image_no for _, image_no in keys]]
