"""What each process reports of itself: that it is alive, and sums of what it has measured since its start.

A report overwrites the one before, so it may be sent twice. Sums of processes that are gone are kept and
added up, so that no total ever goes back. Names of sums are the reporters' own.
"""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from retailpulse.storage.postgres.database import Connection

STARTED, CRASHES, IN_FLIGHT = "started", "crashes", "in_flight"
"""Names that every kind of process has among its sums, beside its own."""

_BEGIN = """
    INSERT INTO processes (process_id, kind, in_flight, sums)
    VALUES (%(process_id)s, %(kind)s, %(in_flight)s, coalesce(%(sums)s::jsonb, '{}'))
    ON CONFLICT (process_id) DO UPDATE
    SET seen_at = now(), in_flight = excluded.in_flight, sums = excluded.sums
"""
# Sums that did not change are not written again: those of an API are long.
_GO_ON = """
    UPDATE processes
    SET seen_at = now(), suspected_at = NULL, lost_at = NULL, in_flight = %(in_flight)s,
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
ENDED_SECONDS, LOST_SECONDS = 60.0, 3600.0
"""How long after its goodbye, or its last sign of life, the row of a process goes up in the sums."""


class ProcessReport(msgspec.Struct, frozen=True, kw_only=True):
    """One process: its sums since its row began, or None if they are as before; what it is doing now."""

    process_id: UUID
    kind: str
    sums: Mapping[str, float] | None
    in_flight: int
    is_last: bool = False

    def parameters(self) -> dict[str, object]:
        """The parameters of the statements."""
        sums = None if self.sums is None else msgspec.json.encode(self.sums).decode()
        return {**msgspec.structs.asdict(self), "sums": sums}


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
