"""Photo hosts as operators see them: what waits there, the limits of each; the hosts that a job waits for.

It only reads. What waits is counted up to a bound, so that an answer costs the same at any backlog. The
buckets of hosts with a few images each are shown as one host; the quarantine is one too, without a cap. Weak:
an image that was redirected waits at another host than it is counted at.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from retailpulse.domain.hosts import BreakerState
from retailpulse.storage.postgres.database import Connection

MANY_HOSTS = "(many hosts)"
"""Stands for the origin of all hosts with a few images each: no host is called so."""
COUNTED_SLICES = 1_000
"""How many slices are counted at a host, and eight times as many of a job."""
MOST_HOSTS = 5_000
"""How many hosts are looked at: of those that wait the first, of those that refused lately the last."""

IN_INDEX_ORDER = """
    SELECT set_config(name, 'off', true)
    FROM unnest('{enable_seqscan,enable_bitmapscan,enable_sort}'::text[]) name
"""
"""Has statements of this transaction read slices in the order of an index, no further than asked for."""
# A loose index scan: it goes from each host to the next, past all other slices.
QUEUE = sql.SQL("""
    RECURSIVE queue AS (
        (SELECT host_id FROM slices ORDER BY host_id LIMIT 1)
        UNION ALL
        SELECT (SELECT s.host_id FROM slices s WHERE s.host_id > q.host_id ORDER BY s.host_id LIMIT 1)
        FROM queue q WHERE q.host_id IS NOT NULL)
""")
"""What stands behind WITH for `queue`: the hosts at which something waits, and a last one that is NULL."""
IN_USE = sql.SQL("""
    WITH {queue}
    (SELECT host_id FROM queue WHERE host_id IS NOT NULL LIMIT %(most)s)
    UNION SELECT host_id FROM grants
    UNION SELECT host_id FROM leases WHERE slots > 0 OR in_flight > 0
    UNION (
        SELECT host_id FROM (
            SELECT host_id, breaker, rate_per_second, rest_until, refused_at FROM hosts
            WHERE refused_at > now() - interval '1 hour' ORDER BY refused_at DESC LIMIT %(most)s) refused
        WHERE breaker <> 'closed' OR rate_per_second IS NOT NULL OR rest_until > now()
            OR refused_at > now() - interval '10 minutes')
""").format(queue=QUEUE)
NAMED = """
    SELECT host_id FROM hosts WHERE host_id >= 0 AND origin = ANY(%(origins)s)
    UNION ALL SELECT host_id FROM hosts WHERE host_id < 0 AND %(many)s = ANY(%(origins)s)
"""
STATUS = """
    WITH asked AS (SELECT unnest(%(host_ids)s::integer[]) AS host_id),
    waiting AS (
        SELECT greatest(a.host_id, -1) AS host_id, sum(s.images)::bigint AS images,
            count(DISTINCT s.job_id) AS jobs, max(s.place) <= %(slices)s AS is_whole
        FROM asked a CROSS JOIN LATERAL (
            SELECT job_id, cardinality(image_nos) AS images, row_number() OVER () AS place
            FROM (
                SELECT job_id, image_nos FROM slices
                WHERE host_id = a.host_id ORDER BY rank, tag, slice_id LIMIT %(slices)s + 1) first) s
        GROUP BY 1),
    taken AS (
        SELECT greatest(host_id, -1) AS host_id, sum(cardinality(image_nos))::bigint AS images
        FROM grants WHERE host_id = ANY(%(host_ids)s) GROUP BY 1),
    leased AS (
        SELECT greatest(host_id, -1) AS host_id, sum(slots)::bigint AS slots,
            sum(in_flight)::bigint AS in_flight
        FROM leases WHERE host_id = ANY(%(host_ids)s) GROUP BY 1)
    SELECT coalesce(h.origin, %(many)s) AS origin,
        CASE WHEN h.breaker <> 'closed' THEN 1 WHEN h.host_id > 0 THEN coalesce(h.cap, %(cap)s) END AS cap,
        coalesce(l.in_flight, 0) AS in_flight, coalesce(l.slots, 0) AS leased,
        coalesce(w.images, 0) AS waiting, coalesce(w.jobs, 0) AS waiting_jobs,
        coalesce(w.is_whole, true) AS counted_all, coalesce(t.images, 0) AS taken,
        h.latency_seconds, h.rate_per_second, coalesce(h.breaker, 'closed') AS breaker,
        coalesce(greatest(extract(epoch FROM h.rest_until - now()), 0), 0)::float8 AS rest_seconds,
        coalesce(h.failed_probes, 0) AS failed_probes, h.cause, h.detail, h.refused_at
    FROM (SELECT DISTINCT greatest(host_id, -1) AS host_id FROM asked) known
    LEFT JOIN hosts h ON h.host_id = known.host_id AND h.host_id >= 0
    LEFT JOIN waiting w ON w.host_id = known.host_id
    LEFT JOIN taken t ON t.host_id = known.host_id
    LEFT JOIN leased l ON l.host_id = known.host_id
    WHERE known.host_id < 0 OR h.host_id IS NOT NULL
    ORDER BY waiting DESC, coalesce(h.origin, %(many)s) COLLATE "C"
