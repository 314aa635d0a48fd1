"""Visits of known stores over time, page by page: a slow reader holds no connection."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from retailpulse.storage.postgres.database import Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitFilter:
    """Which visits are asked for: of areas, of stores, or both; from `start` up to before `end`.

    What is empty asks for nothing; of several areas or stores each will do.
    """

    area_codes: tuple[str, ...] = ()
    store_ids: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitCursor:
    """The position of a visit in the order of reading: by store, time, job and number.

    A visit without an instant comes after all others of its store.
    """

    store_id: str
    visited_at: datetime | None
    job_id: UUID
    visit_no: int


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitRow:
    """A visit with its store; `perimeter` sums its measured images, in pixels."""

    store_id: str
    area_code: str
    store_name: str
    visit_time: str
    visited_at: datetime | None
    job_id: UUID
    visit_no: int
    images: int
    measured: int
    failed: int
    cancelled: int
    perimeter: int

    @property
    def place(self) -> VisitCursor:
        """Its position in the order of reading."""
        return VisitCursor(
            store_id=self.store_id,
            visited_at=self.visited_at,
            job_id=self.job_id,
            visit_no=self.visit_no,
        )


FIRST = VisitCursor(store_id="", visited_at=None, job_id=UUID(int=0), visit_no=0)
_TIME = sql.SQL("coalesce(visited_at, 'infinity'::timestamptz)")
_AFTER_TIME = sql.SQL("coalesce(%(time)s::timestamptz, 'infinity'::timestamptz)")
# Jobs on their way out: NOT IN stays a filter by a small table that is read once, and keeps the order.
_VISIBLE = sql.SQL("store_known AND job_id NOT IN (SELECT job_id FROM pruned_jobs)")

# Store by store, each by one range of the index visits_store: the place and the start of the time range
# are one lower bound, because of two the index would use only the first and read past the other.
_OF_STORES = sql.SQL("""
    SELECT v.* FROM stores s CROSS JOIN LATERAL (
        SELECT *, {time} AS time FROM visits
        WHERE {visible} AND store_id = s.store_id
          AND ({time}, job_id, visit_no) > (
            CASE WHEN s.store_id = %(store_id)s THEN {after_time} ELSE %(start)s::timestamptz END,
            CASE WHEN s.store_id = %(store_id)s THEN %(job_id)s::uuid ELSE %(no_job)s::uuid END,
            CASE WHEN s.store_id = %(store_id)s THEN %(visit_no)s::int ELSE 0 END)
          {before_end}
        ORDER BY {time}, job_id, visit_no
        LIMIT %(limit)s) v
    WHERE s.store_id >= %(store_id)s {of_stores}
    ORDER BY s.store_id, v.time, v.job_id, v.visit_no
    LIMIT %(limit)s
""")

# Without a word about stores and times: along the same index, not through a master that may have millions
# of other stores.
_OF_ALL = sql.SQL("""
    SELECT *, {time} AS time FROM visits
    WHERE {visible}
      AND (store_id, {time}, job_id, visit_no) > (%(store_id)s, {after_time}, %(job_id)s, %(visit_no)s)
    ORDER BY store_id, {time}, job_id, visit_no
    LIMIT %(limit)s
""")

# Of a time alone, without a word about stores: few visits are read along the index visits_time and sorted; of
# more than so many each store is asked, up to the first that fill the page, as to sort a month for each page
# would read it again and again. Either way no visit of another time is read.
FEW_VISITS = 5_000
_OF_TIME = sql.SQL("""
    WITH in_time AS MATERIALIZED (
        SELECT *, {time} AS time FROM visits
        WHERE {visible} AND {time} >= %(start)s::timestamptz {before_end}
        ORDER BY {time}, job_id, visit_no
        LIMIT {few} + 1),
    counted AS MATERIALIZED (SELECT count(*) AS visits FROM in_time)
    (SELECT * FROM in_time
     WHERE (SELECT visits FROM counted) <= {few}
       AND (store_id, time, job_id, visit_no) > (%(store_id)s, {after_time}, %(job_id)s, %(visit_no)s)
     ORDER BY store_id, time, job_id, visit_no
     LIMIT %(limit)s)
    UNION ALL
    (SELECT * FROM ({of_stores}) of_stores WHERE (SELECT visits FROM counted) > {few})
""")

_PAGE = sql.SQL("""
    SELECT s.store_id, s.area_code, s.store_name, v.visit_time, v.visited_at, v.job_id, v.visit_no, v.images,
        r.measured, r.failed, r.cancelled, r.perimeter
    FROM ({visits}) v
    JOIN stores s USING (store_id)
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE outcome = 'measured') AS measured,
            count(*) FILTER (WHERE outcome = 'failed') AS failed,
            count(*) FILTER (WHERE outcome = 'cancelled') AS cancelled,
            coalesce(sum(perimeter), 0)::bigint AS perimeter
        FROM results
        WHERE job_id = v.job_id AND image_no BETWEEN v.first_image_no AND v.first_image_no + v.images - 1) r
    ORDER BY v.store_id, v.time, v.job_id, v.visit_no
""")
_BEFORE_END = sql.SQL("AND {time} < %(end)s::timestamptz").format(time=_TIME)
_IN_AREAS = sql.SQL(" AND s.area_code = ANY(%(area_codes)s)")
_IN_STORES = sql.SQL(" AND s.store_id = ANY(%(store_ids)s)")
_NOTHING = sql.SQL("")


async def read_visits(
    connection: Connection, wanted: VisitFilter, *, after: VisitCursor | None, limit: int
) -> list[VisitRow]:
    """The next visits after a place: stores by id, within a store the oldest first.

    A visit without an instant comes last, and only if no time is asked for.
    """
    place = after or FIRST
    cursor = connection.cursor(row_factory=class_row(VisitRow))
    await cursor.execute(statement_of(wanted), values_of(wanted, place, limit), prepare=False)
    return await cursor.fetchall()


def values_of(wanted: VisitFilter, place: VisitCursor, limit: int) -> dict[str, object]:
    """What the statement of a page is given."""
    return {
        "store_id": place.store_id,
        "time": place.visited_at,
        "job_id": place.job_id,
        "visit_no": place.visit_no,
        "no_job": FIRST.job_id,
        "area_codes": list(wanted.area_codes),
        "store_ids": list(wanted.store_ids),
        "start": wanted.start or "-infinity",
        "end": wanted.end or "infinity",  # a visit without an instant stands at infinity
        "limit": limit,
    }


def statement_of(wanted: VisitFilter) -> sql.Composed:
    """The statement of a page of visits."""
    of_stores = (_IN_AREAS if wanted.area_codes else _NOTHING) + (
        _IN_STORES if wanted.store_ids else _NOTHING
    )
    in_time = wanted.start is not None or wanted.end is not None
    parts = {
        "time": _TIME,
        "after_time": _AFTER_TIME,
        "visible": _VISIBLE,
        "before_end": _BEFORE_END if in_time else _NOTHING,
    }
    along_stores = _OF_STORES.format(of_stores=of_stores, **parts)
    if wanted.area_codes or wanted.store_ids:
        visits = along_stores
    elif in_time:
        visits = _OF_TIME.format(of_stores=along_stores, few=sql.Literal(FEW_VISITS), **parts)
    else:
        visits = _OF_ALL.format(**parts)
    return _PAGE.format(visits=visits)
