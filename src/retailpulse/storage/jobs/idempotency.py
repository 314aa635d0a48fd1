"""Idempotency keys: which job a client's key has made. Old ones go in `pruning`."""

from uuid import UUID

from retailpulse.domain.errors import Busy, Conflict
from retailpulse.domain.jobs import Idempotency
from retailpulse.storage.postgres.database import Connection

IN_WORK = "a request with this Idempotency-Key is being worked on; send it again later to have its answer"


async def claim_key(
    connection: Connection, idempotency: Idempotency, job_id: UUID, keep_hours: float
) -> UUID | None:
    """Gives a key to a new job, in the transaction that makes it; returns the job that has it, if one does.

    A key that is too old is free again. Raises Conflict if the key was used for another request, Busy
    if another transaction is about to give it.
    """
    cursor = await connection.execute(
        "SELECT pg_try_advisory_xact_lock(hashtextextended('idempotency ' || %s, 0))", [idempotency.key]
    )
    if await cursor.fetchone() != (True,):
        raise Busy(IN_WORK)
    cursor = await connection.execute(
        """
        INSERT INTO idempotency_keys AS old (key, request_sha256, job_id) VALUES (%s, %s, %s)
        ON CONFLICT (key) DO UPDATE
            SET request_sha256 = excluded.request_sha256, job_id = excluded.job_id, submitted_at = now()
            WHERE old.submitted_at < now() - make_interval(secs => %s)
        RETURNING job_id
        """,
        [idempotency.key, idempotency.request_sha256, job_id, keep_hours * 3600],
    )
    if await cursor.fetchone() is not None:
        return None
    cursor = await connection.execute(
        "SELECT job_id, request_sha256 FROM idempotency_keys WHERE key = %s", [idempotency.key]
    )
    ((earlier, request_sha256),) = await cursor.fetchall()
    if request_sha256 != idempotency.request_sha256:
        raise Conflict(
            "this Idempotency-Key was used for another request; send a new key with each new request"
        )
    return UUID(str(earlier))
