"""Shares out what hosts bear among workers: slots, each the right to have one request at a host.

`hosts.leased` is the only truth about a host's slots, and moves with the rows of `leases` in one transaction.
A lease holds while its worker lives. Weak: a worker that is cut off from the database goes on with requests
that it has begun, until it notices.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from psycopg import sql

from retailpulse.storage.postgres.database import Connection
from retailpulse.storage.scheduling.hosts import LIMITS, MOST, KnownHost, known_host
from retailpulse.storage.scheduling.notifications import LIMITS_CHANNEL, notify_hosts

# A loose scan of the index: one step for each host with waiting images, however many there are. A mark that
# says so could not be kept without locks between submits and claims.
_DISCOVER = sql.SQL("""
    WITH RECURSIVE waiting AS (
        (SELECT host_id, rank, job_id FROM slices WHERE host_id > %(after)s
         ORDER BY host_id, rank, tag, slice_id LIMIT 1)
        UNION ALL
        SELECT n.* FROM waiting w CROSS JOIN LATERAL (
            SELECT host_id, rank, job_id FROM slices WHERE host_id > w.host_id
            ORDER BY host_id, rank, tag, slice_id LIMIT 1) n),
    seen AS MATERIALIZED (SELECT * FROM waiting LIMIT %(limit)s)
    SELECT s.host_id, s.rank, s.job_id, {most} - h.leased, h.rest_until > now()
    FROM seen s CROSS JOIN LATERAL (SELECT * FROM hosts WHERE host_id = s.host_id OFFSET 0) h
""").format(most=MOST)
TURN_SECONDS = 5
"""If there are fewer slots than workers that want one, each has its turn for so long."""
_OTHERS = sql.SQL("""
    (SELECT ARRAY[count(*), (
            count(*) FILTER (WHERE o.worker_id < %(worker_id)s) + floor(extract(epoch FROM now()) / {turn})
        )::bigint %% (count(*) + 1)]
     FROM leases o WHERE o.host_id = l.host_id AND o.worker_id <> %(worker_id)s)
""").format(turn=sql.Literal(TURN_SECONDS))
# Another worker is just taking slots of a host that is locked now: the next look comes soon.
_ACQUIRE = sql.SQL("""
    WITH me AS MATERIALIZED (
        SELECT worker_id FROM workers WHERE worker_id = %(worker_id)s FOR KEY SHARE),
    want AS MATERIALIZED (
        SELECT * FROM unnest(%(host_ids)s::int[], %(wants)s::int[]) AS want (host_id, slots)
        WHERE EXISTS (SELECT FROM me) ORDER BY host_id),
    room AS MATERIALIZED (
        SELECT h.host_id, greatest(0, least(want.slots, {most} + %(extra)s - h.leased)) AS slots
        FROM want CROSS JOIN LATERAL (
            SELECT * FROM hosts WHERE host_id = want.host_id FOR NO KEY UPDATE SKIP LOCKED) h),
    taken AS (
        UPDATE hosts h SET leased = h.leased + room.slots FROM room
        WHERE h.host_id = room.host_id AND room.slots > 0),
    leased AS (
        INSERT INTO leases AS l (host_id, worker_id, slots)
        SELECT room.host_id, me.worker_id, room.slots FROM room CROSS JOIN me
        ON CONFLICT (host_id, worker_id) DO UPDATE SET slots = l.slots + excluded.slots
        RETURNING host_id, slots)
    SELECT l.slots, {others}, {limits}
    FROM leased l CROSS JOIN LATERAL (SELECT * FROM hosts WHERE host_id = l.host_id OFFSET 0) h
""").format(most=MOST, limits=LIMITS, others=_OTHERS)
_KEEP = """
    WITH keep AS MATERIALIZED (
        SELECT * FROM unnest(%(host_ids)s::int[], %(keeps)s::int[], %(in_flight)s::int[])
            AS keep (host_id, slots, in_flight) ORDER BY host_id),
    mine AS MATERIALIZED (
        SELECT l.host_id, l.slots - kept.slots AS less, keep.slots < 0 AS is_left, kept.slots,
            keep.in_flight
        FROM keep CROSS JOIN LATERAL (
            SELECT * FROM leases WHERE host_id = keep.host_id AND worker_id = %(worker_id)s FOR UPDATE) l
        CROSS JOIN LATERAL (  -- whose answer was lost believes that it has more
            SELECT least(l.slots, greatest(keep.slots, 0)) AS slots) kept),
    free AS (
        UPDATE hosts h SET leased = greatest(0, h.leased - mine.less) FROM mine
        WHERE h.host_id = mine.host_id AND mine.less > 0),
    less AS (
        UPDATE leases l SET slots = mine.slots, in_flight = mine.in_flight FROM mine
        WHERE l.host_id = mine.host_id AND l.worker_id = %(worker_id)s AND NOT mine.is_left),
    gone AS (
        DELETE FROM leases WHERE worker_id = %(worker_id)s
            AND host_id = ANY(ARRAY(SELECT host_id FROM mine WHERE is_left)))
    SELECT pg_notify(%(channel)s, json_build_object('host_ids', json_agg(host_id))::text)
    FROM (
        SELECT host_id FROM mine WHERE less > 0 AND EXISTS (
            SELECT FROM leases o WHERE o.host_id = mine.host_id AND o.worker_id <> %(worker_id)s)
        LIMIT 500) wanted
    HAVING count(*) > 0
