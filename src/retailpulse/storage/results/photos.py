"""Flagged photos of all jobs, the newest first, page by page.

A page is found in the list of flagged photos: for each flag, and each store, job or area that is asked for,
by one range of an index from where the page begins. Only the photos of the page are looked up beyond that.
Weak: a store or a job that is asked for with another filter beside it is read through for that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import sql

from retailpulse.domain.flags import Flag
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.postgres.planner_hints import read_along_index
from retailpulse.storage.results.pages import GIVEN, PAGE_BYTES, READ

# A photo with several of the flags is found by each, and is one of the page. NOT IN stays a filter by a small
# table that is read once; OFFSET keeps the planner from joining whole tables.
_PAGE = sql.SQL("""
    WITH found AS MATERIALIZED (
        SELECT DISTINCT settled_at, job_id, image_no
        FROM unnest(%(flags)s::text[]) AS of_flag (flag) {keys} CROSS JOIN LATERAL (
            SELECT settled_at, job_id, image_no FROM flagged_photos p
            WHERE p.flag = of_flag.flag {wanted}
                AND p.settled_at >= %(start)s
                AND (p.settled_at, p.job_id, p.image_no) < (%(time)s, %(job_id)s, %(image_no)s)
                AND p.job_id NOT IN (SELECT job_id FROM pruned_jobs)
            ORDER BY p.settled_at DESC, p.job_id DESC, p.image_no DESC LIMIT %(limit)s) photo
        ORDER BY settled_at DESC, job_id DESC, image_no DESC LIMIT %(limit)s)
    SELECT settled_at, job_id, image_no, photo::text, (SELECT count(*) FROM found)
    FROM (
        SELECT seen.settled_at, seen.job_id, seen.image_no, row_to_json(row) AS photo,
            row_number() OVER newest AS place, sum(octet_length(row_to_json(row)::text)) OVER newest AS bytes
        FROM found seen CROSS JOIN LATERAL (
            SELECT seen.job_id, {given} FROM (SELECT {read}
            FROM (SELECT * FROM images WHERE job_id = seen.job_id AND image_no = seen.image_no OFFSET 0) i
            CROSS JOIN LATERAL (
                SELECT * FROM results WHERE job_id = seen.job_id AND image_no = seen.image_no OFFSET 0) r
            CROSS JOIN LATERAL (
                SELECT * FROM visits WHERE job_id = seen.job_id AND visit_no = i.visit_no OFFSET 0) v
            LEFT JOIN LATERAL (SELECT * FROM stores WHERE store_id = v.store_id OFFSET 0) s ON true
            LEFT JOIN LATERAL (
                SELECT decided_by, decided_at, reason FROM reviews
                WHERE job_id = seen.job_id AND image_no = seen.image_no AND r.review IS NOT NULL OFFSET 0
            ) w ON true) told) row
        WINDOW newest AS (ORDER BY seen.settled_at DESC, seen.job_id DESC, seen.image_no DESC)) page
    WHERE place = 1 OR place < %(limit)s AND bytes <= %(page_bytes)s
    ORDER BY place
""")
_BY = {
    "store_id": sql.SQL("%(store_ids)s::text[]"),
    "job_id": sql.SQL("%(job_ids)s::uuid[]"),
    "area_code": sql.SQL("%(area_codes)s::text[]"),
}
"""The columns that photos are found by, the narrowest first, and what is asked of each."""
_KEYS = sql.SQL("CROSS JOIN unnest({given}) AS of_key (key)")
_IS_KEY = sql.SQL("AND p.{column} = of_key.key ")
_IS_ANY = sql.SQL("AND p.{column} = ANY({given}) ")

# For each flag one range of an index, no further than asked for.
_COUNTS = """
    SELECT asked.flag, (
        SELECT count(*) FROM (
            SELECT FROM flagged_photos p WHERE p.flag = asked.flag AND p.settled_at >= %(since)s
            ORDER BY p.flag, p.settled_at LIMIT %(most)s) counted)
    FROM unnest(%(flags)s::text[]) AS asked (flag)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotoFilter:
    """Which photos are asked for: with any of these flags, or any flag at all if there is none.

    What else is empty asks for nothing; of several values each will do. Settled from `start` up to before
    `end`.
    """

    flags: tuple[Flag, ...] = ()
    area_codes: tuple[str, ...] = ()
    store_ids: tuple[str, ...] = ()
    job_ids: tuple[UUID, ...] = ()
    start: datetime | None = None
    end: datetime | None = None


class PhotoPlace(msgspec.Struct, frozen=True, kw_only=True):
    """The position of a photo in the order of reading: by the time of its result, its job, its number."""

    settled_at: datetime
    job_id: UUID
    image_no: int


async def read_photos(
    connection: Connection, wanted: PhotoFilter, *, after: PhotoPlace | None, limit: int
) -> tuple[list[bytes], PhotoPlace | None]:
    """The next photos after a place, at most `limit`, and the place to go on after, if there are more.

    Each is the JSON of a `FlaggedPhoto`, which PostgreSQL writes. A page with very long texts ends before
    `limit`, so that it fits in memory.
    """
    statement, values = _statement(wanted, after, limit)
    async with read_along_index(connection):
        # Planned each time: what is asked for decides by which index it is found.
        cursor = await connection.execute(statement, values, prepare=False)
        rows: Sequence[tuple[Any, ...]] = await cursor.fetchall()
    photos = [photo.encode() for *_, photo, _ in rows]
    if not rows:
        return photos, None
    settled_at, job_id, image_no, _, found = rows[-1]
    if found == len(rows):
        return photos, None
    return photos, PhotoPlace(settled_at=settled_at, job_id=job_id, image_no=image_no)


def _statement(
    wanted: PhotoFilter, after: PhotoPlace | None, limit: int
) -> tuple[sql.Composed, dict[str, object]]:
    """The statement that finds a page, and its parameters."""
    begin = after or PhotoPlace(
        settled_at=wanted.end or datetime.max.replace(tzinfo=UTC), job_id=UUID(int=0), image_no=0
    )
    given: dict[str, Sequence[object]] = {
        "store_id": wanted.store_ids,
        "job_id": wanted.job_ids,
        "area_code": wanted.area_codes,
    }
    asked = [column for column in _BY if given[column]]
    conditions = [
        (_IS_ANY if place else _IS_KEY).format(column=sql.Identifier(column), given=_BY[column])
        for place, column in enumerate(asked)
    ]
    statement = _PAGE.format(
        keys=_KEYS.format(given=_BY[asked[0]]) if asked else sql.SQL(""),
        wanted=sql.SQL("").join(conditions),
        read=READ,
        given=GIVEN,
    )
    return statement, {
        **{f"{column}s": list(dict.fromkeys(values)) for column, values in given.items()},
        "flags": [str(flag) for flag in dict.fromkeys(wanted.flags or Flag)],
        "start": wanted.start or "-infinity",
        "time": begin.settled_at,
        "job_id": begin.job_id,
        "image_no": begin.image_no,
        "limit": limit + 1,  # one more tells whether there are more
        "page_bytes": PAGE_BYTES,
    }


async def count_since(connection: Connection, since: datetime, *, most: int) -> dict[str, int]:
    """How many photos were flagged since a time, by flag; counted no further than one beyond `most`."""
    values = {"flags": list(map(str, Flag)), "since": since, "most": most + 1}
    async with read_along_index(connection):
        cursor = await connection.execute(_COUNTS, values, prepare=False)
        return {str(flag): int(count) for flag, count in await cursor.fetchall()}
