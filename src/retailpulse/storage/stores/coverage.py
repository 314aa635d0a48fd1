"""Coverage of areas by week: how many of their stores were visited in each of the last weeks.

Stores are looked up one by one along the index of their visits, each week by its first visit alone: the cost
follows the stores and weeks that are asked for, not the visits. Weak: an area with more stores than
`MOST_STORES` is counted by these alone, and says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.postgres.planner_hints import looked_up

MOST_STORES = 1_000
"""How many stores one statement looks at, those of all areas of a page together."""

# An area is taken whole while there is room for it. Only the index visits_store begins with the store, and
# OFFSET keeps the planner from joining all visits.
_AREAS = """
    WITH read AS MATERIALIZED (
        SELECT area_code, store_id, row_number() OVER (ORDER BY area_code, store_id) AS place
        FROM (
            SELECT area_code, store_id FROM stores
            WHERE area_code {begin} %(after)s ORDER BY area_code, store_id LIMIT %(most)s + 1) first),
    area AS MATERIALIZED (
        SELECT area_code, count(*) AS stores, max(place) > %(most)s AS is_cut, min(place) AS place
        FROM read GROUP BY area_code),
    shown AS MATERIALIZED (
        SELECT * FROM area WHERE NOT is_cut OR place = 1 ORDER BY area_code LIMIT %(limit)s)
    SELECT shown.area_code, shown.stores::int, shown.is_cut, (
            SELECT array_agg(visited::int ORDER BY begins_at) FROM (
                SELECT begins_at, (
                    SELECT count(*) FROM read s WHERE s.area_code = shown.area_code AND EXISTS (
                        SELECT FROM visits v
                        WHERE v.store_known
                            AND (v.store_id, coalesce(v.visited_at, 'infinity'::timestamptz))
                                >= (s.store_id, begins_at)
                            AND (v.store_id, coalesce(v.visited_at, 'infinity'::timestamptz))
                                < (s.store_id, begins_at + interval '7 days')
                            AND v.job_id NOT IN (SELECT job_id FROM pruned_jobs)
                        OFFSET 0)) AS visited
                FROM unnest(%(weeks)s::timestamptz[]) begins_at) week) AS visited,
        EXISTS (SELECT FROM area WHERE area_code > (SELECT max(area_code) FROM shown)) AS are_more
    FROM shown ORDER BY shown.area_code
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class AreaCoverage:
    """An area: its stores, and how many of them were visited in each week that was asked for.

    `is_cut`: it has more stores than these, which are the first of them. `are_more`: other areas follow
    those that were read.
    """

    area_code: str
    stores: int
    is_cut: bool
    visited: list[int]
    are_more: bool


async def read_coverage(
    connection: Connection, weeks: Sequence[datetime], *, after: str, limit: int
) -> list[AreaCoverage]:
    """Areas after a code, with their coverage in the weeks that begin at these times."""
    return await _read(connection, ">", weeks, after, limit)


async def read_coverage_of(
    connection: Connection, weeks: Sequence[datetime], area_code: str
) -> AreaCoverage | None:
    """The coverage of one area, None if no store is in it."""
    found = await _read(connection, "=", weeks, area_code, 1)
    return found[0] if found else None


async def _read(
    connection: Connection, begin: str, weeks: Sequence[datetime], after: str, limit: int
) -> list[AreaCoverage]:
    values = {"weeks": list(weeks), "after": after, "limit": limit, "most": MOST_STORES}
    cursor = connection.cursor(row_factory=class_row(AreaCoverage))
    async with looked_up(connection):
        await cursor.execute(_AREAS.replace("{begin}", begin).encode(), values, prepare=False)
        return await cursor.fetchall()
