"""The results of copies: images that share the URL of an earlier one of their job get its result.

What depends on the visit of an image, they have of their own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import msgspec
from psycopg import sql

from retailpulse.config.settings import MeasureSettings
from retailpulse.schema import ImageFacts
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.results import columns
from retailpulse.storage.results.visit_checks import READ_VISITS, VisitChecks, VisitRow, checks_of

COPIES_AT_ONCE = 5_000
"""How many copies are in memory at once if they are held against their visits."""

# OFFSET keeps the planner from joining with the copies of all images: those of each are looked up by index.
_COPY = sql.SQL("""
    INSERT INTO results (job_id, image_no, {written})
    SELECT r.job_id, copy.image_no, {written}
    FROM results r CROSS JOIN LATERAL (
        SELECT i.image_no FROM images i
        WHERE i.job_id = r.job_id AND i.same_as = r.image_no
        OFFSET 0) copy
    WHERE r.job_id = %s AND r.image_no = ANY(%s)
    ON CONFLICT DO NOTHING
    RETURNING image_no, flags IS NOT NULL
""").format(written=columns.WRITTEN)
_READ = READ_VISITS.format(
    photos=sql.SQL("""
        SELECT same_as AS place, image_no, job_id, visit_no FROM images
        WHERE job_id = %(job_id)s AND same_as = ANY(%(firsts)s)""")
)
_INSERT = sql.SQL("""
    INSERT INTO results (job_id, image_no, {written})
    SELECT r.job_id, copy.image_no, {given}
    FROM json_to_recordset(%(rows)s::json) AS copy (image_no int, first_no int, flags text[],
        hours_from_visit float8, store_distance_m int)
    CROSS JOIN LATERAL (
        SELECT * FROM results WHERE job_id = %(job_id)s AND image_no = copy.first_no OFFSET 0) r
    ON CONFLICT DO NOTHING
    RETURNING image_no, flags IS NOT NULL
""").format(written=columns.WRITTEN, given=columns.given_by_visit("r", "copy"))


@dataclass(kw_only=True, slots=True)
class Copies:
    """The numbers of copies that got their results, and of those that are flagged."""

    image_nos: list[int] = field(default_factory=list)
    flagged_nos: list[int] = field(default_factory=list)

    def add(self, rows: Iterable[tuple[int, bool]]) -> None:
        """Notes rows that were written: each its number, and whether it is flagged."""
        for image_no, is_flagged in rows:
            self.image_nos.append(image_no)
            if is_flagged:
                self.flagged_nos.append(image_no)


class _CopyRow(VisitChecks, frozen=True, kw_only=True, gc=False):
    image_no: int
    first_no: int


async def copy_to_copies(
    connection: Connection,
    job_id: UUID,
    image_nos: Sequence[int],
    located: Mapping[int, ImageFacts],
    thresholds: MeasureSettings,
) -> Copies:
    """Gives the copies of images their results.

    `located` are the images whose photos tell a time or a place, with the flags of the picture alone.
    """
    plain = [image_no for image_no in image_nos if image_no not in located]
    copies = Copies()
    if plain:
        cursor = await connection.execute(_COPY, [job_id, plain], prepare=False)
        copies.add(await cursor.fetchall())
    if firsts := [image_no for image_no in image_nos if image_no in located]:
        await _copy_located(connection, job_id, firsts, located, thresholds, copies)
    return copies


async def _copy_located(
    connection: Connection,
    job_id: UUID,
    firsts: Sequence[int],
    located: Mapping[int, ImageFacts],
    thresholds: MeasureSettings,
    copies: Copies,
) -> None:
    async with connection.cursor(name="copies") as reading:
        await reading.execute(_READ, {"job_id": job_id, "firsts": list(firsts)})
        while found := await reading.fetchmany(COPIES_AT_ONCE):
            rows = [
                _CopyRow(
                    image_no=row.image_no,
                    first_no=row.place,
                    **msgspec.structs.asdict(checks_of(located[row.place], row, thresholds)),
                )
                for row in map(VisitRow._make, found)
            ]
            values = {"job_id": job_id, "rows": msgspec.json.encode(rows).decode()}
            cursor = await connection.execute(_INSERT, values, prepare=False)
            copies.add(await cursor.fetchall())
