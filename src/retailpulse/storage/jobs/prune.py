"""What is done long ago goes: jobs with all their rows, and keys that need not be remembered any more.

A job is gone for clients with one short transaction, which leaves a note in `pruned_jobs`; its rows go
after that, range by range, and the note at last. So if one worker is killed in between, another goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import LiteralString
from uuid import UUID

from psycopg import sql

from retailpulse.domain.errors import Conflict
from retailpulse.storage import locks
from retailpulse.storage.jobs.lock import lock_job
from retailpulse.storage.jobs.read import known_job
from retailpulse.storage.postgres.database import Connection

LONGEST = timedelta(days=36_500)
"""Ages beyond this are cut to it: the database's calendar ends somewhere."""

# Flagged photos and visits first: they are found without their job, and must not be seen without all their
# results. Photos are forgotten before their matches, as a search may write one as long as it finds them.
_NUMBERS: dict[str, LiteralString] = {
    "flagged_photos": "image_no",
    "visits": "visit_no",
    "job_stores": "first_visit_no",
    "results": "image_no",
    "earlier_results": "image_no",
    "thumbnails": "image_no",
    "analysis_images": "image_no",
    "images": "image_no",
    "known_photos": "image_no",
    "photo_matches": "image_no",
    "match_queue": "image_no",
}

_FORGET_PHOTOS = """
    WITH gone AS MATERIALIZED (
        SELECT photo_id FROM known_photos WHERE job_id = %s AND image_no BETWEEN %s AND %s
        ORDER BY photo_id FOR UPDATE),
    hashes AS (DELETE FROM fingerprints WHERE photo_id = ANY(ARRAY(SELECT photo_id FROM gone)))
    DELETE FROM known_photos WHERE photo_id = ANY(ARRAY(SELECT photo_id FROM gone))
"""

_OLD = sql.SQL("status <> 'ongoing' AND finished_at < now() - %(age)s::interval")

_HIDE_ONE = """
    WITH hidden AS (
        DELETE FROM jobs WHERE job_id = %s AND status <> 'ongoing' RETURNING job_id)
    INSERT INTO pruned_jobs (job_id) SELECT job_id FROM hidden ON CONFLICT DO NOTHING
"""

_COUNT = sql.SQL("SELECT count(*), coalesce(sum(images), 0) FROM jobs WHERE {old}").format(old=_OLD)

_HIDE = sql.SQL("""
    WITH hidden AS (
        DELETE FROM jobs WHERE job_id IN (
            SELECT job_id FROM jobs WHERE {old}
            ORDER BY finished_at LIMIT %(limit)s
            FOR UPDATE SKIP LOCKED)
        RETURNING job_id, images),
    noted AS (
        INSERT INTO pruned_jobs (job_id) SELECT job_id FROM hidden ON CONFLICT DO NOTHING)
    SELECT job_id, images FROM hidden
""").format(old=_OLD)


@dataclass(frozen=True, kw_only=True, slots=True)
class Old:
    """Jobs that are old enough to go, and their images."""

    jobs: int
    images: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """A range of a job's rows in one table, by their numbers."""

    table: str
    job_id: UUID
    first: int
    last: int


async def lock(connection: Connection, *, wait: bool) -> bool:
    """Takes the pruning for this transaction; False if another has it and we do not wait."""
    if wait:
        await connection.execute(locks.TAKE, [locks.PRUNING])
        return True
    cursor = await connection.execute(locks.TRY, [locks.PRUNING])
    return await cursor.fetchone() == (True,)


async def count_old(connection: Connection, age: timedelta) -> Old:
    """How many jobs and images `hide_old` would take."""
    cursor = await connection.execute(_COUNT, {"age": min(age, LONGEST)})
    ((jobs, images),) = await cursor.fetchall()
    return Old(jobs=jobs, images=images)


