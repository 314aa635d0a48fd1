"""Results: settled exactly once. `pages` reads them; their pictures are written before (`thumbnails`).

The result of an image of an analysis is a note that it was measured: its facts go to the photo that it is of.
"""

from collections import Counter
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any
from uuid import UUID

import msgspec
from psycopg import sql

from retailpulse.config.settings import MeasureSettings
from retailpulse.domain.analysis import pack_versions
from retailpulse.domain.errors import StaleWrite
from retailpulse.domain.images import Outcome
from retailpulse.schema import FACTS, ImageFacts, ImageResult, Measurement
from retailpulse.storage.jobs import store_counts
from retailpulse.storage.jobs.finish import finish_jobs
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.results import columns, new_photos
from retailpulse.storage.results.copies import copy_to_copies
from retailpulse.storage.results.flags import FlagCounts, list_flagged
from retailpulse.storage.results.new_photos import NewPhotos
from retailpulse.storage.results.reanalyze import apply_analyses
from retailpulse.storage.results.visit_checks import VisitChecks, has_time_or_place, read_checks
from retailpulse.storage.scheduling.claims import DROP_GRANTS

_DEFAULT = MeasureSettings()

# Rows come as JSON: as arrays, one for each column, they cost the driver three times as much. A job may be
# pruned by now, or an image may have been retried: then the result of a worker that slept is late.
_INSERT = sql.SQL("""
    WITH new AS (
        INSERT INTO results (job_id, image_no, {written})
        SELECT job_id, image_no, outcome, cause, detail, {facts}, tries, analyzed
        FROM json_to_recordset(%(rows)s::json) AS row (job_id uuid, image_no int, outcome text, cause text,
            detail text, {fact_types}, tries smallint, analyzed bigint, earlier int)
        WHERE job_id = ANY(ARRAY(
                SELECT j.job_id FROM jobs j WHERE j.job_id = ANY(%(jobs)s) AND j.retries = 0))
            OR job_id = ANY(ARRAY(
                SELECT j.job_id FROM jobs j WHERE j.job_id = ANY(%(jobs)s) AND j.retries > 0))
            AND coalesce(earlier, 0) = (
                SELECT count(*) FROM earlier_results e
                WHERE e.job_id = row.job_id AND e.image_no = row.image_no)
        ON CONFLICT DO NOTHING
        RETURNING job_id, outcome, cause, image_no, flags)
    SELECT job_id, outcome, cause, array_agg(image_no),
        array_agg(image_no) FILTER (WHERE flags IS NOT NULL),
        EXISTS (SELECT FROM images i WHERE i.job_id = new.job_id AND i.same_as IS NOT NULL),
        (SELECT j.retries FROM jobs j WHERE j.job_id = new.job_id)
    FROM new GROUP BY job_id, outcome, cause
""").format(written=columns.WRITTEN, facts=columns.FROM_JSON, fact_types=columns.JSON_TYPES)

# A job that was retried or pruned since the results were inserted is not counted in.
_COUNT_IN_JOB = """
    UPDATE jobs SET measured = measured + %(measured)s, failed = failed + %(failed)s,
        flagged = flagged + %(flagged)s, progressed_at = now(),
        flags = CASE WHEN %(flagged)s = 0 THEN flags ELSE add_counts(flags, %(flags)s::jsonb) END,
        causes = CASE WHEN %(failed)s = 0 THEN causes ELSE add_counts(causes, %(causes)s::jsonb) END
    WHERE job_id = %(job_id)s AND retries = %(retries)s
    RETURNING status = 'ongoing' AND measured + failed + cancelled = images
"""


