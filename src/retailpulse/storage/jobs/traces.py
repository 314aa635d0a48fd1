"""The trace of a job: by what other processes go on with it, if its submit was recorded."""

from uuid import UUID

from retailpulse.storage.postgres.database import Connection

_NOTE = "UPDATE jobs SET traceparent = %s WHERE job_id = %s AND traceparent IS DISTINCT FROM %s"


async def note(connection: Connection, job_id: UUID, traceparent: str | None) -> None:
    """Notes with a job its trace, or that it has none any more; in the transaction that makes it wait."""
    await connection.execute(_NOTE, [traceparent, job_id, traceparent])


async def find(connection: Connection, job_id: UUID) -> str | None:
    """The trace of a job; None if it is not recorded, or the job is not there."""
    cursor = await connection.execute("SELECT traceparent FROM jobs WHERE job_id = %s", [job_id])
    row = await cursor.fetchone()
    return None if row is None else row[0]
