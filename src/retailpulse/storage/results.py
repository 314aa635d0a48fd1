"""Results: settled exactly once, read in the order of the submit.

A page is rendered by PostgreSQL itself, row by row, so that no format needs Python's time per row.
"""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from operator import attrgetter
from uuid import UUID

import msgspec
from psycopg import sql

from retailpulse.domain.images import Cause, Format, Outcome
from retailpulse.domain.jobs import ChunkKey, Result
from retailpulse.storage.database import Connection

PAGE_BYTES = 4_000_000
"""A page ends early once its rows carry this much text from the client."""

# Rows come as JSON: as arrays, one for each column, they cost the driver three times as much. A job may be
# pruned by now.
_INSERT = """
    WITH new AS (
        INSERT INTO results (job_id, image_no, outcome, cause, detail, format, width, height,
            displayed_width, displayed_height, size_bytes, sha256, suspect, tries)
        SELECT job_id, image_no, outcome, cause, detail, format, width, height,
            displayed_width, displayed_height, size_bytes, sha256, suspect, tries
        FROM json_to_recordset(%(rows)s::json) AS row (job_id uuid, image_no int, outcome text, cause text,
            detail text, format text, width int, height int, displayed_width int, displayed_height int,
            size_bytes bigint, sha256 bytea, suspect text, tries smallint)
        WHERE job_id = ANY(ARRAY(SELECT j.job_id FROM jobs j WHERE j.job_id = ANY(%(jobs)s)))
        ON CONFLICT DO NOTHING
        RETURNING job_id, outcome, image_no)
    SELECT job_id, outcome, array_agg(image_no),
        EXISTS (SELECT FROM images i WHERE i.job_id = new.job_id AND i.same_as IS NOT NULL)
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

_COUNT_IN_CHUNK = "UPDATE chunks SET settled = settled + %s WHERE job_id = %s AND chunk_no = %s"

_COUNT_IN_JOB = """
    UPDATE jobs SET measured = measured + %(measured)s, failed = failed + %(failed)s,
        status = CASE
            WHEN status <> 'ongoing' OR measured + failed + %(measured)s + %(failed)s < images THEN status
            WHEN failed + %(failed)s > 0 THEN 'failed' ELSE 'completed' END,
        finished_at = CASE
            WHEN status = 'ongoing' AND measured + failed + %(measured)s + %(failed)s = images THEN now()
            ELSE finished_at END
    WHERE job_id = %(job_id)s