async def settle(
    connection: Connection,
    results: Sequence[ImageResult],
    grants: Sequence[int] = (),
    *,
    analyses: Collection[UUID] = (),
    ended: list[UUID] | None = None,
    thresholds: MeasureSettings = _DEFAULT,
) -> int:
    """Writes results in the transaction of `connection`; one that an image already has stays as it is.

    A result is also that of all copies of its image. Counters of jobs move by the rows really inserted, those
    of flags too, and flagged photos are listed; the last image of a job finishes it. `grants` are those that
    are settled to the end with these results: they are closed. Of the jobs in `analyses`, what is measured
    goes to the photos that they look at again. `ended` gets the jobs that have ended by this. Photos are
    flagged by their visits as `thresholds` say. Returns how many rows were new. Rows are locked in one order
    everywhere, so workers cannot deadlock; copies need none, as only the transaction that inserted the result
    of their first inserts theirs. Raises StaleWrite if a job was retried or pruned meanwhile.
    """
    ordered = [_noted(result) if result.job_id in analyses else result for result in _in_order(results)]
    checks = await read_checks(connection, ordered, thresholds)
    parameters = {"jobs": list({result.job_id for result in ordered}), "rows": _as_json(ordered, checks)}
    # Planned each time: a plan from when the tables were small would read them whole for every image.
    cursor = await connection.execute(_INSERT, parameters, prepare=False)
    jobs = await _inserted(connection, await cursor.fetchall(), ordered, thresholds)
    written = {job_id: job.new for job_id, job in jobs.items()}
    await new_photos.put(connection, _photos(ordered, written))
    await apply_analyses(connection, _measured(results, written, analyses), list(jobs), thresholds)
    finished = await finish_jobs(connection, await _count_in_jobs(connection, jobs))
    if ended is not None:
        ended += finished
    if grants:
        await connection.execute(DROP_GRANTS, [list(grants)])
    return sum(job.outcomes.total() for job in jobs.values())


@dataclass(kw_only=True, slots=True)
class _Inserted:
    """What was really inserted of a job, which had so many retries then."""

    retries: int
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    new: set[int] = field(default_factory=set)
    failed_nos: dict[str, list[int]] = field(default_factory=dict)
    flagged_nos: list[int] = field(default_factory=list)
    flags: FlagCounts = field(default_factory=FlagCounts)

    def add(
        self, outcome: str, cause: str | None, image_nos: Sequence[int], flagged_nos: Sequence[int]
    ) -> None:
        """Counts images that ended in one way."""
        self.outcomes[Outcome(outcome)] += len(image_nos)
        self.flagged_nos += flagged_nos
        if cause is not None:
            self.failed_nos.setdefault(cause, []).extend(image_nos)

    @property
    def changes(self) -> dict[int, store_counts.Change]:
        """What moves the counts of stores."""
        found = dict.fromkeys(self.flagged_nos, store_counts.Change(flagged=1))
        for cause, image_nos in self.failed_nos.items():
            found |= dict.fromkeys(image_nos, store_counts.Change(cause=cause, failed=1))
        return found

    def causes_as_json(self) -> str:
        """How many failed, by cause, as the database takes it."""
        counts = {cause: len(image_nos) for cause, image_nos in self.failed_nos.items()}
        return msgspec.json.encode(counts).decode()


async def _inserted(
    connection: Connection,
    rows: Sequence[tuple[Any, ...]],
    ordered: Sequence[ImageResult],
    thresholds: MeasureSettings,
) -> dict[UUID, _Inserted]:
    """What the insert of results says of each job, with the copies of its images, which get theirs here."""
    jobs: dict[UUID, _Inserted] = {}
    for job_id, outcome, cause, image_nos, flagged_nos, has_copies, retries in rows:
        job = jobs.setdefault(job_id, _Inserted(retries=retries))
        job.new.update(image_nos)
        job.add(outcome, cause, image_nos, flagged_nos or ())
        if has_copies:
            copies = await copy_to_copies(
                connection, job_id, image_nos, _located(ordered, job_id), thresholds
            )
            job.add(outcome, cause, copies.image_nos, copies.flagged_nos)
    for job_id, job in sorted(jobs.items()):  # before any job is locked, as every change of flags does
        if job.flagged_nos:
            job.flags = await list_flagged(connection, job_id, job.flagged_nos)
    return jobs


def _in_order(results: Sequence[ImageResult]) -> list[ImageResult]:
    jobs: dict[UUID, list[ImageResult]] = {}
    for result in results:
        jobs.setdefault(result.job_id, []).append(result)
    return [result for job_id in sorted(jobs) for result in sorted(jobs[job_id], key=attrgetter("image_no"))]


