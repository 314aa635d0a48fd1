"""Photo hosts: their ids, and what the fleet has learnt of each, updated by one worker at a time."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from psycopg import sql

from retailpulse.domain.hosts import BreakerState, HostLimits
from retailpulse.storage.postgres.database import Connection

REMEMBERED_SECONDS = 3_600.0
"""How long the limits of a host without requests are trusted."""
UNUSED_SECONDS = 7 * 86_400.0
"""How long after its last request a host is removed."""

_FIND = "SELECT origin, host_id FROM hosts WHERE origin = ANY(%s) ORDER BY origin FOR KEY SHARE"
_ADD = """
    INSERT INTO hosts (origin) SELECT * FROM unnest(%s::text[])
    ON CONFLICT (origin) DO UPDATE SET learnt_at = hosts.learnt_at
    RETURNING origin, host_id
"""
# One text for all: thousands of short ones would cost more to send than to look up. No origin holds a space.
_KNOWN = """
    SELECT origin, host_id FROM hosts
    WHERE origin = ANY(string_to_array(%s, ' ')) AND (leased > 0 OR breaker <> 'closed')
"""
MOST = sql.SQL("CASE h.breaker WHEN 'closed' THEN coalesce(h.cap, %(cap)s) ELSE 1 END")
"""How many slots of a host `h` may be leased, if an unlearnt one has `cap`."""
LIMITS = sql.SQL("""
    h.host_id, h.origin, h.version, coalesce(h.cap, %(cap)s), h.ceiling, h.rate_per_second, h.breaker,
    extract(epoch FROM greatest(h.rest_until, now()) - now())::float8, h.failed_probes,
    extract(epoch FROM now() - h.failing_since)::float8, h.latency_seconds, h.is_crowded, h.cause, h.detail,
    extract(epoch FROM now() - h.refused_at)::float8
""")
"""What a `KnownHost` is read from, in its order, of a host `h`."""
# While its breaker is not closed, a host is written at its failures: those that are no refusals count too.
_WRITE = """
    WITH new AS (
        SELECT * FROM json_to_recordset(%(hosts)s::json) AS new (host_id int, version bigint, cap int,
            ceiling int, rate_per_second float8, breaker text, rest_seconds float8, failed_probes int,
            failing_seconds float8, latency_seconds float8, is_crowded boolean, cause text, detail text,
            refused_seconds float8)
        ORDER BY host_id)
    UPDATE hosts h SET version = h.version + 1, cap = new.cap, ceiling = new.ceiling,
        rate_per_second = new.rate_per_second, breaker = new.breaker,
        rest_until = now() + make_interval(secs => new.rest_seconds), failed_probes = new.failed_probes,
        failing_since = now() - make_interval(secs => new.failing_seconds),
        latency_seconds = new.latency_seconds, is_crowded = new.is_crowded, cause = new.cause,
        detail = new.detail, refused_at = now() - make_interval(
            secs => CASE WHEN new.breaker = 'closed' THEN new.refused_seconds ELSE 0 END),
        learnt_at = now()
    FROM new WHERE h.host_id = new.host_id AND h.version = new.version
    RETURNING h.host_id, h.version
"""
_FORGET = """
    UPDATE hosts SET cap = NULL, ceiling = NULL, rate_per_second = NULL, breaker = 'closed',
        rest_until = '-infinity', failed_probes = 0, failing_since = NULL, is_crowded = false,
        version = version + 1, learnt_at = now()
    WHERE host_id > 0 AND leased = 0 AND learnt_at < now() - make_interval(secs => %s)
      AND (cap IS NOT NULL OR breaker <> 'closed')
"""
# A submit that has found a host keeps it by its lock until what waits there can be seen.
_DROP = """
    DELETE FROM hosts WHERE host_id IN (
        SELECT h.host_id FROM hosts h
        WHERE h.host_id > 0 AND h.leased = 0 AND h.learnt_at < now() - make_interval(secs => %s)
          AND NOT EXISTS (SELECT FROM slices s WHERE s.host_id = h.host_id)
          AND NOT EXISTS (SELECT FROM grants g WHERE g.host_id = h.host_id)
          AND NOT EXISTS (SELECT FROM leases l WHERE l.host_id = h.host_id)
        LIMIT %s FOR UPDATE SKIP LOCKED)
"""


class KnownHost(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A host, what the fleet has learnt of it, and the number of that version."""

    host_id: int
    origin: str
    version: int
    limits: HostLimits


async def find_hosts(connection: Connection, origins: Iterable[str]) -> dict[str, int]:
    """The ids of hosts; those that were never seen are added. They stay until the transaction ends."""
    wanted = sorted(set(origins))
    if not wanted:
        return {}
    cursor = await connection.execute(_FIND, [wanted])
    found: dict[str, int] = dict(await cursor.fetchall())
    missing = [origin for origin in wanted if origin not in found]
    if missing:
        cursor = await connection.execute(_ADD, [missing])
        found.update(await cursor.fetchall())
    return found


async def busy_hosts(connection: Connection, origins: Iterable[str]) -> dict[str, int]:
    """Those of the origins that workers ask now, or that are left alone, with their ids."""
    cursor = await connection.execute(_KNOWN, [" ".join(origins)])
    return dict(await cursor.fetchall())


async def write_limits(
    connection: Connection, decided: Mapping[int, tuple[int, HostLimits]]
) -> dict[int, int]:
    """Writes what was decided of hosts, each with the version that was seen; returns the new versions.

    A host of which another worker has decided since is left out: that decision counts.
    """
    rows = [
        {"host_id": host_id, "version": version, **msgspec.structs.asdict(limits)}
        for host_id, (version, limits) in decided.items()
    ]
    cursor = await connection.execute(_WRITE, {"hosts": msgspec.json.encode(rows).decode()})
    return dict(await cursor.fetchall())


async def forget_old(connection: Connection, seconds: float = REMEMBERED_SECONDS) -> int:
    """Forgets what was learnt of hosts that got no request for that long; returns of how many."""
    cursor = await connection.execute(_FORGET, [seconds], prepare=False)
    return cursor.rowcount


async def drop_unused(connection: Connection, limit: int, seconds: float = UNUSED_SECONDS) -> int:
    """Removes hosts that got no request for that long, a bounded number; returns how many."""
    cursor = await connection.execute(_DROP, [seconds, limit], prepare=False)
    return cursor.rowcount


def known_host(values: tuple[Any, ...]) -> KnownHost:
    """A host as it is read by `LIMITS`."""
    host_id, origin, version, cap, ceiling, rate, breaker, rest, probes, failing, latency, *rest_of = values
    is_crowded, cause, detail, refused = rest_of
    limits = HostLimits(
        cap=cap,
        ceiling=ceiling,
        rate_per_second=rate,
        breaker=BreakerState(breaker),
        rest_seconds=rest,
        failed_probes=probes,
        failing_seconds=failing,
        latency_seconds=latency,
        is_crowded=is_crowded,
        cause=cause,
        detail=detail,
        refused_seconds=refused,
    )
    return KnownHost(host_id=host_id, origin=origin, version=version, limits=limits)
