"""What each process reports of itself: that it is alive, and sums of what it has measured since its start.

A report overwrites the one before, so it may be sent twice. Sums of processes that are gone are kept and
added up, so that no total ever goes back. Names of sums are the reporters' own.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg.rows import kwargs_row

from retailpulse.storage.postgres.database import Connection

STARTED, CRASHES, IN_FLIGHT = "started", "crashes", "in_flight"
"""Names that every kind of process has among its sums, beside its own."""

_BEGIN = """
    INSERT INTO processes (process_id, kind, started_at, machine, pid, version, in_flight, doing, sums)
    VALUES (%(process_id)s, %(kind)s, now() - make_interval(secs => %(age_seconds)s), %(machine)s, %(pid)s,
        %(version)s, %(in_flight)s, %(doing)s::jsonb, coalesce(%(sums)s::jsonb, '{}'))
    ON CONFLICT (process_id) DO UPDATE
    SET seen_at = now(), in_flight = excluded.in_flight, doing = excluded.doing, sums = excluded.sums
"""
# Sums that did not change are not written again: those of an API are long.
_GO_ON = """
    UPDATE processes
    SET seen_at = now(), suspected_at = NULL, lost_at = NULL, in_flight = %(in_flight)s,
        doing = %(doing)s::jsonb,
        ended_at = CASE WHEN %(is_last)s THEN now() END, sums = coalesce(%(sums)s::jsonb, sums)
    WHERE process_id = %(process_id)s
"""
# Looked at twice: right after an outage of the database everybody has been silent for long.
_NOTE_LOST = """
    UPDATE processes
    SET suspected_at = coalesce(suspected_at, now()),
        lost_at = CASE WHEN suspected_at IS NOT NULL THEN now() END,
        losses = losses + (suspected_at IS NOT NULL)::int
    WHERE ended_at IS NULL AND lost_at IS NULL
      AND seen_at < now() - make_interval(secs => %(stale_seconds)s)
      AND (suspected_at IS NULL OR suspected_at < now() - make_interval(secs => %(stale_seconds)s))
"""
# Not at once: the last report may be sent again, and a suspended process may wake up.
_FOLD = """
    WITH gone AS (
        DELETE FROM processes
        WHERE ended_at < now() - make_interval(secs => %(ended_seconds)s)
           OR lost_at < now() - make_interval(secs => %(lost_seconds)s)
        RETURNING kind, losses, sums),
    named AS (
        SELECT kind, s.key AS name, s.value::float8 AS value FROM gone, jsonb_each_text(sums) s
        UNION ALL SELECT kind, 'started', 1 FROM gone
        UNION ALL SELECT kind, 'crashes', losses FROM gone)
    INSERT INTO ended_sums AS e (kind, name, value)
    SELECT kind, name, sum(value) FROM named GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (kind, name) DO UPDATE SET value = e.value + excluded.value
"""
_READ = """
    SELECT kind, name, sum(value) FROM (
        SELECT kind, name, value FROM ended_sums
        UNION ALL SELECT kind, s.key, s.value::float8 FROM processes, jsonb_each_text(sums) s
        UNION ALL SELECT kind, 'started', 1 FROM processes
        UNION ALL SELECT kind, 'crashes', losses FROM processes
        UNION ALL SELECT kind, 'in_flight', in_flight FROM processes
            WHERE ended_at IS NULL AND seen_at > now() - make_interval(secs => %(stale_seconds)s)) named
    GROUP BY kind, name
