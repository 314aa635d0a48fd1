"""Measured images that are to be compared with earlier ones, as the settle leaves them for `storage.matches`.

They are read in the order of their keys; each belongs to one worker at a time, and goes in the transaction
that makes it known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from retailpulse.storage.postgres.database import Connection

# Rows that wait already are replaced, never passed over: a worker may be at work on what they were.
_PUT = """
    INSERT INTO fingerprint_queue (job_id, image_no, fingerprint)
    SELECT * FROM unnest(%s::uuid[], %s::int[], %s::bytea[])
    ON CONFLICT (job_id, image_no) DO UPDATE SET fingerprint = excluded.fingerprint
"""
_NEXT = """
    SELECT job_id, image_no, fingerprint FROM fingerprint_queue
    ORDER BY job_id, image_no LIMIT %s FOR UPDATE SKIP LOCKED
"""
_DROP = """
    DELETE FROM fingerprint_queue q USING unnest(%s::uuid[], %s::int[]) done (job_id, image_no)
    WHERE q.job_id = done.job_id AND q.image_no = done.image_no
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewPhoto:
    """A measured image that is not known yet; without a fingerprint it is found by its bytes alone."""

    job_id: UUID
    image_no: int
    fingerprint: bytes | None


async def put(connection: Connection, photos: Sequence[NewPhoto]) -> None:
    """Has photos known and looked for; one that is known already is replaced."""
    if photos:
        await connection.execute(_PUT, columns_of(photos))


async def next_photos(connection: Connection, limit: int) -> list[NewPhoto]:
    """The next images that are to be known, which no other worker has; they are locked."""
    cursor = await connection.execute(_NEXT, [limit])
    return [
        NewPhoto(job_id=job_id, image_no=image_no, fingerprint=fingerprint)
        for job_id, image_no, fingerprint in await cursor.fetchall()
    ]


async def drop(connection: Connection, photos: Sequence[NewPhoto]) -> None:
    """Notes that images are known, or are gone."""
    await connection.execute(_DROP, columns_of(photos)[:2])


def columns_of(photos: Sequence[NewPhoto]) -> list[list[UUID] | list[int] | list[bytes | None]]:
    """Photos as the arguments of a statement."""
    return [
        [photo.job_id for photo in photos],
        [photo.image_no for photo in photos],
        [photo.fingerprint for photo in photos],
    ]
