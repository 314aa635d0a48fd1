"""Writes what an analysis found to the results of the photos that it looked at again, in their settle.

A result takes only the facts of analyzers that are newer than those on record, and only if the photo is the
same still; its outcome, its time and the counts of its job stay. One that has changed has its versions on
record all the same, so that it is not fetched again for these. With its facts a photo gets what depends on
its visit, its thumbnails, and a new search for copies.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from psycopg import sql
from psycopg.rows import class_row

from retailpulse.config.settings import MeasureSettings
from retailpulse.domain.analysis import newest_versions, pack_versions, unpack_version
from retailpulse.domain.flags import FLAGS_OF_PICTURE, FLAGS_OF_VISIT, Flag
from retailpulse.domain.images import Outcome
from retailpulse.schema import ANALYZED_FACTS, FACTS_OF_VISIT, ImageResult, Measurement
from retailpulse.schema.columns import SqlType
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.results import new_photos, thumbnails
from retailpulse.storage.results.columns import storable
from retailpulse.storage.results.flags import change_flags, open_list
from retailpulse.storage.results.new_photos import NewPhotos
from retailpulse.storage.results.visit_checks import VisitChecks, read_checks

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
_WRITTEN = (*ANALYZED_FACTS, *FACTS_OF_VISIT)
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
        for fact in _WRITTEN
    ),
    types=sql.SQL(", ").join(
        sql.SQL("{name} {kind}").format(name=sql.Identifier(fact.name), kind=sql.SQL(fact.sql_type))
        for fact in _WRITTEN
    ),
)
_NOTE = """
    UPDATE analysis_images a SET became = row.became
    FROM unnest(%s::uuid[], %s::int[], %s::text[]) AS row (job_id, image_no, became)
    WHERE a.job_id = row.job_id AND a.image_no = row.image_no
"""
_WHAT_FLAGS_REST_ON = {"sharpness", "brightness"}
"""A fact of each analyzer by whose numbers photos are flagged."""
_CAPTURE, _FINGERPRINT = "taken_at", "fingerprint"
"""A fact of the analyzer that reads EXIF, and the analyzer by which copies are found."""
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
    job_ids: Sequence[UUID],
    thresholds: MeasureSettings,
) -> None:
    """Brings what images of analyses were measured to be to their photos, in the settle of `results`.

    `job_ids` are all jobs of that settle, which counts in them after this.
    """
    if not results:
        return
    measured = {
        (result.job_id, result.image_no): result.measurement
        for result in results
        if result.measurement is not None
    }
    became = dict.fromkeys(measured, "gone")
    photos: list[_Photo] = []
    for original in await _lock_originals(connection, measured):
        place = original.analysis_id, original.analysis_no
        is_same = _is_same(original, measured[place])
        became[place] = "analyzed" if is_same else "changed"
        photos.append(_Photo(original, measured[place], is_same=is_same))
    await _write(connection, photos, job_ids, thresholds)
    noted = [[place[0] for place in became], [place[1] for place in became], list(became.values())]
    await connection.execute(_NOTE, noted, prepare=False)


async def _write(
    connection: Connection, photos: Sequence["_Photo"], job_ids: Sequence[UUID], thresholds: MeasureSettings
) -> None:
    """Writes facts, flags and pictures of photos; those with a new fingerprint are searched for again."""
    if not photos:
        return
    checks = await read_checks(connection, [photo.result for photo in photos], thresholds)
    rows = [_row(photo, checks.get(at)) for at, photo in enumerate(photos)]
    await connection.execute(_WRITE, [msgspec.json.encode(rows).decode()], prepare=False)
    same = [photo for photo in photos if photo.is_same]
    await thumbnails.replace(connection, [photo.result for photo in same])
    await new_photos.put(connection, _to_search(same))
    flags: dict[_FlagChange, list[int]] = {}
    for at, photo in enumerate(photos):
        if (change := _flag_change(photo, checks.get(at))) is not None:
            flags.setdefault(change, []).append(photo.original.image_no)
    if flags:
        await _change_flags(connection, flags, job_ids)


class _Photo:
    """The result of a photo, what it was measured to be again, and the facts of it that are new."""

    def __init__(self, original: _Original, measurement: Measurement, *, is_same: bool) -> None:
        self.original = original
        self.measurement = measurement
        self.is_same = is_same
        self.new = _new_facts(original, measurement) if is_same else set()
        self.result = ImageResult(
            job_id=original.job_id,
            image_no=original.image_no,
            outcome=Outcome.MEASURED,
            measurement=measurement if is_same else None,
        )

    @property
    def is_new_of_visit(self) -> bool:
        """Whether what EXIF says is new, and so what depends on the visit."""
        return _CAPTURE in self.new


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


def _to_search(photos: Sequence[_Photo]) -> list[NewPhotos]:
    """Photos whose copies are to be looked for, as their fingerprints are new."""
    found: dict[UUID, dict[int, bytes | None]] = {}
    for photo in photos:
        versions = {analysis.analyzer: analysis.version for analysis in photo.measurement.analyses}
        known = unpack_version(photo.original.analyzed, _FINGERPRINT)
        if versions.get(_FINGERPRINT, 0) > known:
            of_job = found.setdefault(photo.original.job_id, {})
            of_job[photo.original.image_no] = photo.measurement.fingerprint
    return [
        NewPhotos(job_id=job_id, image_nos=list(of_job), fingerprints=list(of_job.values()))
        for job_id, of_job in found.items()
    ]


def _row(photo: _Photo, checks: VisitChecks | None) -> dict[str, Any]:
    measurement = photo.measurement
    ran = pack_versions({analysis.analyzer: analysis.version for analysis in measurement.analyses})
    facts = {name: getattr(measurement, name) for name in photo.new}
    if photo.is_new_of_visit:
        facts |= {fact.name: getattr(checks, fact.name, None) for fact in FACTS_OF_VISIT}
    return {
        "job_id": photo.original.job_id,
        "image_no": photo.original.image_no,
        "analyzed": newest_versions(photo.original.analyzed, ran),
        "new": sorted(facts),
        **{name: storable(value) if name in _TEXTS else value for name, value in facts.items()},
    }


def _flag_change(photo: _Photo, checks: VisitChecks | None) -> "_FlagChange | None":
    """The flags to add and to drop; those that rest on what is not new stay."""
    known = {name for analysis in photo.measurement.analyses for name in analysis.facts or ()}
    judged: frozenset[Flag] = frozenset()
    if photo.new & _WHAT_FLAGS_REST_ON and known >= _WHAT_FLAGS_REST_ON:
        judged |= FLAGS_OF_PICTURE
    if photo.is_new_of_visit:
        judged |= FLAGS_OF_VISIT
    before = judged.intersection(map(Flag, photo.original.flags))
    now = judged.intersection(map(Flag, photo.measurement.flags if checks is None else checks.flags))
    if now == before:
        return None
    return _FlagChange(photo.original.job_id, tuple(sorted(now - before)), tuple(sorted(before - now)))


async def _change_flags(
    connection: Connection, flags: Mapping["_FlagChange", Sequence[int]], job_ids: Sequence[UUID]
) -> None:
    await open_list(connection)  # before any job is locked
    locked = {*job_ids, *(change.job_id for change in flags)}
    await connection.execute(_LOCK_JOBS, [sorted(locked)])
    for change, image_nos in sorted(flags.items()):
        await change_flags(connection, change.job_id, image_nos, add=change.add, drop=change.drop)
