"""Writes what an analysis found to the results of the photos that it looked at again, in their settle.

A result takes only the facts of analyzers that are newer than those on record, and only if the photo is the
same still; its outcome, its time and the counts of its job stay. One that has changed has its versions on
record all the same, so that it is not fetched again for these. What depends on more than the photo itself is
not decided here.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from psycopg import sql
from psycopg.rows import class_row

from retailpulse.domain.analysis import newest_versions, pack_versions, unpack_version
from retailpulse.domain.flags import FLAGS_OF_PIXELS, Flag
from retailpulse.schema import ANALYZED_FACTS, ImageResult, Measurement
from retailpulse.schema.columns import SqlType
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.results.columns import storable
from retailpulse.storage.results.flags import change_flags

# The copies of a photo have its facts too. All are locked in the order in which everybody locks results.
_ORIGINALS = """
    SELECT a.job_id AS analysis_id, a.image_no AS analysis_no, r.job_id, r.image_no, r.analyzed, r.format,
        r.width, r.height, encode(r.sha256, 'hex') AS sha256, coalesce(r.flags, '{}') AS flags
    FROM unnest(%s::uuid[], %s::int[]) AS new (job_id, image_no)
    JOIN analysis_images a ON a.job_id = new.job_id AND a.image_no = new.image_no
    CROSS JOIN LATERAL (
        SELECT a.of_image_no AS image_no
        UNION ALL
        SELECT i.image_no FROM images i WHERE i.job_id = a.of_job_id AND i.same_as = a.of_image_no) o
    JOIN results r ON r.job_id = a.of_job_id AND r.image_no = o.image_no AND r.outcome = 'measured'
    ORDER BY r.job_id, r.image_no FOR NO KEY UPDATE OF r
"""
# As flags are counted in the jobs of the photos, these come before the jobs that are settled.
_LOCK_JOBS = "SELECT FROM jobs WHERE job_id = ANY(%s) ORDER BY job_id FOR NO KEY UPDATE"
_WRITE = sql.SQL("""
    UPDATE results r SET analyzed = row.analyzed, {facts}
    FROM json_to_recordset(%s::json) AS row (job_id uuid, image_no int, analyzed bigint, new text[],
        {types})
    WHERE r.job_id = row.job_id AND r.image_no = row.image_no
""").format(
    facts=sql.SQL(", ").join(
        sql.SQL("{name} = CASE WHEN {text} = ANY(row.new) THEN row.{name} ELSE r.{name} END").format(
            name=sql.Identifier(fact.name), text=sql.Literal(fact.name)
        )
        for fact in ANALYZED_FACTS
    ),
    types=sql.SQL(", ").join(
        sql.SQL("{name} {kind}").format(name=sql.Identifier(fact.name), kind=sql.SQL(fact.sql_type))
        for fact in ANALYZED_FACTS
    ),
)
_NOTE = """
    UPDATE analysis_images a SET became = row.became
    FROM unnest(%s::uuid[], %s::int[], %s::text[]) AS row (job_id, image_no, became)
    WHERE a.job_id = row.job_id AND a.image_no = row.image_no
