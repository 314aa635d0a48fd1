"""Repairs what follows from the rows alone: counters, the ends of jobs, what waits, which decisions stand.

What was measured is never changed.

A result that is being settled meanwhile is not counted here; the settle counts it after this commit.
Weak: a job that ended with images unsettled stays so: what a client was told is not taken back.
"""

from typing import LiteralString
from uuid import UUID

from psycopg import sql

from retailpulse.storage.integrity import review_invariants
from retailpulse.storage.integrity.check import IntegrityReport, StaleThresholds
from retailpulse.storage.integrity.count_invariants import (
    COUNTS,
    MEND_CAUSES,
    MEND_JOBS_BY_STATE,
    MEND_STORES,
)
from retailpulse.storage.integrity.flag_invariants import FLAG_COUNTS, FLAGS, LISTED, MEANT, OF_LIST
from retailpulse.storage.integrity.invariants import COUNTERS, JOB_COUNTS, SHARES, SILENT_WORKER, STATES
from retailpulse.storage.integrity.match_repair import ABOUT_MATCHES, repair_matches
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.reviews.decide import lock_reviews
from retailpulse.storage.scheduling import leases, workers
from retailpulse.storage.scheduling.enqueue import enqueue_missing
from retailpulse.storage.scheduling.slice_builder import JobPlace, OriginOf
from retailpulse.storage.webhooks import deliveries

_SUSPECTS = sql.SQL(" UNION ").join(
    sql.SQL("SELECT job_id FROM ({invariant}) AS broken (job_id, number, detail)").format(
        invariant=invariant.statement
    )
    for invariant in (*COUNTERS, *COUNTS, *FLAGS, *STATES)
)

# Results of images that do not exist may be more than the job has images; such a job is left as it is.
_MEND_COUNTERS = sql.SQL("""
    UPDATE jobs j SET measured = n.real_measured, failed = n.real_failed, cancelled = n.real_cancelled
    FROM ({counts} WHERE j.job_id = ANY(%(job_ids)s)) n
    WHERE j.job_id = n.job_id AND n.real_settled <= n.images
      AND (j.measured, j.failed, j.cancelled) <> (n.real_measured, n.real_failed, n.real_cancelled)
""").format(counts=JOB_COUNTS)

_MEND_FLAG_COUNTERS = sql.SQL("""
    UPDATE jobs j SET flagged = n.real_flagged, flags = n.real_flags
    FROM ({counts} WHERE j.job_id = ANY(%(job_ids)s)) n
    WHERE j.job_id = n.job_id AND (j.flagged, j.flags) <> (n.real_flagged, n.real_flags)
""").format(counts=FLAG_COUNTS)
_MEND_LIST = sql.SQL("""
    INSERT INTO flagged_photos ({of_list})
    {meant} AND r.job_id = ANY(%(job_ids)s) EXCEPT {listed}
    ON CONFLICT (job_id, image_no, flag) DO UPDATE
        SET (settled_at, store_id, area_code) = (excluded.settled_at, excluded.store_id, excluded.area_code)
""").format(meant=MEANT, listed=LISTED, of_list=OF_LIST)
_MEND_WRONGLY_LISTED = sql.SQL("""
    DELETE FROM flagged_photos p USING ({listed} WHERE job_id = ANY(%(job_ids)s) EXCEPT {meant}) wrong
    WHERE (p.job_id, p.image_no, p.flag) = (wrong.job_id, wrong.image_no, wrong.flag)
""").format(meant=MEANT, listed=LISTED)

# A cancelled job stays cancelled, whatever its results are.
_MEND_ENDS = sql.SQL("""
    UPDATE jobs j SET status = n.real_status, finished_at = n.real_finished_at
    FROM (
        SELECT job_id, status, finished_at, real_status,
            CASE WHEN real_status <> 'ongoing' THEN coalesce(finished_at, last_settled_at, now()) END
                AS real_finished_at
        FROM (
            SELECT *, CASE
                WHEN settled < images OR real_settled <> settled OR status = 'cancelled' THEN status
                WHEN cancelled > 0 THEN 'cancelled'
                WHEN failed > 0 THEN 'failed' ELSE 'completed' END AS real_status
            FROM ({counts} WHERE j.job_id = ANY(%(job_ids)s)) counted) judged) n
    WHERE j.job_id = n.job_id
      AND (j.status, j.finished_at) IS DISTINCT FROM (n.real_status, n.real_finished_at)
""").format(counts=JOB_COUNTS)

