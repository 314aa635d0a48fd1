"""Visits of known stores over time, page by page: a slow reader holds no connection."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from retailpulse.storage.database import Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitFilter:
    """Which visits are asked for: by area, by store, or both; from `start` up to before `end`."""

    area_code: str | None
    store_id: str | None
    start: datetime | None
    end: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitRow:
    """A visit with its store; `perimeter` sums its measured images, in pixels."""

    store_id: str
    area_code: str
    store_name: str
    visit_time: str
    date: date | None
    perimeter: int
    place: "Place"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a visit stands in the order of reading: by store, time, job and number."""

    store_id: str
    time: str
    job_id: UUID
    visit_no: int


_FIRST = Place(store_id="", time="-infinity", job_id=UUID(int=0), visit_no=0)

# Store by store, each by one range of the index visits_store: the place and the start of the time range
# are one lower bound, because of two the index would use only the first and read past the other.
# Jobs on their way out: NOT IN stays a filter by a small table that is read once, and keeps the order.
_PAGE = """
    SELECT s.store_id, s.area_code, s.store_name, v.visit_time, (v.visited_at AT TIME ZONE 'UTC')::date,
        (SELECT coalesce(sum(r.perimeter), 0)::bigint FROM results r
         WHERE r.job_id = v.job_id
           AND r.image_no BETWEEN v.first_image_no AND v.first_image_no + v.images - 1),
        v.time::text, v.job_id, v.visit_no
    FROM stores s CROSS JOIN LATERAL (
        SELECT *, coalesce(visited_at, 'infinity'::timestamptz) AS time
        FROM visits
        WHERE store_known AND store_id = s.store_id AND job_id NOT IN (SELECT job_id FROM pruned_jobs)
          AND (coalesce(visited_at, 'infinity'::timestamptz), job_id, visit_no) > (
            CASE WHEN s.store_id = %(store_id)s THEN %(time)s::timestamptz ELSE %(start)s::timestamptz END,
            CASE WHEN s.store_id = %(store_id)s THEN %(job_id)s::uuid ELSE %(no_job)s::uuid END,
            CASE WHEN s.store_id = %(store_id)s THEN %(visit_no)s::int ELSE 0 END)
          {before_end}
        ORDER BY coalesce(visited_at, 'infinity'::timestamptz), job_id, visit_no
        LIMIT %(limit)s) v
    WHERE s.store_id >= %(store_id)s {of_stores}
    ORDER BY s.store_id, v.time, v.job_id, v.visit_no
    LIMIT %(limit)s
"""
_BEFORE_END = "AND coalesce(visited_at, 'infinity'::timestamptz) < %(end)s::timestamptz"


async def read_visits(
    connection: Connection, wanted: VisitFilter, *, after: Place | None, limit: int
) -> list[VisitRow]:
    """The next visits after a place: stores by id, within a store the oldest first.

    A visit without an instant comes last, and only where no time is asked for.
    """
    after = after or _FIRST
    in_time = wanted.start is not None or wanted.end is not None
    given = {
        "s.area_code = %(area_code)s": wanted.area_code,
        "s.store_id = %(wanted_id)s": wanted.store_id,
    }
    query = _PAGE.format(
        before_end=_BEFORE_END if in_time else "",
        of_stores="".join(f" AND {text}" for text, value in given.items() if value is not None),
    )
    cursor = await connection.execute(
        query.encode(),
        {
            "store_id": after.store_id,
            "time": after.time,
            "job_id": after.job_id,
            "visit_no": after.visit_no,
            "no_job": _FIRST.job_id,
            "area_code": wanted.area_code,
            "wanted_id": wanted.store_id,
            "start": wanted.start or "-infinity",
            "end": wanted.end or "infinity",  # a visit without an instant stands at infinity
            "limit": limit,
        },
    )
    return [_visit(*row) for row in await cursor.fetchall()]


def _visit(
    store_id: str,
    area_code: str,
    store_name: str,
    visit_time: str,
    day: date | None,
    perimeter: int,
    time: str,
    job_id: UUID,
    visit_no: int,
) -> VisitRow:
    return VisitRow(
        store_id=store_id,
        area_code=area_code,
        store_name=store_name,
        visit_time=visit_time,
        date=day,
        perimeter=perimeter,
        place=Place(store_id=store_id, time=time, job_id=job_id, visit_no=visit_no),
    )
