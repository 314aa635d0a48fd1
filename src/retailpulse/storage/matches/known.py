"""Makes photos known: their place in the order of submits, their visit, and the keys of their hashes.

Weak: what is known of a store's visit is that of the moment; a visit is never moved.
"""

import asyncio
from collections.abc import Mapping, Sequence
from struct import Struct
from uuid import UUID

from psycopg import sql

from retailpulse.domain import fingerprints
from retailpulse.storage.matches import forget, queue
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.results import new_photos
from retailpulse.storage.results.new_photos import NewPhotos

Key = tuple[UUID, int]

_PHOTOS_AT_ONCE = 200
"""Photos whose keys are computed in one go."""

LOCK_JOBS = "SELECT job_id FROM jobs WHERE job_id = ANY(%s) ORDER BY job_id FOR KEY SHARE"
"""Keeps jobs from being deleted until the end of the transaction; a job that is gone is not found."""

# By their keys alone, whatever the planner believes of a job that it has not seen yet.
_INSERT = """
    INSERT INTO known_photos (job_id, image_no, place, visit_key, visit_no, store_id, sha256, fingerprint)
    SELECT given.job_id, given.image_no, photo_place(j.submitted_at, given.image_no),
        hashtextextended(v.store_id || chr(1) || CASE
            WHEN v.visited_at IS NOT NULL THEN extract(epoch FROM v.visited_at)::text
            WHEN btrim(v.visit_time) <> '' THEN 'at ' || v.visit_time
            ELSE 'of ' || i.image_url END, 0),
        i.visit_no, v.store_id, r.sha256, given.fingerprint
    FROM unnest(%s::uuid[], %s::int[], %s::bytea[]) given (job_id, image_no, fingerprint)
    CROSS JOIN LATERAL (SELECT submitted_at FROM jobs WHERE job_id = given.job_id OFFSET 0) j
    CROSS JOIN LATERAL (
        SELECT visit_no, image_url FROM images
        WHERE job_id = given.job_id AND image_no = given.image_no OFFSET 0) i
    CROSS JOIN LATERAL (
        SELECT sha256 FROM results
        WHERE job_id = given.job_id AND image_no = given.image_no AND outcome = 'measured' OFFSET 0) r
    CROSS JOIN LATERAL (
        SELECT store_id, visit_time, visited_at FROM visits
        WHERE job_id = given.job_id AND visit_no = i.visit_no OFFSET 0) v
    WHERE r.sha256 IS NOT NULL OR given.fingerprint IS NOT NULL
    ORDER BY given.job_id, given.image_no
    ON CONFLICT (job_id, image_no) DO NOTHING
    RETURNING photo_id, place, job_id, image_no, fingerprint, EXISTS (
        SELECT FROM images c WHERE c.job_id = known_photos.job_id AND c.same_as = known_photos.image_no)
"""
_KNOWN = """
    SELECT k.job_id, k.image_no FROM known_photos k
    JOIN unnest(%s::uuid[], %s::int[]) given (job_id, image_no) USING (job_id, image_no)
"""

_COPY = sql.SQL("COPY fingerprints (photo_id, place, hash, {keys}) FROM STDIN (FORMAT binary)").format(
    keys=sql.SQL(", ").join(sql.Identifier(f"k{band}") for band in range(1, fingerprints.BANDS + 1))
)
# As PostgreSQL documents of COPY: how many columns a row has, and before each how many bytes it takes; bits
# have their number in front of them.
_BEGIN, _END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_ROW = Struct(f">h iq iq ii{fingerprints.HASH_BYTES}s" + fingerprints.BANDS * "ii")
_COLUMNS, _HASH_BITS = 3 + fingerprints.BANDS, 8 * fingerprints.HASH_BYTES
_SIZES_OF_KEYS = 2 * fingerprints.BANDS * [4]


async def make_known(connection: Connection, limit: int) -> int:
    """Makes the images of the next rows of the queue known, and has them looked for; returns how many.

    Those that are gone, or have nothing to be found by, just leave the queue. It must be committed before
    they are looked for.
    """
    waiting = await new_photos.next_photos(connection, limit)
    if not waiting:
        return 0
    cursor = await connection.execute(LOCK_JOBS, [sorted({row.photos.job_id for row in waiting})])
    living = {job_id for (job_id,) in await cursor.fetchall()}
    photos: dict[Key, bytes | None] = {}
    for row in waiting:
        if row.photos.job_id in living:
            of_job = zip(row.photos.image_nos, row.photos.fingerprints, strict=True)
            photos.update(((row.photos.job_id, image_no), _checked(data)) for image_no, data in of_job)
    left = await _insert(connection, photos)
    # Once more, in a transaction of their own, for those that another worker has made known just now.
    again = [NewPhotos(job_id=key[0], image_nos=[key[1]], fingerprints=[photos[key]]) for key in left]
    await new_photos.put(connection, again)
    await new_photos.drop(connection, waiting)
    return sum(len(row.photos.image_nos) for row in waiting)


async def _insert(connection: Connection, photos: Mapping[Key, bytes | None]) -> Sequence[Key]:
    """Makes photos known in place of what is known of them, and returns those that were known meanwhile."""
    keys = sorted(photos)
    await forget.forget_photos(connection, keys)
    columns = [
        [job_id for job_id, _ in keys],
        [image_no for _, image_no in keys],
        [photos[key] for key in keys],
    ]
    cursor = await connection.execute(_INSERT, columns)
    known = await cursor.fetchall()
    await copy_hashes(connection, [(row[0], row[1], row[4]) for row in known if row[4]])
    inserted = {(row[2], row[3]) for row in known}
    await queue.put_searches(connection, inserted)
    for row in known:
        if row[5]:
            await new_photos.put_copies(connection, row[2], row[3], row[4])
    cursor = await connection.execute(_KNOWN, columns[:2])
    return [key for key in await cursor.fetchall() if key not in inserted]


def _checked(fingerprint: bytes | None) -> bytes | None:
    """The fingerprint, if it is of this version: nothing is found by others."""
    return fingerprint if fingerprint is not None and fingerprints.is_valid(fingerprint) else None


async def copy_hashes(connection: Connection, photos: Sequence[tuple[int, int, bytes]]) -> None:
    """Writes the hashes of known photos: each with its id, its place and its fingerprint."""
    if not photos:
        return
    async with connection.cursor().copy(_COPY) as copy:
        await copy.write(_BEGIN)
        for first in range(0, len(photos), _PHOTOS_AT_ONCE):  # between them others have their turn
            await copy.write(b"".join(map(_rows, photos[first : first + _PHOTOS_AT_ONCE])))
            await asyncio.sleep(0)
        await copy.write(_END)


def _rows(photo: tuple[int, int, bytes]) -> bytes:
    photo_id, place, data = photo
    rows = []
    for digest in fingerprints.parse(data):
        sizes_and_keys = _SIZES_OF_KEYS.copy()
        sizes_and_keys[1::2] = fingerprints.keys(digest)
        rows.append(
            _ROW.pack(_COLUMNS, 8, photo_id, 8, place, 4 + len(digest), _HASH_BITS, digest, *sizes_and_keys)
        )
    return b"".join(rows)
