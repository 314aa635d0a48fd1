"""Thumbnails: written with the results that they belong to, read one at a time, deleted when they are old."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.rows import class_row

from retailpulse.domain.thumbnails import ThumbnailKind
from retailpulse.schema import ImageResult
from retailpulse.storage.postgres.database import Connection

# In binary: as text each byte would be two characters. A picture that is analyzed anew replaces its old one.
_INSERT = """
    INSERT INTO thumbnails (job_id, image_no, kind, width, height, jpeg)
    SELECT * FROM unnest(%b::uuid[], %b::int[], %b::text[], %b::smallint[], %b::smallint[], %b::bytea[])
    ON CONFLICT (job_id, image_no, kind) DO UPDATE
    SET width = excluded.width, height = excluded.height, made_at = now(), jpeg = excluded.jpeg
"""

# Of images that share a URL, the first has the thumbnail of all. An image that has a result was not deleted.
_READ = """
    SELECT j.depth, r.outcome, r.settled_at, t.kind, t.width, t.height, t.jpeg
    FROM jobs j
    JOIN images i ON i.job_id = j.job_id AND i.image_no = %(image_no)s
    LEFT JOIN results r ON r.job_id = i.job_id AND r.image_no = i.image_no
    LEFT JOIN LATERAL (
        SELECT * FROM thumbnails t
        WHERE t.job_id = i.job_id AND t.image_no = coalesce(i.same_as, i.image_no)
            AND t.kind = ANY(%(kinds)s)
        ORDER BY array_position(%(kinds)s, t.kind) LIMIT 1) t ON true
    WHERE j.job_id = %(job_id)s
"""

_DELETE_OLD = """
    DELETE FROM thumbnails WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM thumbnails WHERE kind = %(kind)s AND made_at < now() - %(age)s::interval
        ORDER BY made_at LIMIT %(limit)s))
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ThumbnailRow:
    """An image and its thumbnail, if it has one; `outcome` is None if it has no result.

    `depth`, `outcome` and `kind` are words of Depth, Outcome and ThumbnailKind.
    """

    depth: str
    outcome: str | None
    settled_at: datetime | None
    kind: str | None
    width: int | None
    height: int | None
    jpeg: bytes | None


async def insert(
    connection: Connection, results: Sequence[ImageResult], written: Mapping[UUID, Container[int]]
) -> None:
    """Writes the thumbnails of those results that were written: numbers of images by job."""
    found = [
        (result.job_id, result.image_no, thumbnail)
        for result in results
        if result.measurement is not None and result.image_no in written.get(result.job_id, ())
        for thumbnail in result.measurement.thumbnails
    ]
    if not found:
        return
    job_ids, image_nos, thumbnails = zip(*found, strict=True)
    columns = [
        list(job_ids),
        list(image_nos),
        [str(one.kind) for one in thumbnails],
        [one.width for one in thumbnails],
        [one.height for one in thumbnails],
        [one.jpeg for one in thumbnails],
    ]
    await connection.execute(_INSERT, columns)


async def read(
    connection: Connection, job_id: UUID, image_no: int, kinds: Sequence[ThumbnailKind]
) -> ThumbnailRow | None:
    """An image with its thumbnail of the first of these kinds that it has; None if there is no such image."""
    async with connection.cursor(row_factory=class_row(ThumbnailRow)) as cursor:
        asked = {"job_id": job_id, "image_no": image_no, "kinds": [str(kind) for kind in kinds]}
        await cursor.execute(_READ, asked)
        return await cursor.fetchone()


async def delete_old(connection: Connection, kind: ThumbnailKind, age: timedelta, limit: int) -> int:
    """Deletes thumbnails of a kind that are older than `age`, the oldest first; returns how many."""
    cursor = await connection.execute(_DELETE_OLD, {"kind": str(kind), "age": age, "limit": limit})
    return cursor.rowcount