"""
_DOING = """
    SELECT kind, jsonb_object_agg(name, value) FROM (
        SELECT kind, d.key AS name, sum((d.value #>> '{}')::bigint) AS value
        FROM processes, jsonb_each(doing) d
        WHERE ended_at IS NULL AND seen_at > now() - make_interval(secs => %(stale_seconds)s)
          AND jsonb_typeof(d.value) = 'number'
        GROUP BY kind, d.key) summed
    GROUP BY kind
"""
# By their last sign of life, so that the lost do not crowd out those that live.
_LIST = """
    SELECT process_id, kind, machine, pid, version, started_at, seen_at, ended_at, in_flight, doing,
        ended_at IS NULL AND seen_at > now() - make_interval(secs => %(stale_seconds)s) AS is_alive,
        extract(epoch FROM now() - started_at)::float8 AS age_seconds,
        extract(epoch FROM now() - seen_at)::float8 AS silent_seconds
    FROM processes WHERE kind = %(kind)s
    ORDER BY is_alive DESC, CASE WHEN ended_at IS NULL THEN seen_at ELSE ended_at END DESC, process_id
    LIMIT %(limit)s
"""
ENDED_SECONDS, LOST_SECONDS = 60.0, 3600.0
"""How long after its goodbye, or its last sign of life, the row of a process goes up in the sums."""


class Doing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a process has in hand at this moment; all but its memory is of workers alone.

    Images in hand are `at_hosts` until their body is there, then `measuring`, then `unwritten`. `jobs` are
    those with the most images here, with their numbers, of `job_count`. `decoders` are its processes.
    """

    memory_bytes: int = 0
    is_stopping: bool = False
    at_hosts: int = 0
    measuring: int = 0
    unwritten: int = 0
    jobs: dict[UUID, int] = {}
    job_count: int = 0
    decoders: int = 0
    busy_decoders: int = 0

    @property
    def in_hand(self) -> int:
        """How many images a worker has."""
        return self.at_hosts + self.measuring + self.unwritten


class ProcessReport(msgspec.Struct, frozen=True, kw_only=True):
    """One process: its sums since its row began, or None if they are as before; what it is doing now.

    Where it runs, and its age in seconds, are kept of the first report alone.
    """

    process_id: UUID
    kind: str
    sums: Mapping[str, float] | None
    in_flight: int
    doing: Doing = Doing()
    machine: str = ""
    pid: int = 0
    version: str = ""
    age_seconds: float = 0.0
    is_last: bool = False

    def parameters(self) -> dict[str, object]:
        """The parameters of the statements."""
        sums = None if self.sums is None else msgspec.json.encode(self.sums).decode()
        doing = msgspec.json.encode(self.doing).decode()
        return {**msgspec.structs.asdict(self), "sums": sums, "doing": doing}


class ProcessRow(msgspec.Struct, frozen=True, kw_only=True):
    """A process as it last reported; times are the database's, ages in seconds."""

    process_id: UUID
    kind: str
    machine: str
    pid: int
    version: str
    started_at: datetime
    seen_at: datetime
    ended_at: datetime | None
    in_flight: int
    doing: Doing
    is_alive: bool
    age_seconds: float
    silent_seconds: float


async def begin(connection: Connection, report: ProcessReport) -> None:
    """Makes the row of a process, also if it is there already."""
    await connection.execute(_BEGIN, report.parameters())


async def go_on(connection: Connection, report: ProcessReport) -> bool:
    """Overwrites the row of a process; False if it was given up for lost long ago, and added up."""
    cursor = await connection.execute(_GO_ON, report.parameters())
    return cursor.rowcount == 1


async def note_lost(connection: Connection, stale_seconds: float) -> int:
    """Notes processes that were silent for that long, twice in a row; returns how many rows changed."""
    cursor = await connection.execute(_NOTE_LOST, {"stale_seconds": stale_seconds})
    return cursor.rowcount


async def roll_up(
    connection: Connection, *, ended_seconds: float = ENDED_SECONDS, lost_seconds: float = LOST_SECONDS
) -> None:
    """Adds up the sums of processes that are gone and removes their rows."""
    await connection.execute(_FOLD, {"ended_seconds": ended_seconds, "lost_seconds": lost_seconds})


async def count(connection: Connection, kind: str, name: str) -> None:
    """Counts one more of something that no process of this kind can count itself."""
    await connection.execute(
        "INSERT INTO ended_sums AS e (kind, name, value) VALUES (%s, %s, 1)"
        " ON CONFLICT (kind, name) DO UPDATE SET value = e.value + 1",
        [kind, name],
    )


async def read(connection: Connection, stale_seconds: float) -> dict[tuple[str, str], float]:
    """The sums of all processes that ever were, by their kind and name, and what those alive do now."""
    cursor = await connection.execute(_READ, {"stale_seconds": stale_seconds})
    return {(kind, name): float(value) for kind, name, value in await cursor.fetchall()}


async def read_doing(connection: Connection, stale_seconds: float) -> dict[str, Doing]:
    """What the processes of each kind that live do together; no jobs are named."""
    cursor = await connection.execute(_DOING, {"stale_seconds": stale_seconds})
    return {kind: msgspec.convert(doing, Doing) for kind, doing in await cursor.fetchall()}


async def read_rows(
    connection: Connection, kind: str, stale_seconds: float, *, limit: int
) -> list[ProcessRow]:
    """The processes of a kind, those alive first, then those last heard of: at most `limit`."""
    cursor = connection.cursor(row_factory=kwargs_row(_row))
    await cursor.execute(_LIST, {"kind": kind, "stale_seconds": stale_seconds, "limit": limit})
    return await cursor.fetchall()


def _row(doing: Any, **rest: Any) -> ProcessRow:
    return ProcessRow(doing=msgspec.convert(doing, Doing), **rest)