"""
_WHAT_FLAGS_REST_ON = {"sharpness", "brightness"}
"""A fact of each analyzer by whose numbers photos are flagged."""
_FACTS = {fact.name for fact in ANALYZED_FACTS}
_TEXTS = {fact.name for fact in ANALYZED_FACTS if fact.sql_type is SqlType.TEXT}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Original:
    """The result of a photo, or of a copy of it, and the image that looked at it again."""

    analysis_id: UUID
    analysis_no: int
    job_id: UUID
    image_no: int
    analyzed: int | None
    format: str
    width: int
    height: int
    sha256: str | None
    flags: list[str]


class _FlagChange(NamedTuple):
    """What changes in the flags of some photos of a job."""

    job_id: UUID
    add: tuple[Flag, ...]
    drop: tuple[Flag, ...]


async def apply_analyses(
    connection: Connection,
    results: Sequence[ImageResult],
    places: Collection[tuple[UUID, int]],
    job_ids: Sequence[UUID],
) -> None:
    """Brings what was measured at these places of analyses to their photos, in the settle of `results`.

    `job_ids` are all jobs of that settle, which counts in them after this.
    """
    measured = {
        (result.job_id, result.image_no): result.measurement or Measurement()
        for result in results
        if (result.job_id, result.image_no) in places
    }
    became = dict.fromkeys(measured, "gone")
    rows: list[dict[str, Any]] = []
    flags: dict[_FlagChange, list[int]] = {}
    for original in await _lock_originals(connection, measured):
        place = original.analysis_id, original.analysis_no
        measurement = measured[place]
        is_same = _is_same(original, measurement)
        became[place] = "analyzed" if is_same else "changed"
        new = _new_facts(original, measurement) if is_same else set()
        rows.append(_row(original, measurement, new))
        change = _flag_change(original, measurement, new)
        if change is not None:
            flags.setdefault(change, []).append(original.image_no)
    if rows:
        await connection.execute(_WRITE, [msgspec.json.encode(rows).decode()], prepare=False)
    if flags:
        await _change_flags(connection, flags, job_ids)
    noted = [[place[0] for place in became], [place[1] for place in became], list(became.values())]
    await connection.execute(_NOTE, noted, prepare=False)


async def _lock_originals(connection: Connection, places: Iterable[tuple[UUID, int]]) -> Sequence[_Original]:
    job_ids, image_nos = map(list, zip(*places, strict=True))
    cursor = connection.cursor(row_factory=class_row(_Original))
    await cursor.execute(_ORIGINALS, [job_ids, image_nos], prepare=False)
    return await cursor.fetchall()


def _is_same(original: _Original, measurement: Measurement) -> bool:
    """Whether the URL still gives the photo that was measured; without a SHA-256 its header has to do."""
    if original.sha256 is not None:
        return original.sha256 == measurement.sha256
    header = original.format, original.width, original.height
    return header == (measurement.format, measurement.width, measurement.height)


def _new_facts(original: _Original, measurement: Measurement) -> set[str]:
    """The facts that come from analyzers newer than those on record."""
    return {
        name
        for analysis in measurement.analyses
        if analysis.version > unpack_version(original.analyzed, analysis.analyzer)
        for name in analysis.facts or ()
        if name in _FACTS
    }


def _row(original: _Original, measurement: Measurement, new: set[str]) -> dict[str, Any]:
    ran = pack_versions({analysis.analyzer: analysis.version for analysis in measurement.analyses})
    facts = {name: getattr(measurement, name) for name in new}
    return {
        "job_id": original.job_id,
        "image_no": original.image_no,
        "analyzed": newest_versions(original.analyzed, ran),
        "new": sorted(new),
        **{name: storable(value) if name in _TEXTS else value for name, value in facts.items()},
    }


def _flag_change(original: _Original, measurement: Measurement, new: set[str]) -> "_FlagChange | None":
    """The flags to add and to drop; those that are not raised by the picture alone stay."""
    known = {name for analysis in measurement.analyses for name in analysis.facts or ()}
    if not new & _WHAT_FLAGS_REST_ON or not known >= _WHAT_FLAGS_REST_ON:
        return None
    before = FLAGS_OF_PIXELS.intersection(map(Flag, original.flags))
    now = FLAGS_OF_PIXELS.intersection(map(Flag, measurement.flags))
    if now == before:
        return None
    return _FlagChange(original.job_id, tuple(sorted(now - before)), tuple(sorted(before - now)))


async def _change_flags(
    connection: Connection, flags: Mapping["_FlagChange", Sequence[int]], job_ids: Sequence[UUID]
) -> None:
    locked = {*job_ids, *(change.job_id for change in flags)}
    await connection.execute(_LOCK_JOBS, [sorted(locked)])
    for change, image_nos in sorted(flags.items()):
        await change_flags(connection, change.job_id, image_nos, add=change.add, drop=change.drop)
