"""Thumbnails: written just before the results that they belong to, read one at a time, deleted when old.

They are many times as large as all else that is known of a photo, so that they are no part of the transaction
that settles, for which others wait. Each is known by the bytes of its photo: a result shows the pictures of
its own bytes alone, whatever other tries have left. Those that no result names go by their age or with
their job. Weak: until then they take their room.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from retailpulse.domain.thumbnails import ThumbnailKind
from retailpulse.schema import ImageResult
from retailpulse.storage.postgres.database import Connection

# Keeps jobs from being deleted until the end of the transaction.
_LOCK_JOBS = "SELECT job_id FROM jobs WHERE job_id = ANY(%s) ORDER BY job_id FOR KEY SHARE"
# In binary, as text each byte would be two characters; and by COPY, which costs half of what an INSERT does.
_COLUMNS = {
    "job_id": "uuid", "image_no": "int4", "kind": "text", "width": "int2", "height": "int2",
    "sha256": "bytea", "jpeg": "bytea",
}  # fmt: skip
_COPY = sql.SQL("COPY thumbnails ({columns}) FROM STDIN (FORMAT binary)").format(
    columns=sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))
)
_REPLACE = """
    INSERT INTO thumbnails (job_id, image_no, kind, width, height, sha256, jpeg)
    SELECT * FROM unnest(%b::uuid[], %b::int[], %b::text[], %b::smallint[], %b::smallint[], %b::bytea[],
        %b::bytea[])
    ON CONFLICT (job_id, image_no, kind, sha256) DO UPDATE
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
            AND t.kind = ANY(%(kinds)s) AND t.sha256 IN (coalesce(r.sha256, ''), '')
            AND r.outcome = 'measured'
        ORDER BY array_position(%(kinds)s, t.kind), t.sha256 = '' LIMIT 1) t ON true
    WHERE j.job_id = %(job_id)s
"""

_DELETE_OLD = """
    DELETE FROM thumbnails WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM thumbnails WHERE kind = %(kind)s AND made_at < now() - %(age)s::interval
        ORDER BY made_at LIMIT %(limit)s))
"""


_Row = tuple[Any, ...]
"""The values of the columns."""


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


async def insert(connection: Connection, results: Sequence[ImageResult]) -> None:
    """Writes the thumbnails of results, which have them once they are settled after this transaction.

    Those of the same bytes are replaced; jobs that are gone get none.
    """
    rows = await _rows(connection, results)
    if not rows:
        return
    try:
        async with connection.transaction():
            await _copy(connection, rows)
    except psycopg.errors.UniqueViolation:  # another try had the same photo
        await _replace(connection, rows)


async def replace(connection: Connection, results: Sequence[ImageResult]) -> None:
    """The same where most photos have thumbnails already."""
    if rows := await _rows(connection, results):
        await _replace(connection, rows)


async def _copy(connection: Connection, rows: Sequence[_Row]) -> None:
    async with connection.cursor().copy(_COPY) as copy:
        copy.set_types(list(_COLUMNS.values()))
        for row in rows:
            await copy.write_row(row)


async def _replace(connection: Connection, rows: Sequence[_Row]) -> None:
    await connection.execute(_REPLACE, [list(column) for column in zip(*rows, strict=True)])


async def _rows(connection: Connection, results: Sequence[ImageResult]) -> list[_Row]:
    """Rows of the thumbnails of results, in one order everywhere, as two tries may write the same ones."""
    found = [
        (result.job_id, result.image_no, bytes.fromhex(result.measurement.sha256 or ""), thumbnail)
        for result in results
        if result.measurement is not None
        for thumbnail in result.measurement.thumbnails
    ]
    if not found:
        return []
    cursor = await connection.execute(_LOCK_JOBS, [list({row[0] for row in found})])
    living = {job_id for (job_id,) in await cursor.fetchall()}
    rows = [
        (job_id, image_no, str(one.kind), one.width, one.height, sha256, one.jpeg)
        for job_id, image_no, sha256, one in found
        if job_id in living
    ]
    return sorted(rows, key=itemgetter(0, 1, 2, 5))


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