"""

_PAGE = """
    SELECT image_no, store_id, visit_time, image_url, outcome, cause, detail, format, width, height,
        displayed_width, displayed_height, perimeter, size_bytes, sha256, suspect, tries, settled_at
    FROM (
        SELECT i.image_no, v.store_id, v.visit_time, i.image_url, r.outcome, r.cause, r.detail, r.format,
            r.width, r.height, r.displayed_width, r.displayed_height, r.perimeter, r.size_bytes,
            encode(r.sha256, 'hex') AS sha256, r.suspect, coalesce(r.tries, 0) AS tries,
            to_char(r.settled_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS settled_at,
            sum(octet_length(v.store_id) + octet_length(v.visit_time) + octet_length(i.image_url))
                OVER (ORDER BY i.image_no) AS bytes
        FROM images i
        JOIN visits v ON v.job_id = i.job_id AND v.visit_no = i.visit_no
        LEFT JOIN results r ON r.job_id = i.job_id AND r.image_no = i.image_no
        WHERE i.job_id = {job_id} AND i.image_no > {after} AND i.image_no <= {after} + {limit}
    ) page
    WHERE bytes <= {page_bytes} OR image_no = {after} + 1
    ORDER BY image_no
"""


class PageFormat(StrEnum):
    """How rows of results are written."""

    JSON_ROWS = "json_rows"
    CSV = "csv"
    CSV_WITH_HEADER = "csv_with_header"


_COPY = {
    # JSON text never holds these control characters, so nothing in it is quoted.
    PageFormat.JSON_ROWS: "COPY (SELECT row_to_json(r) FROM ({page}) r) TO STDOUT"
    r" (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')",
    PageFormat.CSV: "COPY ({page}) TO STDOUT (FORMAT csv)",
    PageFormat.CSV_WITH_HEADER: "COPY ({page}) TO STDOUT (FORMAT csv, HEADER)",
}


async def settle(connection: Connection, results: Sequence[Result]) -> int:
    """Writes results in the transaction of `connection`; one that an image already has stays as it is.

    A result is also that of all copies of its image. Counters of jobs move by the rows really inserted,
    those of chunks by these without the copies, and the last image of a job finishes it. Returns how
    many rows were new. Rows are locked in one order everywhere, so workers cannot deadlock; copies need
    none, as only who has inserted the result of their first inserts theirs.
    """
    ordered = _in_order(results)
    parameters = {"jobs": list({result.chunk.job_id for result in ordered}), "rows": _as_json(ordered)}
    # Planned each time: a plan from when the tables were small would read them whole for every image.
    cursor = await connection.execute(_INSERT, parameters, prepare=False)
    inserted: dict[UUID, list[int]] = {}
    jobs: dict[UUID, Counter[Outcome]] = {}
    for job_id, outcome, image_nos, has_copies in await cursor.fetchall():
        inserted.setdefault(job_id, []).extend(image_nos)
        outcomes = jobs.setdefault(job_id, Counter())
        outcomes[Outcome(outcome)] += len(image_nos)
        if has_copies:
            cursor = await connection.execute(_COPY_TO_COPIES, [job_id, image_nos], prepare=False)
            outcomes[Outcome(outcome)] += cursor.rowcount
    if not jobs:
        return 0
    await _count(connection, _by_chunk(ordered, inserted), jobs)
    return sum(count.total() for count in jobs.values())


def _of_chunks(results: Sequence[Result]) -> list[list[Result]]:
    """The results by the chunks that workers took them from; a chunk that was taken twice is there twice."""
    chunks: dict[int, list[Result]] = {}
    for result in results:  # looking at the key itself costs more than all else here
        chunks.setdefault(id(result.chunk), []).append(result)
    return list(chunks.values())


def _in_order(results: Sequence[Result]) -> list[Result]:
    jobs: dict[UUID, list[Result]] = {}
    for chunk in _of_chunks(results):
        jobs.setdefault(chunk[0].chunk.job_id, []).extend(chunk)
    return [result for job_id in sorted(jobs) for result in sorted(jobs[job_id], key=attrgetter("image_no"))]


def _by_chunk(results: Sequence[Result], inserted: dict[UUID, list[int]]) -> Counter[ChunkKey]:
    """How many of the images inserted belong to each chunk; nearly always they are all of the results."""
    if sum(map(len, inserted.values())) == len(results):
        counts: Counter[ChunkKey] = Counter()
        for chunk in _of_chunks(results):
            counts[chunk[0].chunk] += len(chunk)
        return counts
    # The same image twice in a batch has the same chunk: it was cut from the same job.
    chunk_of = {(result.chunk.job_id, result.image_no): result.chunk for result in results}
    return Counter(chunk_of[job_id, number] for job_id, numbers in inserted.items() for number in numbers)


async def _count(
    connection: Connection, chunks: Counter[ChunkKey], jobs: dict[UUID, Counter[Outcome]]
) -> None:
    # One by one, not by `executemany`: PostgreSQL ends no transaction that idles after a pipeline, so a
    # worker that is frozen here would keep these rows from everybody.
    for key, count in sorted(chunks.items(), key=lambda item: (item[0].job_id, item[0].chunk_no)):
        await connection.execute(_COUNT_IN_CHUNK, [count, key.job_id, key.chunk_no])
    for job_id, outcomes in sorted(jobs.items()):
        counts = {"measured": outcomes[Outcome.MEASURED], "failed": outcomes[Outcome.FAILED]}
        await connection.execute(_COUNT_IN_JOB, {"job_id": job_id, **counts})


class _Row(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """A result as its row; what is left out is NULL."""

    job_id: UUID
    image_no: int
    outcome: Outcome
    tries: int
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
        job_id=result.chunk.job_id,
        image_no=result.image_no,
        outcome=result.outcome,
        tries=result.tries,
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


async def read_page(
    connection: Connection, job_id: UUID, *, after: int, limit: int, page_format: PageFormat
) -> tuple[list[bytes], int]:
    """At most `limit` rows after image number `after`, each as one line; returns them and their count.

    A page with very long texts ends before `limit`, so that it fits in memory.
    """
    page = sql.SQL(_PAGE).format(
        job_id=sql.Literal(job_id),
        after=sql.Literal(after),
        limit=sql.Literal(limit),
        page_bytes=sql.Literal(PAGE_BYTES),
    )
    cursor = connection.cursor()
    async with cursor.copy(sql.SQL(_COPY[page_format]).format(page=page)) as copy:
        lines = [bytes(line) async for line in copy]
    return lines, cursor.rowcount
