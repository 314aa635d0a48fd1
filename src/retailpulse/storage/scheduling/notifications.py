"""News between processes: hosts with something new, and jobs that have ended.

A notification that is lost, doubled or late does no harm: workers look for themselves at each heartbeat.
"""

from collections.abc import Iterable
from uuid import UUID

import msgspec
from psycopg import sql

from retailpulse.storage.postgres.database import Connection

HOSTS_CHANNEL = "retailpulse_hosts"
"""Images came to wait at hosts."""
LIMITS_CHANNEL = "retailpulse_limits"
"""Slots of hosts were given back that others want, or their limits have changed."""
JOBS_CHANNEL = "retailpulse_jobs"
"""A job was cancelled or deleted: workers stop their work on its images."""
MOST_NAMED = 500
"""A payload holds 8,000 bytes at most; of more hosts it names none."""

_NOTIFY = "SELECT pg_notify(%s, %s)"


class HostNotification(msgspec.Struct, frozen=True, kw_only=True):
    """What a notification says: which hosts, None for any; and of images that came, their rank.

    `are_many`: enough came to each host for all workers to begin with them at once.
    """

    host_ids: frozenset[int] | None
    rank: int = 0
    are_many: bool = False


async def notify_hosts(
    connection: Connection,
    host_ids: Iterable[int],
    *,
    channel: str = HOSTS_CHANNEL,
    rank: int = 0,
    are_many: bool = False,
) -> None:
    """Tells all workers of hosts, once the transaction of `connection` is committed."""
    named = frozenset(host_ids)
    if named:
        told = named if len(named) <= MOST_NAMED else None
        news = HostNotification(host_ids=told, rank=rank, are_many=are_many)
        await connection.execute(_NOTIFY, [channel, msgspec.json.encode(news).decode()])


async def notify_ended(connection: Connection, job_id: UUID) -> None:
    """Tells all workers that a job has ended otherwise than by its last result."""
    await connection.execute(_NOTIFY, [JOBS_CHANNEL, str(job_id)])


async def listen(connection: Connection) -> None:
    """Subscribes a connection to all three notifications."""
    for channel in (HOSTS_CHANNEL, LIMITS_CHANNEL, JOBS_CHANNEL):
        await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))


def read_hosts(payload: str) -> HostNotification:
    """The news in a payload; one that cannot be read means any host."""
    try:
        return msgspec.json.decode(payload, type=HostNotification)
    except msgspec.DecodeError:
        return HostNotification(host_ids=None)
