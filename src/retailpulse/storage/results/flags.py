"""Flags of photos beside their results: listed by time, area, store and job, and counted in their jobs.

What the settle inserts is listed here; flags that come or go later move results, list and counts together.
Rows are locked as there: results in their order, then the job. Whoever changes several jobs in one
transaction takes them in the order of their ids.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import msgspec

from retailpulse.domain.flags import Flag
from retailpulse.storage.jobs import store_counts
from retailpulse.storage.postgres.database import Connection

# A row that was left from a fault is no reason to refuse a batch of results: the counts come of the results.
# OFFSET keeps the planner from joining whole tables. The table is locked before the stores are looked at, so
# that an import which moves a store is either seen here, or sees these rows.
_LIST = """
    WITH flagged AS MATERIALIZED (
        SELECT r.job_id, r.image_no, flag, r.settled_at, v.store_id, coalesce(s.area_code, '') AS area_code
        FROM results r CROSS JOIN LATERAL unnest(r.flags) flag
        CROSS JOIN LATERAL (
            SELECT visit_no FROM images WHERE job_id = r.job_id AND image_no = r.image_no OFFSET 0) i
        CROSS JOIN LATERAL (
            SELECT store_id FROM visits WHERE job_id = r.job_id AND visit_no = i.visit_no OFFSET 0) v
        LEFT JOIN LATERAL (SELECT area_code FROM stores WHERE store_id = v.store_id OFFSET 0) s ON true
        WHERE r.job_id = %(job_id)s AND r.image_no = ANY(%(image_nos)s) AND r.flags IS NOT NULL),
    listed AS (
        INSERT INTO flagged_photos (job_id, image_no, flag, settled_at, store_id, area_code)
        SELECT job_id, image_no, flag, settled_at, store_id, area_code FROM flagged
        ORDER BY image_no, flag
        ON CONFLICT DO NOTHING)
    SELECT image_no, flag FROM flagged
"""
# No import may wait for the list behind one who waits for a job that is locked here.
_OPEN_LIST = "LOCK TABLE flagged_photos IN ROW EXCLUSIVE MODE"
_LOCK = """
    SELECT image_no, coalesce(flags, '{}') FROM results
    WHERE job_id = %s AND image_no = ANY(%s) AND outcome = 'measured'
    ORDER BY image_no FOR NO KEY UPDATE
"""
_CHANGE = """
    UPDATE results r SET flags = nullif(changed.flags, '{}')
    FROM json_to_recordset(%(rows)s::json) AS changed (image_no int, flags text[])
    WHERE r.job_id = %(job_id)s AND r.image_no = changed.image_no
"""
_COUNT = """
    UPDATE jobs SET flagged = flagged + %(flagged)s, flags = add_counts(flags, %(flags)s::jsonb)
    WHERE job_id = %(job_id)s
"""
_TAKE_OFF = """
    DELETE FROM flagged_photos
    WHERE job_id = %s AND image_no = ANY(%s) AND flag = ANY(%s)
"""
_ORDER = {str(flag): place for place, flag in enumerate(Flag)}


@dataclass(kw_only=True, slots=True)
class FlagCounts:
    """How many photos are flagged at all, and how many by each flag; or how these numbers change."""

    flagged: int = 0
    by_flag: Counter[str] = field(default_factory=Counter)

    def by_flag_as_json(self) -> str:
        """The counts by flag, as the database takes them."""
        return msgspec.json.encode(self.by_flag).decode()


async def list_flagged(connection: Connection, job_id: UUID, image_nos: Sequence[int]) -> FlagCounts:
    """Lists the photos of a job that are flagged among these, and counts them; their results are new."""
    values = {"job_id": job_id, "image_nos": list(image_nos)}
    # Planned each time, as the settle: a plan from when the tables were small would read them whole.
    cursor = await connection.execute(_LIST, values, prepare=False)
    listed = await cursor.fetchall()
    return FlagCounts(
        flagged=len({image_no for image_no, _ in listed}), by_flag=Counter(flag for _, flag in listed)
    )


async def open_list(connection: Connection) -> None:
    """Has this transaction take part in the list before it locks a job, as every change of flags does."""
    await connection.execute(_OPEN_LIST)


async def change_flags(
    connection: Connection,
    job_id: UUID,
    image_nos: Sequence[int],
    *,
    add: Sequence[Flag] = (),
    drop: Sequence[Flag] = (),
) -> int:
    """Raises flags of measured photos of a job and takes others back, in the transaction of `connection`.

    Results, the list of flagged photos and the counts of the job move together; a photo that is not measured,
    or not there, is passed over. Returns how many photos changed. Of a flag in both, `drop` counts. What a
    callback has told at the end of the job stays as it was told.
    """
    await open_list(connection)
    cursor = await connection.execute(_LOCK, [job_id, list(image_nos)], prepare=False)
    counts = FlagCounts()
    rows = []
    stores: dict[int, store_counts.Change] = {}
    for image_no, before in await cursor.fetchall():
        after = sorted({*before, *map(str, add)} - {*map(str, drop)}, key=_place)
        if after != before:
            rows.append({"image_no": image_no, "flags": after})
            if change := bool(after) - bool(before):
                counts.flagged += change
                stores[image_no] = store_counts.Change(flagged=change)
            counts.by_flag.update(after)
            counts.by_flag.subtract(before)
    if not rows:
        return 0
    values = {"job_id": job_id, "rows": msgspec.json.encode(rows).decode()}
    await connection.execute(_CHANGE, values, prepare=False)
    values = {"job_id": job_id, "flagged": counts.flagged, "flags": counts.by_flag_as_json()}
    cursor = await connection.execute(_COUNT, values)
    if cursor.rowcount:  # else it was pruned in this moment, and its list may be deleted already
        await store_counts.move(connection, job_id, stores)
        changed = [row["image_no"] for row in rows]
        await connection.execute(_TAKE_OFF, [job_id, changed, list(map(str, drop))], prepare=False)
        await list_flagged(connection, job_id, changed)
    return len(rows)


def _place(flag: str) -> tuple[int, str]:
    """The order of flags: as they are declared, and behind these what a newer program has raised."""
    return _ORDER.get(flag, len(_ORDER)), flag