"""
WAITING_FOR = """
    WITH part AS (
        SELECT greatest(host_id, -1) AS host_id, cardinality(image_nos) AS images,
            row_number() OVER () <= %(slices)s AS is_whole
        FROM (SELECT host_id, image_nos FROM slices WHERE job_id = %(job_id)s LIMIT %(slices)s + 1) first
        UNION ALL
        SELECT greatest(host_id, -1), cardinality(image_nos), true FROM grants WHERE job_id = %(job_id)s),
    counted AS (
        SELECT host_id, sum(images)::bigint AS images, count(*) OVER () AS hosts,
            bool_and(bool_and(is_whole)) OVER () AS counted_all
        FROM part GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %(most)s)
    SELECT coalesce(h.origin, %(many)s) AS origin, c.images,
        CASE WHEN h.breaker <> 'closed' THEN 1 WHEN h.host_id > 0 THEN coalesce(h.cap, %(cap)s) END AS cap,
        coalesce((SELECT sum(l.in_flight) FROM leases l WHERE l.host_id = c.host_id), 0)::bigint AS in_flight,
        h.rate_per_second, coalesce(h.breaker, 'closed') AS breaker,
        coalesce(greatest(extract(epoch FROM h.rest_until - now()), 0), 0)::float8 AS rest_seconds,
        c.hosts, c.counted_all
    FROM counted c LEFT JOIN hosts h ON h.host_id = c.host_id AND h.host_id >= 0
    ORDER BY c.images DESC, c.host_id
"""
TOTALS = """
    SELECT (SELECT coalesce(sum(cardinality(image_nos)), 0) FROM grants)::bigint AS taken_images,
        (SELECT coalesce(sum(slots), 0) FROM leases)::bigint AS leased_slots, (
            SELECT count(*) FROM (
                SELECT breaker FROM hosts WHERE refused_at > now() - interval '1 hour'
                ORDER BY refused_at DESC LIMIT %(most)s) refused
            WHERE breaker <> 'closed') AS open_breakers
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class HostTotals:
    """All hosts together: images that workers have, slots that they hold, hosts left alone.

    `open_breakers` counts hosts whose breaker is not closed, of those that failed within an hour.
    """

    taken_images: int
    leased_slots: int
    open_breakers: int


@dataclass(frozen=True, kw_only=True, slots=True)
class HostStatus:
    """A host: what waits there, what is under way, and what was learnt of it.

    `cap` is the most requests at once as of now, None for many hosts together; `leased` of them workers
    may have, `in_flight` they said that they have. `waiting` images, of `waiting_jobs` jobs, no worker has
    taken yet; both are the least if not `counted_all`. `taken` ones a worker has, in flight or not.
    """

    origin: str
    cap: int | None
    in_flight: int
    leased: int
    waiting: int
    waiting_jobs: int
    counted_all: bool
    taken: int
    latency_seconds: float | None
    rate_per_second: float | None
    breaker: BreakerState
    rest_seconds: float
    failed_probes: int
    cause: str | None
    detail: str | None
    refused_at: datetime | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "breaker", BreakerState(self.breaker))


@dataclass(frozen=True, kw_only=True, slots=True)
class HostOfJob:
    """A host at which `images` of a job have no result yet, and what limits it; as in `HostStatus`."""

    origin: str
    images: int
    cap: int | None
    in_flight: int
    rate_per_second: float | None
    breaker: BreakerState
    rest_seconds: float
    hosts: int
    counted_all: bool

    def __post_init__(self) -> None:
        object.__setattr__(self, "breaker", BreakerState(self.breaker))


async def read_hosts(connection: Connection, origins: Sequence[str] = (), *, cap: int) -> list[HostStatus]:
    """The hosts in use, or those with these origins whether in use or not; most waiting images first.

    A host is in use if something waits or is in work there, or if it was limited lately: it refused within
    ten minutes, or within an hour and is not asked freely since. `cap` is that of hosts of which nothing was
    learnt.
    """
    async with in_index_order(connection):
        if origins:
            asked = await connection.execute(NAMED, {"origins": list(origins), "many": MANY_HOSTS})
        else:
            asked = await connection.execute(IN_USE, {"most": MOST_HOSTS})
        host_ids = [host_id for (host_id,) in await asked.fetchall()]
        cursor = connection.cursor(row_factory=class_row(HostStatus))
        given = {"host_ids": host_ids, "slices": COUNTED_SLICES, "many": MANY_HOSTS, "cap": cap}
        await cursor.execute(STATUS, given)
        return await cursor.fetchall()


async def read_hosts_of_job(connection: Connection, job_id: UUID, *, most: int, cap: int) -> list[HostOfJob]:
    """The hosts at which images of a job have no result yet, those with the most images; each counts all.

    `cap` is that of hosts of which nothing was learnt.
    """
    async with in_index_order(connection):
        cursor = connection.cursor(row_factory=class_row(HostOfJob))
        given = {"job_id": job_id, "slices": 8 * COUNTED_SLICES, "many": MANY_HOSTS, "most": most, "cap": cap}
        await cursor.execute(WAITING_FOR, given)
        return await cursor.fetchall()


async def read_totals(connection: Connection) -> HostTotals:
    """All hosts together; the cost grows with what workers have in hand alone."""
    async with in_index_order(connection):
        cursor = connection.cursor(row_factory=class_row(HostTotals))
        (totals,) = await (await cursor.execute(TOTALS, {"most": MOST_HOSTS})).fetchall()
        return totals


@asynccontextmanager
async def in_index_order(connection: Connection) -> AsyncIterator[None]:
    """Has slices read in the order of their index, and no further than is asked for.

    If statistics know nothing of a large job, or of many hosts, all slices would be read and sorted.
    """
    async with connection.transaction():
        await connection.execute(IN_INDEX_ORDER)
        yield