async def hide_old(connection: Connection, age: timedelta, limit: int) -> Old:
    """Takes jobs that ended longer ago than `age` out of everybody's sight, the oldest first.

    Their rows are left for `remains`.
    """
    cursor = await connection.execute(_HIDE, {"age": min(age, LONGEST), "limit": limit})
    hidden = await cursor.fetchall()
    await _forget(connection, [job_id for job_id, _ in hidden])
    return Old(jobs=len(hidden), images=sum(images for _, images in hidden))


async def hide_job(connection: Connection, job_id: UUID) -> None:
    """Takes one job that has ended out of everybody's sight; its rows are left for `remains`.

    Raises NotFound, or Conflict if it goes on.
    """
    await lock_job(connection, job_id)
    cursor = await connection.execute(_HIDE_ONE, [job_id])
    if cursor.rowcount == 0:
        await known_job(connection, job_id)
        raise Conflict(f"the job {job_id} is ongoing; cancel it first")
    await _forget(connection, [job_id])


async def _forget(connection: Connection, job_ids: Sequence[UUID]) -> None:
    """Removes the keys that made hidden jobs."""
    if job_ids:
        await connection.execute("DELETE FROM idempotency_keys WHERE job_id = ANY(%s)", [list(job_ids)])


async def hidden_jobs(connection: Connection) -> list[UUID]:
    """Jobs whose rows are still to be deleted, the first noted first."""
    cursor = await connection.execute("SELECT job_id FROM pruned_jobs ORDER BY pruned_at, job_id LIMIT 1000")
    return [job_id for (job_id,) in await cursor.fetchall()]


async def remains(connection: Connection, job_id: UUID, most_rows: int) -> Sequence[Rows]:
    """What is left of a hidden job, as ranges of bounded size in rows, in the order to delete them.

    The ranges are cut by number at once: to look for the next row each time would read past all that
    were deleted before.
    """
    found = []
    for table, number in _NUMBERS.items():
        ends = sql.SQL("SELECT min({number}), max({number}) FROM {table} WHERE job_id = %s").format(
            number=sql.Identifier(number), table=sql.Identifier(table)
        )
        cursor = await connection.execute(ends, [job_id])
        ((lowest, highest),) = await cursor.fetchall()
        if lowest is not None:
            found += [
                Rows(table=table, job_id=job_id, first=first, last=min(first + most_rows - 1, highest))
                for first in range(lowest, highest + 1, most_rows)
            ]
    return found


async def delete(connection: Connection, rows: Rows) -> int:
    """Deletes a range; returns how many rows there were."""
    if rows.table == "known_photos":
        cursor = await connection.execute(_FORGET_PHOTOS, [rows.job_id, rows.first, rows.last])
        return cursor.rowcount
    if rows.table == "photo_matches":
        await connection.execute(locks.TAKE, [locks.MATCHES])
    statement = sql.SQL("DELETE FROM {table} WHERE job_id = %s AND {number} BETWEEN %s AND %s").format(
        table=sql.Identifier(rows.table), number=sql.Identifier(_NUMBERS[rows.table])
    )
    cursor = await connection.execute(statement, [rows.job_id, rows.first, rows.last])
    return cursor.rowcount


async def drop_note(connection: Connection, job_id: UUID) -> None:
    """Notes that nothing is left of a hidden job."""
    await connection.execute("DELETE FROM pruned_jobs WHERE job_id = %s", [job_id])


async def forget_keys(connection: Connection, age: timedelta, limit: int) -> int:
    """Deletes idempotency keys that were given longer ago than `age`; returns how many."""
    cursor = await connection.execute(
        """
        DELETE FROM idempotency_keys
        WHERE submitted_at < now() - %(age)s::interval  -- again: it may be given anew in this moment
          AND key IN (
            SELECT key FROM idempotency_keys WHERE submitted_at < now() - %(age)s::interval
            ORDER BY submitted_at LIMIT %(limit)s)
        """,
        {"age": min(age, LONGEST), "limit": limit},
    )
    return cursor.rowcount
