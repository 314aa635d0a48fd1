"""Repairs what is wrong with matches: what belongs to nothing goes, flags follow the matches.

A photo whose match cannot be true is looked for again, by the workers.
"""

from typing import LiteralString
from uuid import UUID

from psycopg import sql

from retailpulse.storage.integrity.match_invariants import MATCHES
from retailpulse.storage.matches.forget import search_again
from retailpulse.storage.matches.write import lock_matches, update_flags
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.results import new_photos
from retailpulse.storage.results.new_photos import NewPhotos

_INVARIANTS = {invariant.name: invariant.statement for invariant in MATCHES}
ABOUT_MATCHES = {*_INVARIANTS, "known_photos_without_job"}

_IN_WRONG_ORDER = sql.SQL("""
    SELECT DISTINCT k.job_id, k.image_no, k.fingerprint
    FROM ({broken}) AS broken (job_id, number, detail)
    JOIN photo_matches m ON m.job_id = broken.job_id AND m.image_no = broken.number
    JOIN known_photos k ON (k.job_id, k.image_no) IN (
        (m.job_id, m.image_no), (m.earlier_job_id, m.earlier_image_no))
""").format(broken=_INVARIANTS["match_order"])
_DROP: dict[str, LiteralString] = {
    "known photos deleted whose job does not exist": """
        DELETE FROM known_photos k
        WHERE NOT EXISTS (SELECT FROM jobs j WHERE j.job_id = k.job_id)
          AND NOT EXISTS (SELECT FROM pruned_jobs p WHERE p.job_id = k.job_id)
    """,
    "fingerprints deleted whose photo is not known": """
        DELETE FROM fingerprints f
        WHERE NOT EXISTS (SELECT FROM known_photos k WHERE k.photo_id = f.photo_id)
    """,
    "photos deleted that waited in vain to be matched": """
        DELETE FROM match_queue WHERE search_id IN (
            SELECT search_id FROM match_queue q
            WHERE NOT EXISTS (SELECT FROM results r WHERE r.job_id = q.job_id AND r.image_no = q.image_no)
            FOR UPDATE SKIP LOCKED)
    """,
}


async def repair_matches(connection: Connection) -> dict[str, int]:
    """Mends matches, flags and queues in the transaction of `connection`; counts by what was done.

    The transaction may not have locked any result or job before.
    """
    mended = {}
    await lock_matches(connection)
    gone = await _broken(connection, "match_without_photo")
    if gone:
        await search_again(connection, gone)
    mended["photos looked for again whose earlier one is gone"] = len(gone)
    cursor = await connection.execute(_IN_WRONG_ORDER)
    again = await cursor.fetchall()
    await new_photos.put(
        connection,
        [NewPhotos(job_id=row[0], image_nos=[row[1]], fingerprints=[row[2]]) for row in again],
    )
    mended["photos of matches in a wrong order to be known again"] = len(again)
    flagged = await _broken(connection, "match_flags")
    await update_flags(connection, flagged)
    mended["flags set to what matches raise"] = len(flagged)
    for what, statement in _DROP.items():
        cursor = await connection.execute(statement)
        mended[what] = cursor.rowcount
    return mended


async def _broken(connection: Connection, name: str) -> list[tuple[UUID, int]]:
    statement = sql.SQL("SELECT job_id, number FROM ({broken}) AS broken (job_id, number, detail)").format(
        broken=_INVARIANTS[name]
    )
    cursor = await connection.execute(statement)
    return [(job_id, number) for job_id, number in await cursor.fetchall()]