"""
_LOOK = sql.SQL("""
    SELECT l.slots, {others}, {limits}
    FROM (
        SELECT * FROM leases
        WHERE worker_id = %(worker_id)s
            AND (%(host_ids)s::int[] IS NULL OR host_id = ANY(%(host_ids)s::int[]))
        OFFSET 0) l
    CROSS JOIN LATERAL (SELECT * FROM hosts WHERE host_id = l.host_id OFFSET 0) h
""").format(limits=LIMITS, others=_OTHERS)
# What differs in one snapshot may be a lease on its way; the sums count once the hosts are locked.
_DIFFERENT = """
    SELECT h.host_id FROM hosts h
    LEFT JOIN (SELECT host_id, sum(slots) AS slots FROM leases GROUP BY host_id) l ON l.host_id = h.host_id
    WHERE h.leased <> coalesce(l.slots, 0)
    ORDER BY h.host_id FOR NO KEY UPDATE OF h
"""
_ADD_UP = """
    UPDATE hosts h SET leased = n.slots
    FROM (
        SELECT host_id,
            coalesce((SELECT sum(slots) FROM leases l WHERE l.host_id = wrong.host_id), 0) AS slots
        FROM unnest(%s::int[]) AS wrong (host_id)) n
    WHERE n.host_id = h.host_id AND h.leased <> n.slots
    RETURNING h.host_id
"""


class Waiting(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A host with waiting images: the next job there, how many more slots may be leased, whether it rests."""

    host_id: int
    rank: int
    job_id: UUID
    free_slots: int
    is_resting: bool


class LeaseRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The slots of a worker at a host, and how many other workers have or want some there.

    `before` of them come first now if slots cannot be shared out evenly; they take turns.
    """

    host: KnownHost
    slots: int
    others: int
    before: int


async def discover(connection: Connection, *, after: int, limit: int, cap: int) -> list[Waiting]:
    """The next hosts after an id at which images wait, in the order of their ids."""
    parameters = {"after": after, "limit": limit, "cap": cap}
    cursor = await connection.execute(_DISCOVER, parameters, prepare=True)
    return [
        Waiting(host_id=host_id, rank=rank, job_id=job_id, free_slots=free, is_resting=rests)
        for host_id, rank, job_id, free, rests in await cursor.fetchall()
    ]


async def acquire(
    connection: Connection, worker_id: int, wants: Mapping[int, int], *, cap: int, extra: int = 0
) -> list[LeaseRow]:
    """Leases a worker up to the wanted number of slots of hosts; if there are none, its wish is noted.

    `extra` slots may exceed the cap of a host: for an image of higher priority than all in flight.
    """
    parameters = {
        "worker_id": worker_id,
        "host_ids": list(wants),
        "wants": list(wants.values()),
        "cap": cap,
        "extra": extra,
    }
    cursor = await connection.execute(_ACQUIRE, parameters, prepare=True)
    return [_lease(row) for row in await cursor.fetchall()]


async def keep(connection: Connection, worker_id: int, kept: Sequence[tuple[int, int, int]]) -> None:
    """Gives slots back: per host, how many the worker keeps (-1: it leaves it), and how many it uses."""
    host_ids, keeps, in_flight = zip(*kept, strict=True)
    parameters = {
        "worker_id": worker_id,
        "host_ids": list(host_ids),
        "keeps": list(keeps),
        "in_flight": list(in_flight),
        "channel": LIMITS_CHANNEL,
    }
    await connection.execute(_KEEP, parameters, prepare=True)


async def look(
    connection: Connection, worker_id: int, host_ids: Sequence[int] | None = None, *, cap: int
) -> list[LeaseRow]:
    """The leases of a worker, of some hosts or of all, with what the fleet knows of these now."""
    given = None if host_ids is None else list(host_ids)
    parameters = {"worker_id": worker_id, "cap": cap, "host_ids": given}
    cursor = await connection.execute(_LOOK, parameters, prepare=True)
    return [_lease(row) for row in await cursor.fetchall()]


async def add_up(connection: Connection) -> list[int]:
    """Mends hosts whose leased slots are not what the leases say, in the transaction of `connection`."""
    cursor = await connection.execute(_DIFFERENT, prepare=False)
    different = [host_id for (host_id,) in await cursor.fetchall()]
    if not different:
        return []
    cursor = await connection.execute(_ADD_UP, [different], prepare=False)
    mended = [host_id for (host_id,) in await cursor.fetchall()]
    await notify_hosts(connection, mended)
    return mended


def _lease(row: tuple[Any, ...]) -> LeaseRow:
    slots, (others, before), *host = row
    return LeaseRow(host=known_host(tuple(host)), slots=slots, others=others, before=before)
