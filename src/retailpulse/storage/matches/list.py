"""Matches as they are read: newest first, page by page; none that names a photo of a deleted job.

Weak: a filter by area reads along all matches, the newest first.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from retailpulse.domain.matches import MatchKind, Relation
from retailpulse.storage.postgres.database import Connection

MatchPlace = tuple[datetime, UUID, int]
"""The position of a match in the list: when its later photo was settled, and which one that is."""

_PHOTO = sql.SQL("""
    CROSS JOIN LATERAL (
        SELECT image_url, visit_no FROM images
        WHERE job_id = {job_id} AND image_no = {image_no} OFFSET 0) {image}
    CROSS JOIN LATERAL (
        SELECT store_id, visit_time FROM visits
        WHERE job_id = {job_id} AND visit_no = {image}.visit_no OFFSET 0) {visit}
    CROSS JOIN LATERAL (
        SELECT settled_at FROM results
        WHERE job_id = {job_id} AND image_no = {image_no} OFFSET 0) {result}
""")
_PAGE = sql.SQL("""
    SELECT m.job_id, m.image_no, later_visit.store_id, later_visit.visit_time, later_image.image_url,
        m.settled_at, m.earlier_job_id, m.earlier_image_no, earlier_visit.store_id AS earlier_store_id,
        earlier_visit.visit_time AS earlier_visit_time, earlier_image.image_url AS earlier_image_url,
        earlier_result.settled_at AS earlier_settled_at, m.kind, m.relation, m.distance::int,
        s.area_code AS area
    FROM (
        SELECT * FROM photo_matches m
        WHERE EXISTS (SELECT FROM jobs j WHERE j.job_id = m.job_id OFFSET 0)
          AND EXISTS (SELECT FROM jobs j WHERE j.job_id = m.earlier_job_id OFFSET 0)
          {conditions}
        ORDER BY settled_at DESC, job_id DESC, image_no DESC LIMIT %(limit)s) m
    {later} {earlier}
    LEFT JOIN LATERAL (SELECT area_code FROM stores WHERE store_id = m.store_id OFFSET 0) s ON true
    ORDER BY m.settled_at DESC, m.job_id DESC, m.image_no DESC
""")
_CONDITIONS = {
    "kinds": sql.SQL("m.kind = ANY(%(kinds)s)"),
    "relations": sql.SQL("m.relation = ANY(%(relations)s)"),
    "job_ids": sql.SQL("m.job_id = ANY(%(job_ids)s)"),
    "image_nos": sql.SQL("m.image_no = ANY(%(image_nos)s)"),
    "store_ids": sql.SQL("m.store_id = ANY(%(store_ids)s)"),
    "areas": sql.SQL("m.store_id IN (SELECT store_id FROM stores WHERE area_code = ANY(%(areas)s))"),
    "start": sql.SQL("m.settled_at >= %(start)s"),
    "end": sql.SQL("m.settled_at < %(end)s"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class MatchFilter:
    """Which matches are asked for, by their later photos; what is empty asks for nothing.

    Of several values each will do. Settled from `start` up to before `end`.
    """

    kinds: tuple[MatchKind, ...] = ()
    relations: tuple[Relation, ...] = ()
    job_ids: tuple[UUID, ...] = ()
    image_nos: tuple[int, ...] = ()
    store_ids: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MatchRow:
    """A match with what is to be said of both photos."""

    job_id: UUID
    image_no: int
    store_id: str
    visit_time: str
    image_url: str
    settled_at: datetime
    earlier_job_id: UUID
    earlier_image_no: int
    earlier_store_id: str
    earlier_visit_time: str
    earlier_image_url: str
    earlier_settled_at: datetime
    kind: str
    relation: str
    distance: int
    area: str | None

    @property
    def place(self) -> MatchPlace:
        """Its position in the list."""
        return self.settled_at, self.job_id, self.image_no


def _photo(name: str, prefix: str = "") -> sql.Composed:
    """What is to be said of one photo of a match."""
    return _PHOTO.format(
        job_id=sql.Identifier("m", f"{prefix}job_id"),
        image_no=sql.Identifier("m", f"{prefix}image_no"),
        image=sql.Identifier(f"{name}_image"),
        visit=sql.Identifier(f"{name}_visit"),
        result=sql.Identifier(f"{name}_result"),
    )


async def read_matches(
    connection: Connection, wanted: MatchFilter, *, after: MatchPlace | None, limit: int
) -> list[MatchRow]:
    """The next matches after a place, the newest first."""
    values: dict[str, object] = {"limit": limit}
    conditions: list[sql.Composable] = []
    for name, condition in _CONDITIONS.items():
        value = getattr(wanted, name)
        if value not in {None, ()}:
            conditions.append(condition)
            values[name] = list(value) if isinstance(value, tuple) else value
    if after is not None:
        conditions.append(
            sql.SQL("(m.settled_at, m.job_id, m.image_no) < (%(after_time)s, %(after_id)s, %(after_no)s)")
        )
        values |= {"after_time": after[0], "after_id": after[1], "after_no": after[2]}
    joined = sql.SQL("").join(sql.SQL(" AND ") + condition for condition in conditions)
    cursor = connection.cursor(row_factory=class_row(MatchRow))
    # Planned each time: what is rare decides how it is best looked for.
    statement = _PAGE.format(
        conditions=joined, later=_photo("later"), earlier=_photo("earlier", prefix="earlier_")
    )
    await cursor.execute(statement, values, prepare=False)
    return await cursor.fetchall()
