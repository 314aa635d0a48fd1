"""What waits for workers: images, and how many of them their hosts give in a second."""

from psycopg import sql

from retailpulse.domain.scaling import Demand
from retailpulse.storage.matches import queue
from retailpulse.storage.metrics.totals import Backlog
from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.scheduling import host_status
from retailpulse.storage.scheduling.hosts import MOST
from retailpulse.storage.webhooks import deliveries

_MOST_HOSTS = 500
"""What more hosts than that give together is not added up: they feed any number of workers."""
_USUAL_LATENCY_SECONDS = 0.1
"""Of a host that has not been asked yet."""
# Hosts that share a bucket are many: what they give together is not known.
_HOST_RATE = sql.SQL("""
    WITH {queue},
    in_use AS (
        (SELECT host_id FROM queue WHERE host_id IS NOT NULL LIMIT %(most)s + 1)
        UNION SELECT host_id FROM grants)
    SELECT CASE WHEN count(*) <= %(most)s AND NOT bool_or(h.host_id IS NULL) THEN
        sum(least({slots} / greatest(coalesce(h.latency_seconds, {usual}), 0.001), h.rate_per_second)) END
    FROM in_use LEFT JOIN hosts h ON h.host_id = in_use.host_id AND h.host_id > 0
""").format(queue=host_status.QUEUE, slots=MOST, usual=sql.Literal(_USUAL_LATENCY_SECONDS))


async def read_demand(connection: Connection, backlog: Backlog, host_cap: int) -> Demand:
    """What waits, as this backlog has it; `host_cap` is that of hosts of which nothing was learnt.

    A host that only fails counts for the one request by which it is probed.
    """
    if not backlog.images:
        return Demand(images=0, images_per_second=None, has_chores=await _has_chores(connection))
    async with host_status.in_index_order(connection):
        cursor = await connection.execute(_HOST_RATE, {"cap": host_cap, "most": _MOST_HOSTS})
        ((rate,),) = await cursor.fetchall()
    return Demand(images=backlog.images, images_per_second=rate)


async def _has_chores(connection: Connection) -> bool:
    unmatched = await queue.read_backlog(connection, most=1)
    return (
        bool(unmatched.unknown + unmatched.unsearched)
        or await deliveries.read_overdue_seconds(connection) > 0
    )
