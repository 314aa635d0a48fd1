"""Measured images that are to be compared with earlier ones, as the settle leaves them for `storage.matches`.

A row holds some images of one job, as a row for each would cost the settle half of what it costs now. It
belongs to one worker at a time, and goes in the transaction that makes its images known.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec
from psycopg import sql

from retailpulse.storage.postgres.database import Connection

MOST_OF_ROW = 500
"""Images of one row: as many as are made known without keeping others waiting."""

_PUT = sql.SQL("INSERT INTO fingerprint_queue (job_id, image_nos, fingerprints) VALUES {rows}")
_ROW = sql.SQL("(%s, %s::int[], %b)")
# Those of images with the same URL have its one fingerprint; a job may have a million of them.
_PUT_COPIES = """
    INSERT INTO fingerprint_queue (job_id, image_nos, fingerprints)
    SELECT %(job_id)s, array_agg(image_no ORDER BY image_no), %(fingerprints)b
    FROM (
        SELECT image_no, row_number() OVER (ORDER BY image_no) / %(most)s AS piece
        FROM images WHERE job_id = %(job_id)s AND same_as = %(image_no)s) copy
    GROUP BY piece ORDER BY piece
"""
_NEXT = """
    SELECT batch_id, job_id, image_nos, fingerprints FROM fingerprint_queue
    ORDER BY batch_id LIMIT %s FOR UPDATE SKIP LOCKED
"""
_BLOCKED = """
    SELECT DISTINCT taken.job_id FROM fingerprint_queue taken
    JOIN fingerprint_queue earlier ON earlier.job_id = taken.job_id AND earlier.batch_id < taken.batch_id
    WHERE taken.batch_id = ANY(%(taken)s) AND earlier.batch_id <> ALL(%(taken)s)
        AND earlier.batch_id < %(last)s AND earlier.image_nos && taken.image_nos
"""
_FINGERPRINTS = msgspec.msgpack.Decoder(list[bytes | None])


@dataclass(frozen=True, kw_only=True, slots=True)
class NewPhotos:
    """Measured images of a job with their fingerprints, in one order; one without is found by its bytes."""

    job_id: UUID
    image_nos: Sequence[int]
    fingerprints: Sequence[bytes | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingPhotos:
    """A row of what waits, which no other worker has."""

    batch_id: int
    photos: NewPhotos


async def put(connection: Connection, new: Sequence[NewPhotos]) -> None:
    """Has photos known and looked for; those that are known already are replaced."""
    rows = [row for photos in new for row in _rows(photos)]
    if rows:
        statement = _PUT.format(rows=sql.SQL(", ").join([_ROW] * len(rows)))
        await connection.execute(statement, [value for row in rows for value in row], prepare=False)


def _rows(photos: NewPhotos) -> Iterator[tuple[UUID, list[int], bytes]]:
    for first in range(0, len(photos.image_nos), MOST_OF_ROW):
        piece = slice(first, first + MOST_OF_ROW)
        yield photos.job_id, list(photos.image_nos[piece]), msgspec.msgpack.encode(photos.fingerprints[piece])


async def put_copies(connection: Connection, job_id: UUID, image_no: int, fingerprint: bytes | None) -> None:
    """Has the images known that share the URL, and with it the result, of one of their job."""
    given = {"job_id": job_id, "image_no": image_no, "most": MOST_OF_ROW}
    await connection.execute(_PUT_COPIES, {**given, "fingerprints": msgspec.msgpack.encode([fingerprint])})


async def next_photos(connection: Connection, limit: int) -> list[WaitingPhotos]:
    """The next rows, which no other worker has, oldest first; they are locked.

    A row waits while another worker has an earlier one of the same images, which would overtake it.
    """
    cursor = await connection.execute(_NEXT, [limit])
    waiting = [_read(*row) for row in await cursor.fetchall()]
    taken = [row.batch_id for row in waiting]
    if not taken:
        return []
    cursor = await connection.execute(_BLOCKED, {"taken": taken, "last": max(taken)})
    blocked = {job_id for (job_id,) in await cursor.fetchall()}
    return [row for row in waiting if row.photos.job_id not in blocked]


def _read(batch_id: int, job_id: UUID, image_nos: list[int], content: bytes) -> WaitingPhotos:
    fingerprints = _FINGERPRINTS.decode(content)
    if len(fingerprints) == 1:
        fingerprints *= len(image_nos)
    photos = NewPhotos(job_id=job_id, image_nos=image_nos, fingerprints=fingerprints)
    return WaitingPhotos(batch_id=batch_id, photos=photos)


async def drop(connection: Connection, waiting: Sequence[WaitingPhotos]) -> None:
    """Notes that images are known, or are gone."""
    batch_ids = [row.batch_id for row in waiting]
    await connection.execute("DELETE FROM fingerprint_queue WHERE batch_id = ANY(%s)", [batch_ids])
