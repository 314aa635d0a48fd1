"""Workers: which are alive, and what happens to the images in hand of one that is gone.

All times are the database's own, so a worker's clock may be wrong.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from psycopg import sql

from retailpulse.storage import locks
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.scheduling import losses
from retailpulse.storage.scheduling.claims import LOCK_JOBS
from retailpulse.storage.scheduling.notifications import notify_hosts

_SILENT = """
    SELECT worker_id FROM workers WHERE beat_at < now() - make_interval(secs => %s)
    ORDER BY worker_id FOR UPDATE SKIP LOCKED
"""
# OFFSET has each result looked up by its key, whatever the planner believes of a job.
_PUT_BACK = sql.SQL("""
    WITH held AS (
        DELETE FROM grants WHERE worker_id = ANY(%(worker_ids)s) AND grant_id <> ALL(%(kept)s) RETURNING *),
    back AS (
        INSERT INTO slices (host_id, rank, tag, job_id, image_nos)
        SELECT {place}, job_id, left_over
        FROM held h CROSS JOIN LATERAL (
            SELECT {is_suspect} AS is_suspect, array_agg(no ORDER BY no) AS left_over
            FROM unnest(h.image_nos) no
            WHERE NOT EXISTS (
                SELECT FROM results r WHERE r.job_id = h.job_id AND r.image_no = no OFFSET 0)
            GROUP BY 1) unsettled
        WHERE job_id = ANY(%(job_ids)s)
        RETURNING host_id, cardinality(image_nos) AS images)
    SELECT host_id, sum(images)::int FROM back GROUP BY host_id
""")
_BACK_TO_HOSTS = _PUT_BACK.format(place=sql.SQL("host_id, rank, tag"), is_suspect=sql.SQL("false"))
# In quarantine they begin at the tag of the next one there.
_BACK_FROM_THE_LOST = _PUT_BACK.format(
    is_suspect=sql.SQL("(h.job_id, no) IN ({suspects})").format(suspects=sql.SQL(losses.SUSPECTS)),
    place=sql.SQL("""
        CASE WHEN is_suspect THEN {quarantine} ELSE host_id END, rank,
        CASE WHEN is_suspect AND host_id <> {quarantine} THEN coalesce((
            SELECT s.tag FROM slices s WHERE s.host_id = {quarantine} AND s.rank = h.rank
            ORDER BY s.host_id, s.rank, s.tag, s.slice_id LIMIT 1), 0) ELSE tag END
    """).format(quarantine=sql.Literal(losses.QUARANTINE)),
)
_MOVE = (
    "UPDATE grants SET worker_id = %s WHERE worker_id = %s",
    "UPDATE leases SET worker_id = %s WHERE worker_id = %s",
)
# All hosts are locked in the order of their ids, whatever plan adds up their slots.
_FREE_SLOTS = """
    WITH slots AS (DELETE FROM leases WHERE worker_id = ANY(%s) RETURNING host_id, slots),
    freed AS MATERIALIZED (SELECT host_id, sum(slots)::int AS slots FROM slots GROUP BY host_id),
    locked AS MATERIALIZED (
        SELECT host_id FROM hosts WHERE host_id IN (SELECT host_id FROM freed)
        ORDER BY host_id FOR NO KEY UPDATE)
    UPDATE hosts h SET leased = greatest(0, h.leased - freed.slots) FROM freed JOIN locked USING (host_id)
    WHERE h.host_id = freed.host_id
    RETURNING h.host_id
