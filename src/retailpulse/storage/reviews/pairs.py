"""Pairs of photos that a person found to be no copies: kept apart, as long as that decision stands.

A pair is decided on at either of its photos; the newest decision that stands is that of the pair. Its photos
are searched for copies again after that, so that matches and flags follow within moments.
"""

from retailpulse.domain.errors import Conflict
from retailpulse.domain.reviews import Decision
from retailpulse.storage.matches import queue
from retailpulse.storage.matches.of_photo import are_matched, read_earlier, read_later
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.reviews.history import Photo, read_history, standing

_KEEP_APART = "INSERT INTO photo_pairs_apart VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"
_MEASURED = """
    SELECT r.job_id, r.image_no FROM results r
    JOIN unnest(%s::uuid[], %s::int[]) photo (job_id, image_no) USING (job_id, image_no)
    WHERE r.outcome = 'measured'
"""
_FORGET = """
    DELETE FROM photo_pairs_apart
    WHERE (job_id_a, image_no_a, job_id_b, image_no_b) = (%s, %s, %s, %s)
"""


async def check_pair(connection: Connection, photo: Photo, other: Photo) -> None:
    """Raises Conflict, which names the matches of a photo, if no pair was ever made of these two."""
    if await are_matched(connection, photo, other):
        return
    for one, another in ((photo, other), (other, photo)):
        if any(entry.pair == another for entry in await read_history(connection, one)):
            return
    earlier = await read_earlier(connection, photo)
    matches = [*([earlier] if earlier else []), *await read_later(connection, photo)]
    named = ", ".join(f"image {image_no} of the job {job_id}" for job_id, image_no in matches)
    raise Conflict(f"pair: the photo is not matched with that one; its matches: {named or 'none'}")


async def write_pair(connection: Connection, photo: Photo, other: Photo) -> None:
    """Keeps a pair apart or not, as the decisions on it say that stand by now."""
    decisions = [
        entry
        for one, another in ((photo, other), (other, photo))
        for entry in standing(await read_history(connection, one))
        if entry.pair == another
    ]
    newest = max(decisions, key=lambda entry: entry.entry_id, default=None)
    is_apart = newest is not None and newest.decision == Decision.FLAG_WRONG
    lower, higher = sorted((photo, other))
    cursor = await connection.execute(_KEEP_APART if is_apart else _FORGET, [*lower, *higher])
    if cursor.rowcount:
        cursor = await connection.execute(_MEASURED, [[lower[0], higher[0]], [lower[1], higher[1]]])
        await queue.put_searches(connection, await cursor.fetchall(), anew=True)
