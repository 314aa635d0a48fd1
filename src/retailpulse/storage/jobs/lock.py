"""Lets one client at a time change a job as a whole: cancel it, retry it, delete it.

Settling does not take this lock: the order of locks on rows is enough for that.
"""

from uuid import UUID

from retailpulse.storage import locks
from retailpulse.storage.postgres.database import Connection


async def lock_job(connection: Connection, job_id: UUID) -> None:
    """Takes a job for this transaction, before any row of it; waits for the transaction that has it.

    Two jobs may share a lock, which costs them nothing but the wait.
    """
    await connection.execute(
        "SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [locks.JOB_CHANGES, str(job_id)]
    )