def _photos(results: Sequence[ImageResult], new: Mapping[UUID, set[int]]) -> list[NewPhotos]:
    """What copies are looked for by, of new results that have any of it; copies of a URL follow by theirs."""
    photos: dict[UUID, dict[int, bytes | None]] = {}
    for result in results:
        facts = result.measurement
        if facts is not None and (facts.sha256 or facts.fingerprint):
            photos.setdefault(result.job_id, {}).setdefault(result.image_no, facts.fingerprint)
    for job_id, of_job in photos.items():
        for image_no in of_job.keys() - new.get(job_id, ()):
            del of_job[image_no]
    return [
        NewPhotos(job_id=job_id, image_nos=list(of_job), fingerprints=list(of_job.values()))
        for job_id, of_job in photos.items()
    ]


def _located(results: Sequence[ImageResult], job_id: UUID) -> dict[int, ImageFacts]:
    """The images of a job whose photos tell a time or a place, as they are without their visits."""
    return {
        result.image_no: result.measurement
        for result in results
        if result.job_id == job_id and result.measurement is not None and has_time_or_place(result)
    }


# One by one, not by `executemany`: PostgreSQL ends no transaction that idles after a pipeline, so a worker
# that is frozen here would keep these rows from everybody.
async def _count_in_jobs(connection: Connection, jobs: dict[UUID, _Inserted]) -> list[UUID]:
    """Counts, and returns the jobs that have all their results by now."""
    done = []
    for job_id, job in sorted(jobs.items()):
        counts = {
            "measured": job.outcomes[Outcome.MEASURED],
            "failed": job.outcomes[Outcome.FAILED],
            "flagged": job.flags.flagged,
            "flags": job.flags.by_flag_as_json(),
            "causes": job.causes_as_json(),
        }
        cursor = await connection.execute(_COUNT_IN_JOB, {"job_id": job_id, "retries": job.retries, **counts})
        counted = await cursor.fetchone()
        if counted is None:
            raise StaleWrite(f"the job {job_id} was retried or pruned while results of it were written")
        await store_counts.move(connection, job_id, job.changes)
        if counted[0]:
            done.append(job_id)
    return done


_NO_FACTS = Measurement()
_COUNT = len(ImageFacts.__struct_fields__)
_FREE_TEXTS = tuple(fact.name for fact in FACTS if fact.is_free_text)
_SAID = ("job_id", "image_no", "outcome", "tries", "earlier", "cause", "detail", "analyzed")
_Row: Any = msgspec.defstruct(
    "_Row",
    [(name, Any, None) for name in (*_SAID, *ImageFacts.__struct_fields__)],
    omit_defaults=True,
    gc=False,
)
"""A result as its row; what is left out is NULL."""


def _as_json(results: Sequence[ImageResult], checks: Mapping[int, VisitChecks]) -> str:
    rows = [_row(result) for result in results]
    for at, found in checks.items():
        rows[at].flags = found.flags
        rows[at].hours_from_visit = found.hours_from_visit
        rows[at].store_distance_m = found.store_distance_m
    return msgspec.json.encode(rows).decode()


def _row(result: ImageResult) -> Any:
    facts = result.measurement or _NO_FACTS
    for name in _FREE_TEXTS:
        text = getattr(facts, name)
        if text is not None and columns.storable(text) != text:
            facts = msgspec.structs.replace(facts, **{name: columns.storable(text)})
    return _Row(
        result.job_id,
        result.image_no,
        result.outcome,
        result.tries,
        result.earlier or None,
        result.cause,
        columns.storable(result.detail),
        pack_versions({analysis.analyzer: analysis.version for analysis in facts.analyses}),
        *msgspec.structs.astuple(facts)[:_COUNT],
    )


def _noted(result: ImageResult) -> ImageResult:
    """What the row of an image of an analysis holds; with more it would be found as a photo of its own."""
    facts = result.measurement
    if facts is None:
        return result
    header = Measurement(
        format=facts.format,
        width=facts.width,
        height=facts.height,
        displayed_width=facts.displayed_width,
        displayed_height=facts.displayed_height,
        size_bytes=facts.size_bytes,
    )
    return msgspec.structs.replace(result, measurement=header)


def _measured(
    results: Sequence[ImageResult], written: Mapping[UUID, Container[int]], analyses: Collection[UUID]
) -> list[ImageResult]:
    """The results of analyses that were written and are of photos that could be measured."""
    return [
        result
        for result in results
        if result.job_id in analyses
        and result.measurement is not None
        and result.image_no in written.get(result.job_id, ())
    ]
