"""What the visit of an image says of its photo: how far its time and place are from the visit and the store.

It is read and judged where results are settled, for photos alone whose EXIF data tell a time or a place.
Weak: a store master that is loaded later changes nothing of results that are there.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from psycopg import sql

from retailpulse.config.settings import MeasureSettings
from retailpulse.domain.coordinates import Coordinates, meters_between
from retailpulse.domain.flags import Flag
from retailpulse.domain.visit_hours import hours_from_instant, hours_from_visit
from retailpulse.schema import ImageFacts, ImageResult
from retailpulse.storage.postgres.database import Connection

READ_VISITS = sql.SQL("""
    SELECT photo.place, photo.image_no, left(v.visit_time, 100), v.visited_at,
        CASE WHEN v.visited_at IS NULL
            THEN (SELECT submitted_at FROM jobs j WHERE j.job_id = photo.job_id) END,
        s.latitude, s.longitude
    FROM ({photos}) photo
    CROSS JOIN LATERAL (
        SELECT visit_time, visited_at, store_id FROM visits
        WHERE job_id = photo.job_id AND visit_no = photo.visit_no OFFSET 0) v
    LEFT JOIN LATERAL (
        SELECT latitude, longitude FROM stores WHERE store_id = v.store_id OFFSET 0) s ON true
""")
"""The visits of photos by job and visit; `place` is what the asker knows a photo, or several, by."""
# Jobs are told once, and images by their place among those asked for: an id costs as much as all else. And a
# visit is read once for all its images, most of which are settled together.
_READ = READ_VISITS.format(
    photos=sql.SQL("""
        SELECT array_agg(a.place::int) AS place, min(a.image_no) AS image_no, a.job_id, i.visit_no
        FROM (
            SELECT place, image_no, (%(jobs)s::uuid[])[job_place] AS job_id
            FROM unnest(%(job_places)s::int[], %(images)s::int[])
                WITH ORDINALITY AS given (job_place, image_no, place)) a
        CROSS JOIN LATERAL (
            SELECT visit_no FROM images WHERE job_id = a.job_id AND image_no = a.image_no OFFSET 0) i
        GROUP BY a.job_id, i.visit_no""")
)


class VisitRow(NamedTuple):
    """A visit of photos, and its store; `submitted_at` is told if the visit has no time."""

    place: Any
    image_no: int
    visit_time: str
    visited_at: datetime | None
    submitted_at: datetime | None
    latitude: float | None
    longitude: float | None


class VisitChecks(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The numbers of an image by its visit, and all its flags."""

    flags: list[str]
    hours_from_visit: float | None
    store_distance_m: int | None


def has_time_or_place(result: ImageResult) -> bool:
    """Whether a result is of a photo whose time or place can be held against its visit."""
    facts = result.measurement
    return facts is not None and (facts.taken_at is not None or facts.latitude is not None)


async def read_checks(
    connection: Connection, results: Sequence[ImageResult], thresholds: MeasureSettings
) -> dict[int, VisitChecks]:
    """The checks of results by their place in the list; without such photos nothing is read."""
    asked = [at for at, result in enumerate(results) if has_time_or_place(result)]
    if not asked:
        return {}
    jobs: dict[UUID, int] = {}
    values = {
        "job_places": [jobs.setdefault(results[at].job_id, len(jobs) + 1) for at in asked],
        "images": [results[at].image_no for at in asked],
        "jobs": list(jobs),
    }
    # Planned each time: a plan from when the tables were small would read them whole.
    cursor = await connection.cursor(binary=True).execute(_READ, values, prepare=False)
    checks = {}
    for row in map(VisitRow._make, await cursor.fetchall()):
        for place in row.place:
            at = asked[place - 1]
            if (facts := results[at].measurement) is not None:
                checks[at] = checks_of(facts, row, thresholds)
    return checks


def checks_of(facts: ImageFacts, row: VisitRow, thresholds: MeasureSettings) -> VisitChecks:
    """What a visit says of a photo; `facts` have the flags of the picture."""
    hours = age_hours = None
    if facts.taken_at is not None:
        if row.visited_at is not None:
            hours = age_hours = hours_from_visit(facts.taken_at, row.visit_time, row.visited_at)
        elif row.submitted_at is not None:
            age_hours = hours_from_instant(facts.taken_at, row.submitted_at)
    meters = _store_distance(facts, row)
    flags = _flags(hours, age_hours, meters, thresholds)
    return VisitChecks(flags=[*facts.flags, *flags], hours_from_visit=hours, store_distance_m=meters)


def _store_distance(facts: ImageFacts, row: VisitRow) -> int | None:
    if facts.latitude is None or facts.longitude is None or row.latitude is None or row.longitude is None:
        return None
    photo, store = Coordinates(facts.latitude, facts.longitude), Coordinates(row.latitude, row.longitude)
    return round(meters_between(photo, store))


def _flags(
    hours: float | None, age_hours: float | None, meters: int | None, thresholds: MeasureSettings
) -> Iterator[Flag]:
    """The flags, in their order; a number that is not known raises none."""
    if hours is not None and abs(hours) > thresholds.time_mismatch_hours > 0:
        yield Flag.TIME_MISMATCH
    if meters is not None and meters > thresholds.far_from_store_meters > 0:
        yield Flag.FAR_FROM_STORE
    if age_hours is not None and -age_hours > thresholds.stale_days * 24 > 0:
        yield Flag.STALE
