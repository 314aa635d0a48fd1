"""The matches of one photo: the earlier photo that it is most like, beside other statements; and with which.

Each is looked up by its key.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from retailpulse.storage.postgres.database import Connection

Key = tuple[UUID, int]

MOST_NAMED = 5
"""How many later photos are named at most."""

# As lists of matches, none whose earlier photo is of a job that is gone.
_EARLIER = sql.SQL("""(
    SELECT json_build_object('job_id', m.earlier_job_id, 'image_no', m.earlier_image_no,
        'store_id', v.store_id, 'visit_time', v.visit_time, 'kind', m.kind, 'relation', m.relation,
        'distance', m.distance)
    FROM (SELECT * FROM photo_matches WHERE job_id = {job_id} AND image_no = {image_no} OFFSET 0) m
    CROSS JOIN LATERAL (SELECT FROM jobs WHERE job_id = m.earlier_job_id OFFSET 0) j
    CROSS JOIN LATERAL (
        SELECT visit_no FROM images
        WHERE job_id = m.earlier_job_id AND image_no = m.earlier_image_no OFFSET 0) i
    CROSS JOIN LATERAL (
        SELECT store_id, visit_time FROM visits
        WHERE job_id = m.earlier_job_id AND visit_no = i.visit_no OFFSET 0) v)""")

_ARE_MATCHED = """
    SELECT FROM photo_matches
    WHERE (job_id, image_no, earlier_job_id, earlier_image_no) = (%(job_id)s, %(image_no)s, %(other)s, %(no)s)
       OR (job_id, image_no, earlier_job_id, earlier_image_no) = (%(other)s, %(no)s, %(job_id)s, %(image_no)s)
"""
_EARLIER_KEY = (
    "SELECT earlier_job_id, earlier_image_no FROM photo_matches WHERE job_id = %s AND image_no = %s"
)
# As lists of matches, none whose photo is of a job that is gone.
_LATER = """
    SELECT m.job_id, m.image_no, m.kind, m.relation, v.store_id, v.visit_time
    FROM (
        SELECT * FROM photo_matches WHERE earlier_job_id = %(job_id)s AND earlier_image_no = %(image_no)s
        ORDER BY job_id, image_no LIMIT %(limit)s) m
    CROSS JOIN LATERAL (SELECT FROM jobs WHERE job_id = m.job_id OFFSET 0) j
    CROSS JOIN LATERAL (
        SELECT visit_no FROM images WHERE job_id = m.job_id AND image_no = m.image_no OFFSET 0) i
    CROSS JOIN LATERAL (
        SELECT store_id, visit_time FROM visits
        WHERE job_id = m.job_id AND visit_no = i.visit_no OFFSET 0) v
    ORDER BY m.job_id, m.image_no
"""
_LATER_KEYS = """
    SELECT job_id, image_no FROM photo_matches
    WHERE earlier_job_id = %s AND earlier_image_no = %s ORDER BY job_id, image_no LIMIT %s
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class LaterPhoto:
    """A later photo that is most like a photo: what it is of it, and of which visit."""

    job_id: UUID
    image_no: int
    kind: str
    relation: str
    store_id: str
    visit_time: str


def earlier_photo(photos: str) -> sql.Composable:
    """An expression: what is to be said of the match of each of these photos, as JSON; null without one."""
    return _EARLIER.format(
        job_id=sql.Identifier(photos, "job_id"), image_no=sql.Identifier(photos, "image_no")
    )


async def are_matched(connection: Connection, photo: Key, other: Key) -> bool:
    """Whether one of two photos is matched with the other."""
    values: dict[str, Any] = {"job_id": photo[0], "image_no": photo[1], "other": other[0], "no": other[1]}
    cursor = await connection.execute(_ARE_MATCHED, values)
    return await cursor.fetchone() is not None


async def read_earlier(connection: Connection, photo: Key) -> Key | None:
    """The earlier photo that a photo is most like, if it is like one."""
    cursor = await connection.execute(_EARLIER_KEY, photo)
    found = await cursor.fetchone()
    return None if found is None else (found[0], found[1])


async def read_later(connection: Connection, photo: Key) -> list[Key]:
    """Some of the later photos that are most like a photo."""
    cursor = await connection.execute(_LATER_KEYS, [*photo, MOST_NAMED])
    return [(job_id, image_no) for job_id, image_no in await cursor.fetchall()]


async def list_later(connection: Connection, photo: Key, *, limit: int) -> list[LaterPhoto]:
    """The first later photos that are most like a photo."""
    cursor = connection.cursor(row_factory=class_row(LaterPhoto))
    await cursor.execute(_LATER, {"job_id": photo[0], "image_no": photo[1], "limit": limit}, prepare=False)
    return await cursor.fetchall()
