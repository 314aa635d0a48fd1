"""Results: settled exactly once. How they are read is `pages`'.

The result of an image of an analysis is a note that it was measured: its facts go to the photo that it is of.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from operator import attrgetter
from typing import Any
from uuid import UUID

import msgspec
from psycopg import sql

from retailpulse.domain.analysis import pack_versions
from retailpulse.domain.errors import StaleWrite
from retailpulse.domain.images import Outcome
from retailpulse.schema import FACTS, ImageFacts, ImageResult, Measurement
from retailpulse.storage.jobs.finish import finish_jobs
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.results import columns
from retailpulse.storage.results.reanalyze import apply_analyses
from retailpulse.storage.scheduling.claims import DROP_GRANTS

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
        RETURNING job_id, outcome, image_no)
    SELECT job_id, outcome, array_agg(image_no),
        EXISTS (SELECT FROM images i WHERE i.job_id = new.job_id AND i.same_as IS NOT NULL),
        (SELECT j.retries FROM jobs j WHERE j.job_id = new.job_id)
    FROM new GROUP BY job_id, outcome
""").format(written=columns.WRITTEN, facts=columns.FROM_JSON, fact_types=columns.JSON_TYPES)

# The copies of an image get its result. OFFSET keeps the planner from joining with the copies of all images:
# those of each are looked up by index.
_COPY_TO_COPIES = sql.SQL("""
    INSERT INTO results (job_id, image_no, {written})
    SELECT r.job_id, copy.image_no, {written}
    FROM results r CROSS JOIN LATERAL (
        SELECT i.image_no FROM images i
        WHERE i.job_id = r.job_id AND i.same_as = r.image_no
        OFFSET 0) copy
    WHERE r.job_id = %s AND r.image_no = ANY(%s)
    ON CONFLICT DO NOTHING
""").format(written=columns.WRITTEN)

# A job that was retried or pruned since the results were inserted is not counted in.
_COUNT_IN_JOB = """
    UPDATE jobs SET measured = measured + %(measured)s, failed = failed + %(failed)s
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
) -> int:
    """Writes results in the transaction of `connection`; one that an image already has stays as it is.

    A result is also that of all copies of its image. Counters of jobs move by the rows really inserted, and
    the last image of a job finishes it. `grants` are those that are settled to the end with these results:
    they are closed. Of the jobs in `analyses`, what is measured goes to the photos that they look at again.
    `ended` gets the jobs that have ended by this. Returns how many rows were new. Rows are
    locked in one order everywhere, so workers cannot deadlock; copies need none, as only the transaction that
    inserted the result of their first inserts theirs. Raises StaleWrite after a retry or a pruning.
    """
    ordered = _in_order(results)
    parameters = {"jobs": list({result.job_id for result in ordered}), "rows": _as_json(ordered, analyses)}
    # Planned each time: a plan from when the tables were small would read them whole for every image.
    cursor = await connection.execute(_INSERT, parameters, prepare=False)
    jobs: dict[UUID, Counter[Outcome]] = {}
    retries: dict[UUID, int] = {}
    again: set[tuple[UUID, int]] = set()
    for job_id, outcome, image_nos, has_copies, retries[job_id] in await cursor.fetchall():
        outcomes = jobs.setdefault(job_id, Counter())
        outcomes[Outcome(outcome)] += len(image_nos)
        if has_copies:
            cursor = await connection.execute(_COPY_TO_COPIES, [job_id, image_nos], prepare=False)
            outcomes[Outcome(outcome)] += cursor.rowcount
        if job_id in analyses and outcome == Outcome.MEASURED:
            again.update((job_id, image_no) for image_no in image_nos)
    if again:
        await apply_analyses(connection, ordered, again, list(jobs))
    finished = await finish_jobs(connection, await _count_in_jobs(connection, jobs, retries))
    if ended is not None:
        ended += finished
    if grants:
        await connection.execute(DROP_GRANTS, [list(grants)])
    return sum(count.total() for count in jobs.values())


def _in_order(results: Sequence[ImageResult]) -> list[ImageResult]:
    jobs: dict[UUID, list[ImageResult]] = {}
    for result in results:
        jobs.setdefault(result.job_id, []).append(result)
    return [result for job_id in sorted(jobs) for result in sorted(jobs[job_id], key=attrgetter("image_no"))]


# One by one, not by `executemany`: PostgreSQL ends no transaction that idles after a pipeline, so a worker
# that is frozen here would keep these rows from everybody.
async def _count_in_jobs(
    connection: Connection, jobs: dict[UUID, Counter[Outcome]], retries: dict[UUID, int]
) -> list[UUID]:
    """Counts, and returns the jobs that have all their results by now."""
    done = []
    for job_id, outcomes in sorted(jobs.items()):
        counts = {"measured": outcomes[Outcome.MEASURED], "failed": outcomes[Outcome.FAILED]}
        cursor = await connection.execute(
            _COUNT_IN_JOB, {"job_id": job_id, "retries": retries[job_id], **counts}
        )
        counted = await cursor.fetchone()
        if counted is None:
            raise StaleWrite(f"the job {job_id} was retried or pruned while results of it were written")
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


def _as_json(results: Sequence[ImageResult], analyses: Collection[UUID]) -> str:
    return msgspec.json.encode([_row(result, result.job_id in analyses) for result in results]).decode()


def _row(result: ImageResult, is_analysis: bool) -> msgspec.Struct:
    facts = result.measurement or _NO_FACTS
    if is_analysis:
        facts = _header_of(facts)
    for name in _FREE_TEXTS:
        text = getattr(facts, name)
        if text is not None and columns.storable(text) != text:
            facts = msgspec.structs.replace(facts, **{name: columns.storable(text)})
    row: msgspec.Struct = _Row(
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
    return row


def _header_of(facts: Measurement) -> Measurement:
    """What a row has to hold of a measured image; all else would be found as that of a photo of its own."""
    return Measurement(
        format=facts.format,
        width=facts.width,
        height=facts.height,
        displayed_width=facts.displayed_width,
        displayed_height=facts.displayed_height,
        size_bytes=facts.size_bytes,
    )
