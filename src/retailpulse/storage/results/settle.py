"""Results: settled exactly once. How they are read is `result_pages`'."""

from collections import Counter
from collections.abc import Sequence
from operator import attrgetter
from uuid import UUID

import msgspec

from retailpulse.domain.errors import StaleWrite
from retailpulse.domain.images import Cause, Format, Outcome
from retailpulse.domain.jobs import Result
from retailpulse.storage.jobs.finish import finish_jobs
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.scheduling.claims import DROP_GRANTS

# Rows come as JSON: as arrays, one for each column, they cost the driver three times as much. A job may be
# pruned by now, or an image may have been retried: then the result of a worker that slept is late.
_INSERT = """
    WITH new AS (
        INSERT INTO results (job_id, image_no, outcome, cause, detail, format, width, height,
            displayed_width, displayed_height, size_bytes, sha256, suspect, tries)
        SELECT job_id, image_no, outcome, cause, detail, format, width, height,
            displayed_width, displayed_height, size_bytes, sha256, suspect, tries
        FROM json_to_recordset(%(rows)s::json) AS row (job_id uuid, image_no int, outcome text, cause text,
            detail text, format text, width int, height int, displayed_width int, displayed_height int,
            size_bytes bigint, sha256 bytea, suspect text, tries smallint, earlier int)
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
"""

# The copies of an image get its result. OFFSET keeps the planner from joining with the copies of all images:
# those of each are looked up by index.
_COPY_TO_COPIES = """
    INSERT INTO results (job_id, image_no, outcome, cause, detail, format, width, height,
        displayed_width, displayed_height, size_bytes, sha256, suspect, tries)
    SELECT r.job_id, copy.image_no, outcome, cause, detail, format, width, height,
        displayed_width, displayed_height, size_bytes, sha256, suspect, tries
    FROM results r CROSS JOIN LATERAL (
        SELECT i.image_no FROM images i
        WHERE i.job_id = r.job_id AND i.same_as = r.image_no
        OFFSET 0) copy
    WHERE r.job_id = %s AND r.image_no = ANY(%s)
    ON CONFLICT DO NOTHING
"""

# A job that was retried or pruned since the results were inserted is not counted in.
_COUNT_IN_JOB = """
    UPDATE jobs SET measured = measured + %(measured)s, failed = failed + %(failed)s
    WHERE job_id = %(job_id)s AND retries = %(retries)s
    RETURNING status = 'ongoing' AND measured + failed + cancelled = images
"""


async def settle(connection: Connection, results: Sequence[Result], grants: Sequence[int] = ()) -> int:
    """Writes results in the transaction of `connection`; one that an image already has stays as it is.

    A result is also that of all copies of its image. Counters of jobs move by the rows really inserted, and
    the last image of a job finishes it. `grants` are those that are settled to the end with these results:
    they are closed. Returns how many rows were new. Rows are locked in one order everywhere, so workers
    cannot deadlock; copies need none, as only the transaction that inserted the result of their first inserts
    theirs. Raises StaleWrite if a job was retried or pruned meanwhile.
    """
    ordered = _in_order(results)
    parameters = {"jobs": list({result.job_id for result in ordered}), "rows": _as_json(ordered)}
    # Planned each time: a plan from when the tables were small would read them whole for every image.
    cursor = await connection.execute(_INSERT, parameters, prepare=False)
    jobs: dict[UUID, Counter[Outcome]] = {}
    retries: dict[UUID, int] = {}
    for job_id, outcome, image_nos, has_copies, retries[job_id] in await cursor.fetchall():
        outcomes = jobs.setdefault(job_id, Counter())
        outcomes[Outcome(outcome)] += len(image_nos)
        if has_copies:
            cursor = await connection.execute(_COPY_TO_COPIES, [job_id, image_nos], prepare=False)
            outcomes[Outcome(outcome)] += cursor.rowcount
    await finish_jobs(connection, await _count_in_jobs(connection, jobs, retries))
    if grants:
        await connection.execute(DROP_GRANTS, [list(grants)])
    return sum(count.total() for count in jobs.values())


def _in_order(results: Sequence[Result]) -> list[Result]:
    jobs: dict[UUID, list[Result]] = {}
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


class _Row(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """A result as its row; what is left out is NULL."""

    job_id: UUID
    image_no: int
    outcome: Outcome
    tries: int
    earlier: int = 0
    cause: Cause | None = None
    detail: str | None = None
    format: Format | None = None
    width: int | None = None
    height: int | None = None
    displayed_width: int | None = None
    displayed_height: int | None = None
    size_bytes: int | None = None
    sha256: str | None = None
    suspect: str | None = None


def _as_json(results: Sequence[Result]) -> str:
    return msgspec.json.encode([_row(result) for result in results]).decode()


def _row(result: Result) -> _Row:
    row = _Row(
        job_id=result.job_id,
        image_no=result.image_no,
        outcome=result.outcome,
        tries=result.tries,
        earlier=result.earlier,
        cause=result.cause,
        detail=_storable(result.detail),
    )
    measured = result.measurement
    if measured is not None:
        header = measured.header
        row.format, row.width, row.height = header.format, header.width, header.height
        row.displayed_width, row.displayed_height = header.displayed_width, header.displayed_height
        row.size_bytes = measured.size_bytes
        row.sha256 = None if measured.sha256 is None else rf"\x{measured.sha256.hex()}"
        row.suspect = _storable(measured.suspect)
    return row


def _storable(text: str | None) -> str | None:
    """A text without what PostgreSQL refuses: one such would keep its whole batch from being written."""
    return text and text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
