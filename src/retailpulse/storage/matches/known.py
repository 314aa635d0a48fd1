"""Makes photos known: their place in the order of submits, their visit, and the keys of their hashes.

Weak: what is known of a store's visit is that of the moment; a visit is never moved.
"""

from collections.abc import Sequence
from uuid import UUID

from psycopg import sql

from retailpulse.domain import fingerprints
from retailpulse.storage.matches import forget, queue
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.results import new_photos
from retailpulse.storage.results.new_photos import NewPhoto

Key = tuple[UUID, int]

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
    RETURNING photo_id, place, job_id, image_no, fingerprint
"""

# Images with the same URL have the same result: they wait in their turn, as a job may have a million.
_PUT_COPIES = """
    INSERT INTO fingerprint_queue (job_id, image_no, fingerprint)
    SELECT given.job_id, copy.image_no, given.fingerprint
    FROM unnest(%s::uuid[], %s::int[], %s::bytea[]) given (job_id, image_no, fingerprint)
    CROSS JOIN LATERAL (
        SELECT image_no FROM images WHERE job_id = given.job_id AND same_as = given.image_no
        ORDER BY image_no OFFSET 0) copy
    ON CONFLICT (job_id, image_no) DO UPDATE SET fingerprint = excluded.fingerprint
"""

_COPY_HASHES = sql.SQL("COPY fingerprints (photo_id, place, hash, {keys}) FROM STDIN").format(
    keys=sql.SQL(", ").join(sql.Identifier(f"k{band}") for band in range(1, fingerprints.BANDS + 1))
)


async def make_known(connection: Connection, limit: int) -> int:
    """Makes the next images of the queue known, and has them looked for; returns how many it was at.

    Those that are gone, or have nothing to be found by, just leave the queue. It must be committed before
    they are looked for.
    """
    new = await new_photos.next_photos(connection, limit)
    if not new:
        return 0
    cursor = await connection.execute(LOCK_JOBS, [sorted({photo.job_id for photo in new})])
    living = {job_id for (job_id,) in await cursor.fetchall()}
    photos = [_checked(photo) for photo in new if photo.job_id in living]
    if photos:
        await forget.forget_photos(connection, [(photo.job_id, photo.image_no) for photo in photos])
        given = new_photos.columns_of(photos)
        cursor = await connection.execute(_INSERT, given)
        known = await cursor.fetchall()
        await _copy_hashes(connection, [(key, place, data) for key, place, _, _, data in known if data])
        await queue.put_searches(connection, [(job_id, image_no) for _, _, job_id, image_no, _ in known])
        await connection.execute(_PUT_COPIES, given)
    await new_photos.drop(connection, new)
    return len(new)


def _checked(photo: NewPhoto) -> NewPhoto:
    """The photo without a fingerprint of another version: nothing is found by that."""
    if photo.fingerprint is None or fingerprints.is_valid(photo.fingerprint):
        return photo
    return NewPhoto(job_id=photo.job_id, image_no=photo.image_no, fingerprint=None)


async def _copy_hashes(connection: Connection, photos: Sequence[tuple[int, int, bytes]]) -> None:
    lines = [
        "\t".join(map(str, (photo_id, place, f"x{digest.hex()}", *fingerprints.keys(digest)))) + "\n"
        for photo_id, place, data in photos
        for digest in fingerprints.parse(data)
    ]
    if lines:
        async with connection.cursor().copy(_COPY_HASHES) as copy:
            await copy.write("".join(lines))
