"""What is counted for each store of a job: its images, those that failed and why, those flagged.

Rows are made with the job. They move only while the row of the job is locked, after it: so no two
transactions wait for each other here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from psycopg import sql

from retailpulse.storage.postgres.database import Connection

_INSERT = """
    INSERT INTO job_stores (job_id, first_visit_no, store_id, images)
    SELECT job_id, min(visit_no), store_id, sum(images) FROM visits WHERE job_id = %s
    GROUP BY job_id, store_id
"""
# OFFSET keeps the planner from joining whole tables: each row is looked up by its key.
_MOVE = """
    WITH moved AS MATERIALIZED (
        SELECT v.store_id, change.cause, sum(change.failed)::int AS failed,
            sum(change.flagged)::int AS flagged
        FROM unnest(%(image_nos)s::int[], %(causes)s::text[], %(failed)s::int[], %(flagged)s::int[])
            AS change (image_no, cause, failed, flagged)
        CROSS JOIN LATERAL (
            SELECT visit_no FROM images
            WHERE job_id = %(job_id)s AND image_no = change.image_no OFFSET 0) i
        CROSS JOIN LATERAL (
            SELECT store_id FROM visits WHERE job_id = %(job_id)s AND visit_no = i.visit_no OFFSET 0) v
        GROUP BY v.store_id, change.cause),
    placed AS MATERIALIZED (
        SELECT s.first_visit_no, m.failed, m.flagged, m.causes
        FROM (
            SELECT store_id, sum(failed)::int AS failed, sum(flagged)::int AS flagged,
                jsonb_object_agg(cause, failed) FILTER (WHERE cause IS NOT NULL) AS causes
            FROM moved GROUP BY store_id) m
        CROSS JOIN LATERAL (
            SELECT first_visit_no FROM job_stores
            WHERE job_id = %(job_id)s AND store_id = m.store_id
                AND lower(left(store_id, 200)) COLLATE "C" = lower(left(m.store_id, 200))
            OFFSET 0) s)
    UPDATE job_stores s SET failed = s.failed + p.failed, flagged = s.flagged + p.flagged,
        causes = CASE WHEN p.causes IS NULL THEN s.causes ELSE add_counts(s.causes, p.causes) END
    FROM placed p WHERE s.job_id = %(job_id)s AND s.first_visit_no = p.first_visit_no
"""
REAL_COUNTS = sql.SQL("""
    SELECT v.*, coalesce(f.failed, 0) AS failed, coalesce(f.flagged, 0) AS flagged,
        coalesce(f.causes, '{{}}') AS causes
    FROM (
        SELECT job_id, min(visit_no) AS first_visit_no, store_id, sum(images)::int AS images
        FROM visits v WHERE {of_visits}
        GROUP BY job_id, store_id) v
    LEFT JOIN (
        SELECT job_id, store_id, sum(failed)::int AS failed, sum(flagged)::int AS flagged,
            jsonb_object_agg(cause, failed) FILTER (WHERE cause IS NOT NULL) AS causes
        FROM (
            SELECT r.job_id, v.store_id, CASE WHEN r.outcome = 'failed' THEN r.cause END AS cause,
                count(*) FILTER (WHERE r.outcome = 'failed') AS failed, count(r.flags) AS flagged
            FROM results r
            CROSS JOIN LATERAL (
                SELECT visit_no FROM images
                WHERE job_id = r.job_id AND image_no = r.image_no OFFSET 0) i
            CROSS JOIN LATERAL (
                SELECT store_id FROM visits
                WHERE job_id = r.job_id AND visit_no = i.visit_no OFFSET 0) v
            WHERE (r.outcome = 'failed' OR r.flags IS NOT NULL) AND {of_results}
            GROUP BY 1, 2, 3) counted
        GROUP BY job_id, store_id) f USING (job_id, store_id)
""")
"""What the rows of stores must be, by visits and results; of the jobs that two conditions choose."""
_RECOUNT = sql.SQL("""
    UPDATE job_stores s SET failed = n.failed, flagged = n.flagged, causes = n.causes
    FROM ({counts}) n
    WHERE s.job_id = n.job_id AND s.first_visit_no = n.first_visit_no
        AND (s.failed, s.flagged, s.causes) <> (n.failed, n.flagged, n.causes)
""").format(
    counts=REAL_COUNTS.format(
        of_results=sql.SQL("r.job_id = %(job_id)s"), of_visits=sql.SQL("v.job_id = %(job_id)s")
    )
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """By how much the counts of an image's store move; `cause` is that of a failure."""

    cause: str | None = None
    failed: int = 0
    flagged: int = 0


async def insert(connection: Connection, job_id: UUID) -> None:
    """Makes the rows of a new job, whose visits are written."""
    await connection.execute(_INSERT, [job_id], prepare=False)


async def move(connection: Connection, job_id: UUID, changes: Mapping[int, Change]) -> None:
    """Moves the counts by what changed at images, which are named by number; the job's row is locked."""
    if not changes:
        return
    values = {
        "job_id": job_id,
        "image_nos": list(changes),
        "causes": [change.cause for change in changes.values()],
        "failed": [change.failed for change in changes.values()],
        "flagged": [change.flagged for change in changes.values()],
    }
    # Planned each time, as the settle: a plan from when the tables were small would read them whole.
    await connection.execute(_MOVE, values, prepare=False)


async def recount(connection: Connection, job_id: UUID) -> None:
    """Sets the counts to what the results say; the job's row is locked."""
    await connection.execute(_RECOUNT, {"job_id": job_id}, prepare=False)
