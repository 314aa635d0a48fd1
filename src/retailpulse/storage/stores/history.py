"""The visits of one store, the newest first, each with how its images ended, their flags and the first ones.

A page is a range of the index of visits; the results of each visit are looked up by their keys.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.postgres.planner_hints import looked_up


class VisitPhoto(msgspec.Struct, frozen=True, kw_only=True):
    """An image of a visit; `outcome` is None while it has no result, `size` None if it has none."""

    image_no: int
    outcome: str | None = None
    cause: str | None = None
    flags: list[str] = []
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitPlace:
    """The position of a visit among those of its store; a visit without an instant stands at infinity."""

    at: str
    job_id: UUID
    visit_no: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreVisit:
    """A visit of a store; `at` is its instant as text, `infinity` without one."""

    at: str
    job_id: UUID
    visit_no: int
    visit_time: str
    visited_at: datetime | None
    images: int
    measured: int
    failed: int
    rejected: int
    flags: Mapping[str, int]
    photos: Sequence[VisitPhoto]
    has_pictures: bool

    @property
    def place(self) -> VisitPlace:
        """Its position in the order of reading."""
        return VisitPlace(at=self.at, job_id=self.job_id, visit_no=self.visit_no)


MOST_COUNTED = 500
"""How many images of a visit are counted; its first photos are shown."""

# Jobs on their way out: NOT IN stays a filter by a small table that is read once, and keeps the order.
_PAGE = """
    SELECT v.at::text, v.job_id, v.visit_no, v.visit_time, v.visited_at, v.images,
        r.measured, r.failed, r.rejected, r.flags, r.photos,
        (SELECT depth = 'decode' FROM jobs WHERE job_id = v.job_id) IS TRUE AS has_pictures
    FROM (  -- one range of visits_store, which alone begins with the store
        SELECT *, coalesce(visited_at, 'infinity'::timestamptz) AS at FROM visits
        WHERE store_known AND (store_id, coalesce(visited_at, 'infinity'::timestamptz), job_id, visit_no)
                < (%(store_id)s, %(at)s::timestamptz, %(job_id)s::uuid, %(visit_no)s::int)
            AND (store_id, coalesce(visited_at, 'infinity'::timestamptz))
                >= (%(store_id)s, %(start)s::timestamptz)
            AND job_id NOT IN (SELECT job_id FROM pruned_jobs)
        ORDER BY store_id DESC, coalesce(visited_at, 'infinity'::timestamptz) DESC, job_id DESC, visit_no DESC
        LIMIT %(limit)s) v
    CROSS JOIN LATERAL (
        WITH seen AS MATERIALIZED (
            SELECT no AS image_no, x.outcome, x.cause, coalesce(x.flags, '{}') AS flags, x.review,
                coalesce(x.displayed_width, x.width) AS width,
                coalesce(x.displayed_height, x.height) AS height
            FROM generate_series(v.first_image_no,
                v.first_image_no + least(v.images, %(most)s) - 1) no
            LEFT JOIN LATERAL (
                SELECT * FROM results WHERE job_id = v.job_id AND image_no = no OFFSET 0) x ON true)
        SELECT count(*) FILTER (WHERE outcome = 'measured') AS measured,
            count(*) FILTER (WHERE outcome = 'failed') AS failed,
            count(*) FILTER (WHERE review = 'rejected') AS rejected,
            (SELECT coalesce(jsonb_object_agg(flag, photos), '{}') FROM (
                SELECT flag, count(*) AS photos FROM seen CROSS JOIN unnest(flags) flag
                GROUP BY flag) counted) AS flags,
            (SELECT coalesce(json_agg(p), '[]') FROM (
                SELECT image_no, outcome, cause, flags, width, height FROM seen
                ORDER BY image_no LIMIT %(photos)s) p) AS photos
        FROM seen) r
    ORDER BY v.at DESC, v.job_id DESC, v.visit_no DESC
"""
_LAST = {"at": "infinity", "job_id": UUID(int=2**128 - 1), "visit_no": 2**31 - 1}


async def read_history(
    connection: Connection,
    store_id: str,
    *,
    start: datetime | None,
    after: VisitPlace | None,
    limit: int,
    photos: int,
) -> list[StoreVisit]:
    """The next visits of a store after a place, not before `start`, each with its first photos."""
    place = _LAST if after is None else {"at": after.at, "job_id": after.job_id, "visit_no": after.visit_no}
    given = {"store_id": store_id, "start": start or "-infinity", "limit": limit, "photos": photos}
    async with looked_up(connection):
        cursor = await connection.execute(_PAGE, given | place | {"most": MOST_COUNTED}, prepare=False)
        return [_visit(*row) for row in await cursor.fetchall()]


def _visit(at: str, job_id: UUID, visit_no: int, *rest: Any) -> StoreVisit:
    visit_time, visited_at, images, measured, failed, rejected, flags, photos, has_pictures = rest
    return StoreVisit(
        at=at,
        job_id=job_id,
        visit_no=visit_no,
        visit_time=visit_time,
        visited_at=visited_at,
        images=images,
        measured=measured,
        failed=failed,
        rejected=rejected,
        flags=flags,
        photos=msgspec.convert(photos, list[VisitPhoto]),
        has_pictures=has_pictures,
    )
