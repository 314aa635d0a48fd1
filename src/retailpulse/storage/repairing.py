"""Mends what follows from the rows alone: counters, the ends of jobs, messages. Never touches a result.

Rows are locked in the order of `results.settle`: chunks, then jobs. A result that is being settled
meanwhile is not counted here; who settles it counts it once this is committed.
Weak: a job that ended with images unsettled stays so: what a client was told is not taken back.
"""

from uuid import UUID

import procrastinate
from psycopg import sql

from retailpulse.storage import deliveries, queue
from retailpulse.storage.database import Connection
from retailpulse.storage.invariants import Patience, Report
from retailpulse.storage.laws import CHUNK_COUNTS, COUNTERS, JOB_COUNTS, STATES

_SUSPECTS = sql.SQL(" UNION ").join(
    sql.SQL("SELECT job_id FROM ({law}) AS broken (job_id, number, detail)").format(law=law.statement)
    for law in (*COUNTERS, *STATES)
)

_MEND_CHUNKS = sql.SQL("""
    UPDATE chunks c SET images = n.real_images, settled = n.real_settled
    FROM ({counts} WHERE c.job_id = ANY(%(job_ids)s)) n
    WHERE c.job_id = n.job_id AND c.chunk_no = n.chunk_no
      AND (c.images, c.settled) <> (n.real_images, n.real_settled)
""").format(counts=CHUNK_COUNTS)

# Results of images that do not exist may be more than the job has images; such a job is left as it is.
_MEND_COUNTERS = sql.SQL("""
    UPDATE jobs j SET measured = n.real_measured, failed = n.real_failed, cancelled = n.real_cancelled
    FROM ({counts} WHERE j.job_id = ANY(%(job_ids)s)) n
    WHERE j.job_id = n.job_id AND n.real_settled <= n.images
      AND (j.measured, j.failed, j.cancelled) <> (n.real_measured, n.real_failed, n.real_cancelled)
""").format(counts=JOB_COUNTS)

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

# A job that is given its end here has its delivery by that already.
_WRITE_DELIVERIES = sql.SQL("""
    SELECT write_delivery(j) {without_delivery} AND j.job_id = ANY(%(job_ids)s)
""").format(without_delivery=deliveries.WITHOUT_DELIVERY)


async def repair(
    connection: Connection, app: procrastinate.App, report: Report, patience: Patience
) -> list[str]:
    """Mends in the transaction of `connection` what can be; returns a line for each kind of it.

    Only messages that `report` names are deleted.
    """
    mended = await _mend_jobs(connection)
    mended.update(await _mend_queue(connection, app, report, patience))
    return [f"{what}: {count:,}" for what, count in mended.items() if count]


async def _mend_jobs(connection: Connection) -> dict[str, int]:
    job_ids = await _lock_suspects(connection)
    mended = {}
    for what, statement in (
        ("counters of chunks set to what the rows say", _MEND_CHUNKS),
        ("counters of jobs set to what the rows say", _MEND_COUNTERS),
        ("jobs given the status and the end that their results say", _MEND_ENDS),
        ("deliveries written that were missing", _WRITE_DELIVERIES),
    ):
        cursor = await connection.execute(statement, {"job_ids": job_ids})
        mended[what] = cursor.rowcount
    return mended


async def _lock_suspects(connection: Connection) -> list[UUID]:
    cursor = await connection.execute(_SUSPECTS)
    job_ids = sorted(job_id for (job_id,) in await cursor.fetchall())
    for lock in (
        "SELECT FROM chunks WHERE job_id = ANY(%s) ORDER BY job_id, chunk_no FOR UPDATE",
        "SELECT FROM jobs WHERE job_id = ANY(%s) ORDER BY job_id FOR UPDATE",
    ):
        await connection.execute(lock, [job_ids])
    return job_ids


async def _mend_queue(
    connection: Connection, app: procrastinate.App, report: Report, patience: Patience
) -> dict[str, int]:
    if not await queue.lock_sweep(connection):  # a worker is just doing the same
        return {}
    silent_seconds = patience.stale_seconds + patience.sweep_seconds
    stalled = await queue.hand_back_stalled(connection, silent_seconds)
    deleted = await connection.execute(
        "DELETE FROM procrastinate_jobs WHERE id = ANY(%s)", [sorted(report.strays)]
    )
    return {
        "messages of silent workers handed back": stalled,
        "messages without an open chunk deleted": deleted.rowcount,
        "lost messages sent again": await _send_lost(connection, app),
        "lost messages of deliveries sent again": await _send_due(connection),
    }


async def _send_lost(connection: Connection, app: procrastinate.App) -> int:
    lost, last = await queue.find_chunks_without_message(connection)
    await queue.send_lost(app, connection, lost)
    sent = len(lost)
    while last is not None:
        lost, last = await queue.find_chunks_without_message(connection, last)
        await queue.send_lost(app, connection, lost)
        sent += len(lost)
    return sent


async def _send_due(connection: Connection) -> int:
    sent = 0
    while more := await deliveries.send_due(connection):
        sent += more
    return sent
