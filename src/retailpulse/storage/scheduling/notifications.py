"""News between processes: hosts with something new, and jobs that have ended.

A notification that is lost, doubled or late does no harm: workers look for themselves at each heartbeat.
"""

from collections.abc import Iterable
from uuid import UUID

from psycopg import sql

from retailpulse.storage.database import Connection

HOSTS_CHANNEL = "retailpulse_hosts"
"""Images came to wait at hosts."""
LIMITS_CHANNEL = "retailpulse_limits"
"""Slots of hosts were given back that others want, or their limits have changed."""
JOBS_CHANNEL = "retailpulse_jobs"
"""A job was cancelled or deleted: whoever works on its images stops."""
MOST_NAMED = 500
"""A payload holds 8,000 bytes at most; for more hosts it is empty, which names all of them."""

_NOTIFY = "SELECT pg_notify(%s, %s)"


async def notify_hosts(connection: Connection, host_ids: Iterable[int], channel: str = HOSTS_CHANNEL) -> None:
    """Tells all workers of hosts, once the transaction of `connection` is committed."""
    named = sorted(set(host_ids))
    if named:
        payload = ",".join(map(str, named)) if len(named) <= MOST_NAMED else ""
        await connection.execute(_NOTIFY, [channel, payload])


async def notify_ended(connection: Connection, job_id: UUID) -> None:
    """Tells all workers that a job has ended otherwise than by its last result."""
    await connection.execute(_NOTIFY, [JOBS_CHANNEL, str(job_id)])


async def listen(connection: Connection) -> None:
    """Lets a connection hear of all three."""
    for channel in (HOSTS_CHANNEL, LIMITS_CHANNEL, JOBS_CHANNEL):
        await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))


def named_hosts(payload: str) -> frozenset[int] | None:
    """The hosts that a payload names; None for all of them."""
    parts = payload.split(",") if payload else []
    if not parts or not all(part.lstrip("-").isdecimal() for part in parts):
        return None
    return frozenset(map(int, parts))