_ABOUT_WAITING = {invariant.name for invariant in (*SHARES, SILENT_WORKER)} | {
    "waiting_of_ended_job",
    "images_waiting",
    "waiting_in_vain",
}
_ABOUT_REVIEWS = {invariant.name for invariant in review_invariants.REVIEWS}
# If any waiting row of a job is wrong, the whole job is put in line again; workers keep what they have.
_MEND_SHARES: dict[str, LiteralString] = {
    "rows in work deleted whose worker or job does not go on": """
        DELETE FROM grants g
        WHERE NOT EXISTS (SELECT FROM workers w WHERE w.worker_id = g.worker_id)
           OR NOT EXISTS (SELECT FROM jobs j WHERE j.job_id = g.job_id AND j.status = 'ongoing')
    """,
    "rows in line deleted that were wrong": """
        DELETE FROM slices s
        WHERE NOT EXISTS (SELECT FROM hosts h WHERE h.host_id = s.host_id)
           OR NOT EXISTS (SELECT FROM jobs j WHERE j.job_id = s.job_id AND j.status = 'ongoing')
           OR EXISTS (
            SELECT FROM unnest(s.image_nos) no
            WHERE NOT EXISTS (
                    SELECT FROM images i
                    WHERE i.job_id = s.job_id AND i.image_no = no AND i.same_as IS NULL)
               OR EXISTS (SELECT FROM results r WHERE r.job_id = s.job_id AND r.image_no = no)
               OR EXISTS (
                SELECT FROM slices o
                WHERE o.job_id = s.job_id AND o.slice_id <> s.slice_id AND no = ANY(o.image_nos))
               OR EXISTS (SELECT FROM grants g WHERE g.job_id = s.job_id AND no = ANY(g.image_nos)))
    """,
    "leases deleted whose worker does not exist": """
        DELETE FROM leases l WHERE NOT EXISTS (SELECT FROM workers w WHERE w.worker_id = l.worker_id)
    """,
}

# A job that is given its end here has its delivery by that already.
_WRITE_DELIVERIES = sql.SQL("""
    SELECT write_delivery(j) {without_delivery} AND j.job_id = ANY(%(job_ids)s)
""").format(without_delivery=deliveries.WITHOUT_DELIVERY)


async def repair(
    connection: Connection, report: IntegrityReport, thresholds: StaleThresholds, origin_of: OriginOf
) -> list[str]:
    """Mends in the transaction of `connection` what can be; returns a line for each kind of it.

    What waits and the slots of hosts are only looked through if `report` says that they are wrong.
    """
    mended = {}
    is_about_reviews = any(finding.name in _ABOUT_REVIEWS for finding in report.findings)
    if is_about_reviews:
        await lock_reviews(connection)
    if any(finding.name in ABOUT_MATCHES for finding in report.findings):
        mended.update(await repair_matches(connection))
    mended.update(await _repair_jobs(connection))
    if is_about_reviews:
        for what, statement in review_invariants.MENDS:
            mended[what] = (await connection.execute(statement)).rowcount
    if any(finding.name in _ABOUT_WAITING for finding in report.findings):
        mended.update(await _repair_waiting(connection, thresholds, origin_of))
    return [f"{what}: {count:,}" for what, count in mended.items() if count]


async def _repair_jobs(connection: Connection) -> dict[str, int]:
    job_ids = await _lock_suspects(connection)
    mended = {}
    for what, statement in (
        ("counters of jobs set to what the rows say", _MEND_COUNTERS),
        ("counts of jobs by state set to what there are", MEND_JOBS_BY_STATE),
        ("counts of causes set to what the results say", MEND_CAUSES),
        ("counts of stores set to what the visits and results say", MEND_STORES),
        ("counts of flags set to what the results say", _MEND_FLAG_COUNTERS),
        ("flags listed anew as the results say", _MEND_LIST),
        ("flags taken off the list that were wrong there", _MEND_WRONGLY_LISTED),
        ("jobs given the status and the end that their results say", _MEND_ENDS),
        ("deliveries written that were missing", _WRITE_DELIVERIES),
    ):
        cursor = await connection.execute(statement, {"job_ids": job_ids})
        mended[what] = cursor.rowcount
    return mended


async def _lock_suspects(connection: Connection) -> list[UUID]:
    cursor = await connection.execute(_SUSPECTS)
    job_ids = sorted(job_id for (job_id,) in await cursor.fetchall())
    await connection.execute("SELECT FROM jobs WHERE job_id = ANY(%s) ORDER BY job_id FOR UPDATE", [job_ids])
    return job_ids


async def _repair_waiting(
    connection: Connection, thresholds: StaleThresholds, origin_of: OriginOf
) -> dict[str, int]:
    """Takes away what silent workers have, and lets each image that should wait do so once."""
    # First the jobs: a settle has locked those before it comes to its grants.
    cursor = await connection.execute(
        "SELECT job_id, priority FROM jobs WHERE status = 'ongoing' ORDER BY job_id FOR UPDATE"
    )
    ongoing = await cursor.fetchall()
    silent_seconds = thresholds.stale_seconds + thresholds.sweep_seconds
    _, back = await workers.sweep(connection, silent_seconds)
    await connection.execute("LOCK TABLE grants, slices IN SHARE ROW EXCLUSIVE MODE")  # no claim meanwhile
    mended = {"images of silent workers handed back": back}
    for what, statement in _MEND_SHARES.items():
        cursor = await connection.execute(statement)
        mended[what] = cursor.rowcount
    mended["slots of hosts set to what the leases say"] = len(await leases.add_up(connection))
    sent = 0
    for job_id, priority in ongoing:
        place = JobPlace(job_id=job_id, priority=priority)
        sent += await enqueue_missing(connection, place, origin_of)
    return {**mended, "lost images put in line again": sent}