"""


async def lock_sweep(connection: Connection) -> bool:
    """Takes the sweep for this transaction; False if another worker has it."""
    cursor = await connection.execute(locks.TRY, [locks.SWEEP])
    return await cursor.fetchone() == (True,)


async def register(connection: Connection, process: UUID | None = None) -> int:
    """Makes a new worker known, that is a process or goes on with one; returns its id."""
    cursor = await connection.execute(
        "INSERT INTO workers (process) VALUES (coalesce(%s, gen_random_uuid())) RETURNING worker_id",
        [process],
    )
    ((worker_id,),) = await cursor.fetchall()
    return int(worker_id)


async def beat(connection: Connection, worker_id: int, *, is_stopping: bool = False) -> bool:
    """Says that a worker is alive; False if it was taken for dead and what it had was given away."""
    cursor = await connection.execute(
        "UPDATE workers SET beat_at = now(), is_stopping = %s WHERE worker_id = %s",
        [is_stopping, worker_id],
        prepare=True,
    )
    return cursor.rowcount == 1


async def alive(connection: Connection, stale_seconds: float) -> list[int]:
    """The workers that have said lately that they are alive."""
    cursor = await connection.execute(
        "SELECT worker_id FROM workers WHERE beat_at > now() - make_interval(secs => %s) ORDER BY worker_id",
        [stale_seconds],
    )
    return [worker_id for (worker_id,) in await cursor.fetchall()]


async def sweep(connection: Connection, stale_seconds: float) -> tuple[int, int]:
    """Takes away what silent workers have, in the transaction of `connection`; how many workers and images.

    Their images wait again, first of their priority, but for those with a result or of a job that has ended.
    They are noted as lost; a worker that lives takes that back (`losses.take_back`).
    """
    cursor = await connection.execute(_SILENT, [stale_seconds])
    silent = [worker_id for (worker_id,) in await cursor.fetchall()]
    return len(silent), await leave(connection, silent, are_lost=True) if silent else 0


async def release(connection: Connection, process: UUID) -> int:
    """Takes away what a process has that was seen to die, as a sweep would later; returns how many images."""
    cursor = await connection.execute(
        "SELECT worker_id FROM workers WHERE process = %s ORDER BY worker_id FOR UPDATE", [process]
    )
    lost = [worker_id for (worker_id,) in await cursor.fetchall()]
    return await leave(connection, lost, are_lost=True) if lost else 0


async def renew(connection: Connection, worker_id: int, grant_ids: Sequence[int]) -> int | None:
    """Lets a worker go on under a new id, in the transaction of `connection`; None if it was swept.

    It has lost its connection, and with it perhaps answers: images of grants other than these wait again.
    What it asked for by the old id and the server has not begun yet is dropped.
    """
    cursor = await connection.execute(
        "SELECT process FROM workers WHERE worker_id = %s FOR UPDATE", [worker_id]
    )
    known = await cursor.fetchone()
    if known is None:
        return None
    back = await _put_back(connection, [worker_id], await _lock_jobs(connection, [worker_id]), grant_ids)
    new_id = await register(connection, known[0])
    for statement in _MOVE:
        await connection.execute(statement, [new_id, worker_id])
    await connection.execute("DELETE FROM workers WHERE worker_id = %s", [worker_id])
    await notify_hosts(connection, back)
    return new_id


async def leave(connection: Connection, worker_ids: Sequence[int], *, are_lost: bool = False) -> int:
    """Takes away all that workers have, and the workers themselves; returns how many images wait again.

    Of those that `are_lost` images may go to quarantine that others were lost with before.
    """
    given = [list(worker_ids)]
    await connection.execute("SELECT FROM workers WHERE worker_id = ANY(%s) FOR UPDATE", given)
    ongoing = await _lock_jobs(connection, worker_ids)
    cursor = await connection.execute(_FREE_SLOTS, given, prepare=False)
    hosts = {host_id for (host_id,) in await cursor.fetchall()}
    if are_lost:
        await losses.note(connection, worker_ids, ongoing)
    back = await _put_back(connection, worker_ids, ongoing, are_lost=are_lost)
    await connection.execute("DELETE FROM workers WHERE worker_id = ANY(%s)", given)
    await notify_hosts(connection, hosts | back.keys())
    return sum(back.values())


async def _lock_jobs(connection: Connection, worker_ids: Sequence[int]) -> list[UUID]:
    """The ongoing jobs of which workers have images; they cannot end before this transaction does."""
    cursor = await connection.execute(
        "SELECT DISTINCT job_id FROM grants WHERE worker_id = ANY(%s)", [list(worker_ids)]
    )
    cursor = await connection.execute(LOCK_JOBS, [sorted(job_id for (job_id,) in await cursor.fetchall())])
    return [job_id for (job_id,) in await cursor.fetchall()]


async def _put_back(
    connection: Connection,
    worker_ids: Sequence[int],
    job_ids: Sequence[UUID],
    kept: Sequence[int] = (),
    *,
    are_lost: bool = False,
) -> dict[int, int]:
    """Puts images of workers in line again, but for those of the grants `kept`; how many at each host."""
    parameters = {"worker_ids": list(worker_ids), "job_ids": list(job_ids), "kept": list(kept)}
    statement = _BACK_FROM_THE_LOST if are_lost else _BACK_TO_HOSTS
    if are_lost:
        parameters["losses"] = losses.LOSSES_BEFORE_QUARANTINE
    cursor = await connection.execute(statement, parameters, prepare=False)
    return dict(await cursor.fetchall())


async def ended_jobs(connection: Connection, job_ids: Collection[UUID]) -> list[UUID]:
    """Those of the jobs that do not go on any more, or are not there."""
    cursor = await connection.execute(
        """
        SELECT held.job_id FROM unnest(%s::uuid[]) AS held (job_id)
        WHERE NOT EXISTS (
            SELECT FROM jobs j WHERE j.job_id = held.job_id AND j.status = 'ongoing' OFFSET 0)
        """,
        [list(job_ids)],
        prepare=True,
    )
    return [job_id for (job_id,) in await cursor.fetchall()]
